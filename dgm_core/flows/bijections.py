"""Invertible maps that know their Jacobians, one or a chain; forward goes from latent to data.

Either direction returns ``(value, log_det)``: the image of each example, and the logarithm of the
absolute value of the determinant of the map just applied, one number for each example. So the two
log-determinants at one pair of points add up to 0. Maps of single numbers are in
`flows.elementwise`, the layers that learned flows are stacked from in `flows.couplings` and
`flows.mixing`, maps of images in `flows.images`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks

Mapped = tuple[Float[Tensor, " batch *mapped"], Float[Tensor, " batch"]]


class Bijection(nn.Module, ABC):
    """A map with an inverse and a log-determinant. A class is this one or a leaf.

    Example:
        >>> class Double(Bijection):  # of vectors with one number
        ...     def forward(self, z):
        ...         return 2 * z, torch.full((len(z),), 2.0).log()
        ...     def inverse(self, x):
        ...         return x / 2, torch.full((len(x),), 0.5).log()
        >>> Double()(torch.tensor([[3.0]]))
        (tensor([[6.]]), tensor([0.6931]))
    """

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

    @torch.no_grad()
    def initialize(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *latent"]:
        """Set the parameters that start from data (those of `ActNorm`); most maps have none.

        Args:
            x: a batch of data, (B, ...).

        Returns:
            Its latent points, (B, ...).
        """
        return self.inverse(x)[0]


class Compose(Bijection):
    """Several maps, one after the other; their log-determinants add up.

    Example:
        >>> from dgm_core.flows import Affine, Cube
        >>> double = Affine(shift=torch.zeros(1), log_scale=torch.tensor([2.0]).log())
        >>> Compose([double, Cube()]).inverse(torch.tensor([[2.0]]))  # log 12 - log 2
        (tensor([[4.]]), tensor([1.7918]))
    """

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

    def initialize(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *latent"]:
        """Initialise the parts from last to first, each with what the later ones make of x."""
        for part in reversed(self.parts):
            x = part.initialize(x)
        return x


class Inverse(Bijection):
    """Another bijection the other way round."""

    def __init__(self, part: Bijection):
        """Take the bijection whose inverse is to be forward."""
        super().__init__()
        self.part = part

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the inverse of the part."""
        return self.part.inverse(z)

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the part."""
        return self.part.forward(x)


def sum_event(per_dimension: Tensor) -> Tensor:
    """Add up (B, ...) over all but the first axis: one value for each example.

    Raises:
        ValueError: no axis behind the first.
    """
    if per_dimension.ndim < 2:
        raise ValueError(
            f"a batch is {checks.sizes(per_dimension.shape)}, but (B, ...) is expected: write one "
            "number an example as (B, 1), by x[:, None]"
        )
    return per_dimension.flatten(1).sum(1)
