"""Monotone splines of rational quadratics, one for each number: bends with a closed-form inverse.

What gives a spline its knots, a network that sees other numbers, is in `flows.couplings` and
`flows.masked`.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Mapped, sum_event

MIN_SHARE = 1e-3  # of a piece, of the whole width or height; so no piece vanishes
MIN_SLOPE = 1e-3  # at a knot
_ONE = math.log(math.expm1(1 - MIN_SLOPE))  # softplus of it and the least slope make 1


class RationalQuadratic(Bijection):
    r"""A monotone spline on [-B, B], of every number; beyond it the identity.

    The square :math:`[-B, B]^2` is cut into K pieces of own widths and heights. From knot to knot
    the way back, from data to latent, is a quotient of two quadratics that has given slopes at
    both ends, and 1 at the ends of the square: it rises, and is continuously differentiable.
    Forward solves a quadratic equation.

    Args:
        numbers: any real numbers, (event, 3 K - 1), or (B, event, 3 K - 1), then every example has
            splines of its own: K logits of widths, K of heights, K - 1 that stand for slopes.
            All 0 are the identity.
        bound: B.
        learned: whether they are parameters; otherwise they are constants, or what a network
            has computed, and gradients go through them.

    Raises:
        ValueError: the last axis is not 3 K - 1 long for a K from 1 to 500, or no interval.

    References:
        Durkan et al. (2019), Neural Spline Flows, section 3.1 and eq. 4 to 8; Gregory and
        Delbourgo (1982), Piecewise Rational Quadratic Interpolation to Monotonic Data.

    Example:
        >>> x = torch.tensor([[0.5], [-7.0]])
        >>> RationalQuadratic(torch.zeros(1, 11), bound=3.0).inverse(x)[0]  # 4 pieces
        tensor([[ 0.5000],
                [-7.0000]])
        >>> bent = RationalQuadratic(torch.randn(1, 11), bound=3.0)
        >>> torch.allclose(bent(bent.inverse(x)[0])[0], x, atol=1e-4)
        True
    """

    def __init__(
        self, numbers: Float[Tensor, " *event numbers"], bound: float = 5.0, learned: bool = False
    ):
        """Take the numbers that the knots are made of, (..., 3 K - 1)."""
        super().__init__()
        checks.positive("the spline ends at plus and minus it", bound=bound)
        self.bound, self.pieces = bound, (numbers.shape[-1] + 1) // 3
        if 3 * self.pieces - 1 != numbers.shape[-1] or not 1 <= self.pieces <= 500:
            raise ValueError(
                f"{numbers.shape[-1]} numbers for a spline: K pieces, from 1 to 500, need 3 K - 1"
            )
        if learned:
            self.numbers = nn.Parameter(numbers.clone())
        else:
            self.register_buffer("numbers", numbers)

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Solve for x, in closed form.

        Raises:
            ValueError: z is of another shape than the numbers are for.
        """
        inside, t, (left, width, bottom, height, first, last) = self._piece("z", z, 1)
        slope, up = height / width, t - bottom
        bend = up * (last + first - 2 * slope)
        a = height * (slope - first) + bend
        b = height * first - bend
        c = -slope * up
        root = (b.square() - 4 * a * c).clamp(min=0).sqrt()
        share = -2 * c / (b + root)  # how far within the piece, from 0 to 1
        x = torch.where(inside, left + share * width, z)
        log_slope = _log_slope(share, slope, first, last)
        return x, -sum_event(torch.where(inside, log_slope, 0.0))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Evaluate the quotient of the piece that each number is in.

        Raises:
            ValueError: x is of another shape than the numbers are for.
        """
        inside, t, (left, width, bottom, height, first, last) = self._piece("x", x, 0)
        slope, share = height / width, (t - left) / width
        rest = share * (1 - share)
        below = slope + (first + last - 2 * slope) * rest
        z = bottom + height * (slope * share.square() + first * rest) / below
        log_slope = _log_slope(share, slope, first, last)
        return torch.where(inside, z, x), sum_event(torch.where(inside, log_slope, 0.0))

    def _piece(self, name: str, value: Tensor, axis: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Find the piece of each number, in x (axis 0) or z (axis 1).

        Returns:
            Which are within the square, the number brought into it, and of the piece: where it
            begins in x, its width, where it begins in z, its height, its first and last slope.
        """
        event = self.numbers.shape[:-1]
        if event[-(value.ndim - 1) :] != value.shape[1:] and event != value.shape:
            raise ValueError(
                f"{name} is {checks.sizes(value.shape)}, but the splines are for "
                f"{checks.sizes(event)}: give each number of an example a spline of its own"
            )
        knots = self._knots()  # (..., 3, K + 1)
        t = value.clamp(-self.bound, self.bound)
        k = (t[..., None] >= knots[..., axis, 1:-1]).sum(-1)
        ends = torch.stack([k, k + 1], -1)[..., None, :].expand(*k.shape, 3, 2)
        low, high = knots.expand(*k.shape, *knots.shape[-2:]).gather(-1, ends).unbind(-1)
        (left, bottom, first), (right, top, last) = low.unbind(-1), high.unbind(-1)
        inside = value.abs() < self.bound
        return inside, t, [left, right - left, bottom, top - bottom, first, last]

    def _knots(self) -> Tensor:
        """Return the knots: their x, their z, their slopes, (..., 3, K + 1)."""
        sizes, slopes = self.numbers.split([2 * self.pieces, self.pieces - 1], -1)
        shares = sizes.unflatten(-1, (2, self.pieces)).softmax(-1)
        shares = MIN_SHARE + (1 - MIN_SHARE * self.pieces) * shares
        inner = (2 * shares.cumsum(-1)[..., :-1] - 1) * self.bound  # (..., 2, K - 1)
        places = F.pad(F.pad(inner, (1, 0), value=-self.bound), (0, 1), value=self.bound)
        slopes = F.pad(MIN_SLOPE + F.softplus(slopes + _ONE), (1, 1), value=1.0)
        return torch.cat([places, slopes[..., None, :]], -2)


def _log_slope(share: Tensor, slope: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Return log dz/dx at a share of the way through a piece; `slope` is the piece's mean one."""
    rest = share * (1 - share)
    above = last * share.square() + 2 * slope * rest + first * (1 - share).square()
    below = slope + (first + last - 2 * slope) * rest
    return 2 * slope.log() + above.log() - 2 * below.log()
