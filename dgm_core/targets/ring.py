"""A ring of round Gaussians."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dgm_core import checks
from dgm_core.targets.plane import PLANE, PlanarMixture, check_noise


@dataclass(frozen=True)
class Ring(PlanarMixture):
    """A mixture of equal round Gaussians whose centres are evenly spaced on a circle.

    Attributes:
        modes: number of Gaussians.
        radius: of the circle around the origin.
        scale: standard deviation of each Gaussian, in either direction.

    Raises:
        ValueError: no Gaussian, or a scale that is not positive.
        TypeError: modes that are no whole number.

    References:
        Metz et al. (2017), Unrolled Generative Adversarial Networks.

    Example:
        >>> ring = Ring(modes=4, radius=2.0, scale=0.1)
        >>> ring.sample((5,)).shape
        torch.Size([5, 2])
        >>> ring.nearest(torch.tensor([[0.0, 2.2]]))  # two sigmas from the second Gaussian
        (tensor([1]), tensor([2.0000]))
    """

    modes: int = 8
    radius: float = 2.0
    scale: float = 0.1

    def __post_init__(self) -> None:
        """Check what the density divides by."""
        checks.counts("how many Gaussians there are", modes=self.modes)
        checks.at_least(1, "a mixture needs a part", modes=self.modes)
        checks.positive("a standard deviation", scale=self.scale)

    def centres(self, device: torch.device | str = "cpu") -> Float[Tensor, " modes 2"]:
        """Return the centres, (modes, 2), from angle 0 anticlockwise; float32, on `device`."""
        angle = torch.arange(self.modes, device=device) * (2 * math.pi / self.modes)
        return self.radius * torch.stack([angle.cos(), angle.sin()], 1)

    def from_noise(
        self, which: Float[Tensor, " *batch"], spread: Float[Tensor, " *batch 2"]
    ) -> Float[Tensor, " *batch 2"]:
        """Put points around centres: `which` chooses the Gaussian, `spread` counts its sigmas."""
        check_noise(which, spread)
        angle = (self.modes * which).floor() * (2 * math.pi / self.modes)
        centre = self.radius * torch.stack([angle.cos(), angle.sin()], -1)
        return centre + self.scale * spread

    def log_prob(self, x: Float[Tensor, " *batch 2"]) -> Float[Tensor, " *batch"]:
        """Return the exact log density at x, (...), in nats.

        Raises:
            ValueError: points that are not of the plane.
            TypeError: points of whole numbers.
        """
        away = self._away(x)  # (..., modes, 2)
        constant = math.log(self.modes * 2 * math.pi * self.scale**2)
        return (-0.5 * away.square().sum(-1)).logsumexp(-1) - constant

    def nearest(
        self, x: Float[Tensor, " *batch 2"]
    ) -> tuple[Int[Tensor, " *batch"], Float[Tensor, " *batch"]]:
        """Return the nearest Gaussian of each point, (...), and how many sigmas away, (...).

        Raises:
            ValueError: points that are not of the plane.
            TypeError: points of whole numbers.
        """
        distance, index = self._away(x).square().sum(-1).min(-1)
        return index, distance.sqrt()

    def _away(self, x: Tensor) -> Tensor:
        """Return how far each Gaussian is from points, (..., modes, 2), in its sigmas."""
        checks.last("x", x, 2, PLANE)
        checks.floating("x", x, "the centres lie between whole numbers; x.float()")
        return (x[..., None, :] - self.centres(x.device).to(x.dtype)) / self.scale
