"""Gaussians bent: along a parabola, the banana, and along two circles, the moons."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.targets.plane import PLANE, PlanarMixture, check_noise


@dataclass(frozen=True)
class Banana:
    r"""A Gaussian bent along a parabola, :math:`x_2 = c\, (x_1^2 - \sigma_1^2) + \sigma_2 e`.

    An affine coupling with the right network is this distribution exactly.

    Attributes:
        width: standard deviation of x_1.
        thickness: standard deviation of x_2 across the parabola.
        bend: c.

    Raises:
        ValueError: a width or thickness that is not positive.

    References:
        Haario et al. (1999), Adaptive proposal distribution for random walk Metropolis algorithm.
    """

    width: float = 1.0
    thickness: float = 0.3
    bend: float = 0.6

    def __post_init__(self) -> None:
        """Check what the density divides by."""
        checks.positive("a standard deviation", width=self.width, thickness=self.thickness)

    @property
    def entropy(self) -> float:
        """In nats: bending moves area but does not change it."""
        return 1 + math.log(2 * math.pi * self.width * self.thickness)

    def from_noise(self, spread: Float[Tensor, " *batch 2"]) -> Float[Tensor, " *batch 2"]:
        """Make samples, (..., 2), from standard normal noise, (..., 2).

        Raises:
            ValueError: noise that is not of the plane.
        """
        checks.last("spread", spread, 2, PLANE)
        first = self.width * spread[..., 0]
        middle = self.bend * (first**2 - self.width**2)
        return torch.stack([first, middle + self.thickness * spread[..., 1]], -1)

    def sample(
        self,
        sample_shape: Sequence[int] = (),
        device: torch.device | str = "cpu",
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " *sample 2"]:
        """Draw points, (*sample_shape, 2); arguments as for `PlanarMixture.sample`.

        Args:
            sample_shape: how many, in any arrangement.
            device: where they are drawn.
            generator: source of the draws, on `device`; torch's default if None.
        """
        shape = checks.arranged(sample_shape)
        return self.from_noise(torch.randn((*shape, 2), device=device, generator=generator))

    def log_prob(self, x: Float[Tensor, " *batch 2"]) -> Float[Tensor, " *batch"]:
        """Return the exact log density at x, (...), in nats.

        Raises:
            ValueError: points that are not of the plane.
        """
        checks.last("x", x, 2, PLANE)
        middle = self.bend * (x[..., 0] ** 2 - self.width**2)
        along, across = x[..., 0] / self.width, (x[..., 1] - middle) / self.thickness
        constant = math.log(2 * math.pi * self.width * self.thickness)
        return -0.5 * (along**2 + across**2) - constant


@dataclass(frozen=True)
class Moons(PlanarMixture):
    """Two interlocked half-moons: arcs of a circle with normal thickness and wrapped normal angle.

    No continuous map tears a plane in two: between the moons, a flow has to leave a thread.

    Attributes:
        radius: of both arcs.
        thickness: standard deviation of the distance from an arc's centre; far below the radius,
            for the density leaves out negative distances (below 1e-20 if a tenth of it).
        spread: standard deviation of the angle, in radians.
        shift: the centres are at (-shift, -lift) and (shift, lift).
        lift: see shift.

    Raises:
        ValueError: a thickness or spread that is not positive.

    Example:
        >>> moons = Moons()
        >>> moons.sample((5,)).shape
        torch.Size([5, 2])
        >>> moons.log_prob(torch.zeros(1, 2)) < moons.log_prob(torch.tensor([[-0.75, 1.15]]))
        tensor([True])
    """

    radius: float = 1.5
    thickness: float = 0.12
    spread: float = 0.65
    shift: float = 0.75
    lift: float = 0.35

    def __post_init__(self) -> None:
        """Check what the density divides by."""
        checks.positive("a standard deviation", thickness=self.thickness, spread=self.spread)

    def from_noise(
        self, which: Float[Tensor, " *batch"], spread: Float[Tensor, " *batch 2"]
    ) -> Float[Tensor, " *batch 2"]:
        """Bend noise onto an arc: `which` chooses the moon, `spread` an angle and a distance."""
        check_noise(which, spread)
        side = 2 * (which < 0.5).to(spread.dtype) - 1  # the upper moon has its centre at the left
        angle = math.pi / 2 + self.spread * spread[..., 0]
        distance = self.radius + self.thickness * spread[..., 1]
        first = distance * angle.cos() - self.shift
        return side[..., None] * torch.stack([first, distance * angle.sin() - self.lift], -1)

    def log_prob(self, x: Float[Tensor, " *batch 2"]) -> Float[Tensor, " *batch"]:
        """Return the exact log density at x, (...), in nats.

        Raises:
            ValueError: points that are not of the plane.
        """
        checks.last("x", x, 2, PLANE)
        return torch.logaddexp(self._upper(x), self._upper(-x)) - math.log(2)

    def _upper(self, x: Tensor) -> Tensor:
        """Log density of the upper moon; in polar coordinates, an area is r dr da."""
        first, second = x[..., 0] + self.shift, x[..., 1] + self.lift
        distance = (first**2 + second**2).clamp(min=1e-30).sqrt()
        angle = torch.atan2(second, first) - math.pi / 2
        turns = torch.stack([angle + 2 * math.pi * k for k in (-1, 0, 1)], -1) / self.spread
        across = (distance - self.radius) / self.thickness
        constant = math.log(2 * math.pi * self.spread * self.thickness)
        return (-0.5 * turns**2).logsumexp(-1) - 0.5 * across**2 - distance.log() - constant
