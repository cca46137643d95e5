"""Couplings, the scale of features that goes before each, and the stack of both for vectors.

"Features" are the first axis of an example: numbers of a vector (D,), channels of an image
(C, H, W). So one class serves both. What mixes them between couplings is in `flows.mixing`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Compose, Mapped, sum_event
from dgm_core.flows.elementwise import scale_and_shift, shift_and_scale_back
from dgm_core.flows.mixing import Permutation
from dgm_core.flows.splines import RationalQuadratic
from dgm_core.nets import mlp

_MOVED = "give examples of the size that the network was made for, 2 outputs for each that moves"


class ActNorm(Bijection):
    r"""A learned scale and shift of every feature: :math:`x = e^s z + b`.

    It is the identity until `initialize` has seen a batch: then latent features have mean 0 and
    standard deviation 1 over that batch (and over the pixels of images).

    References:
        Kingma and Dhariwal (2018), Glow, section 3.1.

    Example:
        >>> norm = ActNorm(1)
        >>> norm.initialize(torch.tensor([[1.0], [2.0], [3.0]]))
        tensor([[-1.],
                [ 0.],
                [ 1.]])
    """

    def __init__(self, num_features: int):
        """Start as the identity.

        Args:
            num_features: numbers of a vector, or channels of an image.
        """
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(num_features))
        self.shift = nn.Parameter(torch.zeros(num_features))

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Scale, then shift."""
        checks.features("z", z, len(self.shift), "the ActNorm")
        return scale_and_shift(z, *_columns(z, self.log_scale, self.shift))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Take the shift off, then the scale."""
        checks.features("x", x, len(self.shift), "the ActNorm")
        return shift_and_scale_back(x, *_columns(x, self.log_scale, self.shift))

    @torch.no_grad()
    def initialize(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *latent"]:
        """Take shift and scale from the mean and the standard deviation of a batch, (B, ...).

        Raises:
            ValueError: fewer than two numbers of a feature, or one that is not finite.
        """
        checks.features("x", x, len(self.shift), "the ActNorm")
        features = x.transpose(0, 1).flatten(1)  # (features, everything else)
        cure = "initialize with a batch of examples, some hundred"
        checks.at_least(2, cure, numbers__each_feature=features.shape[1])
        checks.finite("x", x, "look for what made it so, in the data or in a map before")
        self.shift.copy_(features.mean(1))
        self.log_scale.copy_(features.std(1).clamp(min=1e-6).log())
        return self.inverse(x)[0]


class AffineCoupling(Bijection):
    r"""Keep the first features, :math:`a`; move the others: :math:`x_b = e^{s(a)} z_b + t(a)`.

    Its Jacobian is block triangular whatever the network computes, so that the log-determinant is
    the sum of s. A tanh keeps each s within the bound, so that no scale can run away.

    Attributes:
        net: from the kept features, (B, keep, ...), to (B, 2 * moved, ...): s unbounded, then t.
        keep: how many features stay as they are.
        bound: of the absolute value of s.

    References:
        Dinh et al. (2017), Density Estimation Using Real NVP, eq. 4 to 6.

    Example:
        >>> coupling, z = AffineCoupling(nn.Linear(1, 2), keep=1), torch.randn(5, 2)
        >>> x, log_det = coupling(z)
        >>> torch.equal(x[:, 0], z[:, 0]), torch.allclose(coupling.inverse(x)[0], z, atol=1e-5)
        (True, True)
    """

    def __init__(self, net: nn.Module, keep: int, bound: float = 3.0):
        """Take the network as it is; `zero_last` makes a coupling start as identity.

        Raises:
            ValueError: nothing is kept, or the bound leaves no scale.
        """
        super().__init__()
        checks.at_least(1, "the network needs something to see", keep=keep)
        checks.positive("it is the largest log-scale", bound=bound)
        self.net, self.keep, self.bound = net, keep, bound

    def log_scale_and_shift(
        self, kept: Float[Tensor, " batch keep *rest"]
    ) -> tuple[Float[Tensor, " batch moved *rest"], Float[Tensor, " batch moved *rest"]]:
        """Return s and t, (B, moved, ...), for the kept features, (B, keep, ...)."""
        raw, shift = self.net(kept).chunk(2, 1)
        return self.bound * (raw / self.bound).tanh(), shift

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Scale and shift the moved features."""
        kept, moved = z[:, : self.keep], z[:, self.keep :]
        s, t = self.log_scale_and_shift(kept)
        checks.same_shape(_MOVED, what_moves=moved, scale=s, shift=t)
        return torch.cat([kept, moved * s.exp() + t], 1), sum_event(s)

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Undo it: the network sees what it saw, and is not inverted itself."""
        kept, moved = x[:, : self.keep], x[:, self.keep :]
        s, t = self.log_scale_and_shift(kept)
        checks.same_shape(_MOVED, what_moves=moved, scale=s, shift=t)
        return torch.cat([kept, (moved - t) * (-s).exp()], 1), -sum_event(s)


class SplineCoupling(Bijection):
    """Keep the first features; bend each of the others by a spline that the first choose.

    Attributes:
        net: from the kept features, (B, keep, ...), to (B, moved * (3 K - 1), ...): the numbers
            of a `RationalQuadratic` of K pieces for each that moves, side by side.
        keep: how many features stay as they are.
        pieces: K.
        bound: the splines bend within plus and minus it.

    References:
        Durkan et al. (2019), Neural Spline Flows, section 3.2.

    Example:
        >>> coupling = SplineCoupling(nn.Linear(1, 11), keep=1, pieces=4)
        >>> z = torch.randn(5, 2)
        >>> x, log_det = coupling(z)
        >>> torch.equal(x[:, 0], z[:, 0]), torch.allclose(coupling.inverse(x)[0], z, atol=1e-4)
        (True, True)
    """

    def __init__(self, net: nn.Module, keep: int, pieces: int = 8, bound: float = 5.0):
        """Take the network as it is; `zero_last` makes a coupling start as identity.

        Raises:
            ValueError: nothing is kept, no piece, or no interval.
        """
        super().__init__()
        checks.at_least(1, "the network needs something to see", keep=keep)
        checks.at_least(1, "of each spline", pieces=pieces)
        checks.positive("the splines end at plus and minus it", bound=bound)
        self.net, self.keep, self.pieces, self.bound = net, keep, pieces, bound

    def splines(self, kept: Float[Tensor, " batch keep *rest"]) -> RationalQuadratic:
        """Return the splines of the moved features for the kept ones, (B, keep, ...)."""
        numbers = self.net(kept).unflatten(1, (-1, 3 * self.pieces - 1))
        return RationalQuadratic(numbers.movedim(2, -1), self.bound)

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Bend the moved features; each spline solves a quadratic equation."""
        kept, moved = z[:, : self.keep], z[:, self.keep :]
        moved, log_det = self.splines(kept)(moved)
        return torch.cat([kept, moved], 1), log_det

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Undo it: the network sees what it saw, and the splines are evaluated."""
        kept, moved = x[:, : self.keep], x[:, self.keep :]
        moved, log_det = self.splines(kept).inverse(moved)
        return torch.cat([kept, moved], 1), log_det


def zero_last(net: nn.Sequential) -> nn.Sequential:
    """Set the last layer of a network to zero, in place: its coupling starts as the identity.

    Args:
        net: ends in a layer with weight and bias.
    """
    nn.init.zeros_(net[-1].weight)
    nn.init.zeros_(net[-1].bias)
    return net


def coupling_layers(dim: int, layers: int = 6, hidden: int = 32, bound: float = 3.0) -> Compose:
    """Stack actnorm, affine coupling and reversal of the order, `layers` times, for vectors.

    It starts as the identity up to the order; give `initialize` a batch before training. With an
    even number of layers the components of the latent point are in the order of the data.

    Args:
        dim: D, numbers of a vector, at least 2.
        layers: how many couplings.
        hidden: units of each of the two hidden layers of a coupling's network.
        bound: of the couplings' log-scales.

    Raises:
        ValueError: a vector of fewer than 2 numbers, which has no halves; or less than no layer.

    Example:
        >>> z = torch.tensor([[1.0, 2.0, 3.0]])
        >>> x, log_det = coupling_layers(3, layers=1)(z)
        >>> x.tolist(), log_det.tolist()  # as new: only the order is reversed
        ([[3.0, 2.0, 1.0]], [0.0])
    """
    if dim < 2:
        raise ValueError(f"dim is {dim}; a coupling needs at least 2 numbers")
    checks.at_least(0, "how many couplings", layers=layers)
    keep, parts = dim - dim // 2, []
    for _ in range(layers):
        net = zero_last(mlp([keep, hidden, hidden, 2 * (dim - keep)], nn.SiLU))
        reverse = Permutation(range(dim - 1, -1, -1))
        parts += [ActNorm(dim), AffineCoupling(net, keep, bound), reverse]
    return Compose(parts)


def _columns(value: Tensor, *features: Tensor) -> list[Tensor]:
    """Give numbers of one feature each the axes that multiply with `value`."""
    return [each.view(-1, *[1] * (value.ndim - 2)) for each in features]
