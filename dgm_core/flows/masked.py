"""Masked autoregressive flows: each number is moved as those before it say, in one pass or D."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Compose, Mapped, sum_event
from dgm_core.flows.couplings import ActNorm, zero_last
from dgm_core.flows.mixing import Permutation
from dgm_core.nets import masked_mlp

# From numbers for each place, (B, D, P), to a map of each number by itself.
Maps = Callable[[Tensor], Bijection]


class ScaleAndShift(Bijection):
    r"""A scale and a shift of every number of every example: :math:`x = e^s z + t`.

    Attributes:
        log_scale: s, (B, D).
        shift: t, (B, D).
    """

    def __init__(self, numbers: Float[Tensor, " batch dim 2"], bound: float = 3.0):
        """Take s, which a tanh keeps within the bound, and t, side by side."""
        super().__init__()
        raw, self.shift = numbers.unbind(-1)
        self.log_scale = bound * (raw / bound).tanh()

    def forward(self, z: Float[Tensor, " batch dim"]) -> Mapped:
        """Scale, then shift."""
        return z * self.log_scale.exp() + self.shift, sum_event(self.log_scale)

    def inverse(self, x: Float[Tensor, " batch dim"]) -> Mapped:
        """Take the shift off, then the scale."""
        return (x - self.shift) * (-self.log_scale).exp(), -sum_event(self.log_scale)


class MaskedAutoregressive(Bijection):
    r"""Each number is moved by a map that the earlier ones of the data choose.

    The Jacobian is triangular in the order, so log-determinants add up. The way back needs one
    pass, since all of x is there; forward needs D of them, one number after the other.

    Attributes:
        net: from x, (B, D), to P numbers for each, (B, D * P), such that those of a place see
            earlier places alone; `nets.masked_mlp` builds it.
        maps: from (B, D, P) to the map of each number: `ScaleAndShift`, or `RationalQuadratic`.

    References:
        Papamakarios et al. (2017), Masked Autoregressive Flow for Density Estimation, eq. 3 to 5,
        with any monotone map for the affine one.

    Example:
        >>> layer = MaskedAutoregressive(masked_mlp([0, 1, 2], hidden=[8], outputs=2))
        >>> z = torch.randn(5, 3)
        >>> x, log_det = layer(z)
        >>> torch.allclose(layer.inverse(x)[0], z, atol=1e-5)
        True
        >>> from dgm_core.flows import RationalQuadratic
        >>> spline = MaskedAutoregressive(masked_mlp([0, 1], [8], outputs=11), RationalQuadratic)
        >>> spline(torch.zeros(4, 2))[0].shape
        torch.Size([4, 2])
    """

    def __init__(self, net: nn.Module, maps: Maps = ScaleAndShift):
        """Take a network that keeps the order, and what its numbers mean."""
        super().__init__()
        self.net, self.maps = net, maps

    def forward(self, z: Float[Tensor, " batch dim"]) -> Mapped:
        """Draw one number after the other: D passes.

        A pass is for all numbers at once. The first of the order is right after the first pass,
        the second after the second, as they see nothing else; the others are thrown away.
        """
        x, log_det = torch.zeros_like(z), z.new_zeros(len(z))
        for _ in range(z.shape[1]):
            x, log_det = self._map(x).forward(z)
        return x, log_det

    def inverse(self, x: Float[Tensor, " batch dim"]) -> Mapped:
        """Undo all of it in one pass."""
        return self._map(x).inverse(x)

    def _map(self, x: Tensor) -> Bijection:
        numbers = self.net(x)
        if numbers.shape[1] % x.shape[1]:
            raise ValueError(
                f"the network returns {checks.sizes(numbers.shape)} for x of "
                f"{checks.sizes(x.shape)}: give it the same number of outputs for each place"
            )
        return self.maps(numbers.unflatten(1, (x.shape[1], -1)))


def masked_layers(
    dim: int,
    layers: int = 5,
    hidden: Sequence[int] = (64, 64),
    maps: Maps = ScaleAndShift,
    outputs: int = 2,
) -> Compose:
    """Stack actnorm, masked layer and reversal of the order, `layers` times, for vectors.

    It starts as the identity up to the order; give `initialize` a batch before training.

    Args:
        dim: D, numbers of a vector.
        layers: how many masked layers.
        hidden: sizes of the hidden layers of each network.
        maps: of each number; see `MaskedAutoregressive`.
        outputs: P, the numbers that `maps` needs for each.

    Raises:
        ValueError: less than no layer.

    References:
        Papamakarios et al. (2017), Masked Autoregressive Flow for Density Estimation, section 3.
    """
    checks.at_least(0, "how many masked layers", layers=layers)
    parts = []
    for _ in range(layers):
        net = zero_last(masked_mlp(range(dim), hidden, outputs, nn.SiLU))
        parts += [ActNorm(dim), MaskedAutoregressive(net, maps)]
        parts.append(Permutation(range(dim - 1, -1, -1)))
    return Compose(parts)
