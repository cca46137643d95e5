"""What distributions of the plane have in common: mixtures drawn from noise, checks of points."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks

PLANE = "a point of the plane has two numbers"


class PlanarMixture(ABC):
    """A mixture of equal parts: a uniform number chooses one, two normal numbers a point of it."""

    @abstractmethod
    def from_noise(
        self, which: Float[Tensor, " *batch"], spread: Float[Tensor, " *batch 2"]
    ) -> Float[Tensor, " *batch 2"]:
        """Make samples from noise, a pure function for a page that draws the noise itself.

        Args:
            which: uniform on [0, 1), chooses the part, (...).
            spread: standard normal, (..., 2).

        Returns:
            (..., 2).

        Raises:
            ValueError: noise that is not of the plane, or not one choice a point.
        """

    def sample(
        self,
        sample_shape: Sequence[int] = (),
        device: torch.device | str = "cpu",
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " *sample 2"]:
        """Draw points.

        Args:
            sample_shape: how many, in any arrangement.
            device: where they are drawn.
            generator: source of the draws, on `device`; torch's default if None.

        Returns:
            (*sample_shape, 2), float32.
        """
        options, shape = {"device": device, "generator": generator}, checks.arranged(sample_shape)
        which = torch.rand(shape, **options)
        return self.from_noise(which, torch.randn((*shape, 2), **options))


def check_noise(which: Tensor, spread: Tensor) -> None:
    """Refuse noise that is not of the plane, or not one choice a point.

    Args:
        which: chooses a part of a mixture, (...).
        spread: around its middle, (..., 2).

    Raises:
        ValueError: other shapes.
    """
    checks.last("spread", spread, 2, PLANE)
    checks.same_shape("one choice a point", which=which, points=spread[..., 0])
