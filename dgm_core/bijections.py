"""Invertible maps that know their Jacobians; forward goes from latent to data.

Either direction returns ``(value, log_det)``: the image of each example, and the logarithm of the
absolute value of the determinant of the map just applied, one number for each example. So the two
log-determinants at one pair of points add up to 0. Maps of whole images are in
`dgm_core.image_bijections`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn, where

Mapped = tuple[Float[Tensor, " batch *event"], Float[Tensor, " batch"]]


class Bijection(nn.Module, ABC):
    """A map with an inverse and a log-determinant. A class is this one or a leaf."""

    @abstractmethod
    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Map latent to data.

        Args:
            z: latent points, (B, ...).

        Returns:
            x, (B, ...), and log |det dx/dz|, (B,), in nats.
        """

    @abstractmethod
    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Map data to latent.

        Args:
            x: data points, (B, ...).

        Returns:
            z, (B, ...), and log |det dz/dx|, (B,), in nats.
        """


class Cube(Bijection):
    r"""The map :math:`z = x^3` of every component; forward is the real cube root.

    At 0 the slope of the inverse is 0: its log-determinant is -inf, forward's +inf.
    """

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the real cube roots, negative for negative numbers."""
        # Not sign(z) |z|^(1/3), whose gradient at 0 is 0 times infinity. This one's is infinite.
        below = z < 0
        x = where(below, 0.0, z).pow(1 / 3) - where(below, -z, 0.0).pow(1 / 3)
        return x, -_sum(_log_slope_of_cube(x))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the cubes, with log 3 x^2 summed over the event."""
        return x**3, _sum(_log_slope_of_cube(x))


def _log_slope_of_cube(x: Tensor) -> Tensor:
    return (3 * x**2).log()


class Compose(Bijection):
    """Several maps, one after the other; their log-determinants add up."""

    def __init__(self, parts: Sequence[Bijection]):
        """Take the parts in the order of forward, from latent to data."""
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the parts from first to last."""
        total = z.new_zeros(len(z))
        for part in self.parts:
            z, log_det = part.forward(z)
            total = total + log_det
        return z, total

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Undo the parts from last to first."""
        total = x.new_zeros(len(x))
        for part in reversed(self.parts):
            x, log_det = part.inverse(x)
            total = total + log_det
        return x, total


def _sum(per_dimension: Tensor) -> Tensor:
    """Add up over all but the first axis: one value for each example."""
    return per_dimension.flatten(1).sum(1)
