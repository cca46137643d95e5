"""Maps of every number by itself: cube, scale and shift, logit."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Mapped, sum_event

_EXPAND = "give a shift and a log_scale to each number of an example, by expand if all are alike"


class Cube(Bijection):
    r"""The map :math:`z = x^3` of every component; forward is the real cube root.

    At 0 the slope of the inverse is 0: its log-determinant is -inf, forward's +inf.

    Example:
        >>> Cube().inverse(torch.tensor([[2.0]]))  # log 12
        (tensor([[8.]]), tensor([2.4849]))
    """

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the real cube roots, negative for negative numbers."""
        # Not sign(z) |z|^(1/3), whose gradient at 0 is 0 times infinity. This one's is infinite.
        below = z < 0
        x = torch.where(below, 0.0, z).pow(1 / 3) - torch.where(below, -z, 0.0).pow(1 / 3)
        return x, -sum_event(_log_slope_of_cube(x))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the cubes, with log 3 x^2 summed over the event."""
        return x**3, sum_event(_log_slope_of_cube(x))


def _log_slope_of_cube(x: Tensor) -> Tensor:
    return (3 * x**2).log()


class Affine(Bijection):
    r"""A scale and a shift of every component: :math:`x = e^s z + b`.

    Attributes:
        log_scale: s, of the event's shape.
        shift: b, of the event's shape.

    Example:
        >>> affine = Affine(shift=torch.tensor([1.0]), log_scale=torch.tensor([2.0]).log())
        >>> affine(torch.tensor([[3.0]]))
        (tensor([[7.]]), tensor([0.6931]))
    """

    def __init__(
        self,
        shift: Float[Tensor, " *event"],
        log_scale: Float[Tensor, " *event"],
        learned: bool = False,
    ):
        """Take the numbers to start from.

        Args:
            shift: b, (event).
            log_scale: s, (event).
            learned: whether they are parameters; otherwise they are constants.

        Raises:
            ValueError: shift and log_scale differ in shape.
        """
        super().__init__()
        checks.same_shape(_EXPAND, shift=shift, log_scale=log_scale)
        for name, value in (("shift", shift), ("log_scale", log_scale)):
            if learned:
                self.register_parameter(name, nn.Parameter(value.clone()))
            else:
                self.register_buffer(name, value.clone())

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Scale, then shift."""
        checks.event("z", z, self.shift.shape, _EXPAND)
        return scale_and_shift(z, self.log_scale, self.shift)

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Take the shift off, then the scale."""
        checks.event("x", x, self.shift.shape, _EXPAND)
        return shift_and_scale_back(x, self.log_scale, self.shift)


class Logit(Bijection):
    r"""From all real numbers to (0, 1): :math:`\alpha + (1 - 2 \alpha) x = \sigma(z)`.

    An x of 0 or 1 has a finite z. In return forward may leave [0, 1], by less than 2 alpha.

    References:
        Dinh et al. (2017), Density Estimation Using Real NVP, section 4.1, with alpha = 0.05.

    Example:
        >>> Logit(alpha=0.0)(torch.tensor([[0.0]]))  # log 1/4
        (tensor([[0.5000]]), tensor([-1.3863]))
    """

    def __init__(self, alpha: float = 1e-5):
        """Choose how far the data stay from the ends.

        Args:
            alpha: at least 0 and below 1/2. A large one spends density outside of [0, 1].

        Raises:
            ValueError: alpha is out of range.
        """
        super().__init__()
        if not 0 <= alpha < 0.5:
            raise ValueError(f"alpha is {alpha}; it must be at least 0 and below 1/2")
        self.alpha = alpha

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the sigmoid and stretch its range."""
        return (z.sigmoid() - self.alpha) / (1 - 2 * self.alpha), sum_event(self._log_slope(z))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the logit, log y - log(1 - y), without a difference of nearly equal numbers."""
        beyond = self.alpha / (1 - 2 * self.alpha)  # how far outside of [0, 1] forward may be
        checks.within("x", x, -beyond, 1 + beyond, "bring it into (0, 1), as data.dequantize does")
        low, high = (self.alpha + (1 - 2 * self.alpha) * t for t in (x, 1 - x))
        z = low.log() - high.log()
        return z, -sum_event(self._log_slope(z))

    def _log_slope(self, z: Tensor) -> Tensor:
        return F.logsigmoid(z) + F.logsigmoid(-z) - math.log(1 - 2 * self.alpha)


def scale_and_shift(z: Tensor, log_scale: Tensor, shift: Tensor) -> Mapped:
    """Return :math:`e^s z + b` and its log-determinant, (B,), as `Affine` and `ActNorm` do.

    Args:
        z: latent points, (B, *event).
        log_scale: s, of a shape that broadcasts to an example's.
        shift: b, of the shape of `log_scale`.
    """
    return z * log_scale.exp() + shift, _log_det_of_scales(z, log_scale)


def shift_and_scale_back(x: Tensor, log_scale: Tensor, shift: Tensor) -> Mapped:
    """Undo `scale_and_shift`; the log-determinant, (B,), is that of the map back.

    Args:
        x: data points, (B, *event).
        log_scale: s, of a shape that broadcasts to an example's.
        shift: b, of the shape of `log_scale`.
    """
    return (x - shift) * (-log_scale).exp(), -_log_det_of_scales(x, log_scale)


def _log_det_of_scales(value: Tensor, log_scale: Tensor) -> Tensor:
    each = math.prod(value.shape[1:]) // log_scale.numel()  # numbers that share a scale
    return (log_scale.sum() * each).expand(len(value))
