"""Distribution functions as bijections: of a mixture of logistics, and of equal bins."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Mapped, sum_event


class MixtureCDF(Bijection):
    r"""The distribution function of a mixture of logistics: :math:`z = \sum_k w_k \sigma(t_k)`.

    Here :math:`t_k = (x - m_k) / s_k`. Inverse, from a real x to a z in (0, 1), is this formula;
    forward solves it for x by bisection. On a uniform base, x has the mixture's density, since
    that is dz/dx; the derivative of a distribution function is the density. So `inverse` also
    gives the mass of any interval: a difference of two z.

    Attributes:
        weight_logits: of the weights w, (..., K).
        means: m, (..., K).
        log_scales: logarithms of s, (..., K).

    References:
        Ho et al. (2019), Flow++, section 3.2, where it is a part of a coupling.

    Example:
        >>> zeros = torch.zeros(1, 1)  # one number, one component: a logistic
        >>> MixtureCDF(zeros, zeros, zeros).inverse(torch.tensor([[0.0]]))  # log 1/4
        (tensor([[0.5000]]), tensor([-1.3863]))
    """

    def __init__(
        self,
        weight_logits: Float[Tensor, " *event components"],
        means: Float[Tensor, " *event components"],
        log_scales: Float[Tensor, " *event components"],
        learned: bool = False,
    ):
        """Take the numbers to start from, of one shape.

        Args:
            weight_logits: (event, K), or (B, event, K): then every example has a map of its own.
            means: like weight_logits.
            log_scales: like weight_logits.
            learned: whether they are parameters; otherwise they are constants, or what a network
                has computed, and gradients go through them.

        Raises:
            ValueError: their shapes differ.
        """
        super().__init__()
        cure = "one weight, mean and scale for each component of each number"
        checks.same_shape(cure, weight_logits=weight_logits, means=means, log_scales=log_scales)
        parts = {"weight_logits": weight_logits, "means": means, "log_scales": log_scales}
        for name, value in parts.items():
            if learned:
                self.register_parameter(name, nn.Parameter(value.clone()))
            else:
                self.register_buffer(name, value)

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Solve for x; gradients, by z and by the parameters, are those of the exact solution.

        Args:
            z: in (0, 1), (B, ...); 0 and 1 are taken for their neighbours.

        Returns:
            x, (B, ...), and log |det dx/dz|, (B,), in nats.

        Raises:
            ValueError: z is of another shape than the parameters are for, or out of [0, 1].
        """
        self._check("z", z)
        checks.within("z", z, 0, 1, "it is a probability, such as torch.rand draws")
        z = _inside(z)
        x = self._bisect(z)
        log_slope = self._log_slope(x)
        # F(x) - z is 0 up to rounding: only its derivative counts, by the implicit function rule.
        residual = self._cdf(x) - z
        tiny = torch.finfo(z.dtype).tiny
        step = (residual - residual.detach()) / log_slope.exp().detach().clamp(min=tiny)
        x = x - step
        return x, -sum_event(self._log_slope(x))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Evaluate z, and the logarithm of the mixture's density summed over the event.

        A z that rounding would make 0 or 1 stays inside, so that a uniform base accepts it.

        Raises:
            ValueError: x is of another shape than the parameters are for.
        """
        self._check("x", x)
        return _inside(self._cdf(x)), sum_event(self._log_slope(x))

    def _check(self, name: str, value: Tensor) -> None:
        _check_fit(name, value, self.means)

    def _standardised(self, x: Tensor) -> Tensor:
        return (x[..., None] - self.means) * (-self.log_scales).exp()  # (..., K)

    def _cdf(self, x: Tensor) -> Tensor:
        return (self.weight_logits.softmax(-1) * self._standardised(x).sigmoid()).sum(-1)

    def _log_slope(self, x: Tensor) -> Tensor:
        t = self._standardised(x)
        log_weights = self.weight_logits.log_softmax(-1) - self.log_scales
        return (log_weights + F.logsigmoid(t) + F.logsigmoid(-t)).logsumexp(-1)

    @torch.no_grad()
    def _bisect(self, z: Tensor) -> Tensor:
        """Halve an interval that holds x until it is as short as numbers can say."""
        # The mixture's quantile lies between the least and the greatest of its components'.
        ends = self.means + self.log_scales.exp() * z.logit()[..., None]
        low, high = ends.amin(-1), ends.amax(-1)
        for _ in range(72 if z.dtype == torch.float64 else 40):
            middle = (low + high) / 2
            below = self._cdf(middle) < z
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return (low + high) / 2


class CategoricalCDF(Bijection):
    r"""The distribution function of a number that is spread evenly over one of K equal bins.

    The bins cut [0, 1] into K parts and bin k has probability :math:`P_k`. With k the bin of x
    and :math:`C_k = P_0 + \dots + P_{k-1}`, latent and data are related by
    :math:`z = C_k + (Kx - k) P_k`: piecewise linear, onto [0, 1], with the slope :math:`K P_k`,
    constant on a bin. With uniform z, x is a dequantized draw of the categorical distribution.

    Args:
        log_probs: logarithms of the probabilities, (B, *event, K) or (*event, K), each K of them
            normalised; (K,) for all numbers alike.

    Raises:
        ValueError: probabilities that do not add up to 1; only the first K are looked at.

    References:
        Müller et al. (2019), Neural Importance Sampling, section 4.2.

    Example:
        >>> coin = CategoricalCDF(torch.tensor([[0.25, 0.75]]).log())
        >>> coin.inverse(torch.tensor([[0.75]]))  # 1/4 + 3/4 / 2, log(2 * 3/4)
        (tensor([[0.6250]]), tensor([0.4055]))
    """

    def __init__(self, log_probs: Tensor):
        """Take the probabilities of the bins, (..., K), as logarithms."""
        super().__init__()
        one = log_probs[(0,) * (log_probs.ndim - 1)] if log_probs.numel() else log_probs
        cure = "normalise them, by log_softmax(-1)"
        checks.within("the sum of the probabilities", one.exp().sum(-1), 0.99, 1.01, cure)
        self.bins = log_probs.shape[-1]
        self.log_probs = log_probs
        probs = log_probs.exp()
        self.ends = probs.cumsum(-1)  # C_1 to C_K
        self.starts = self.ends - probs  # C_0 to C_(K-1)

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the quantiles at z in [0, 1): the data, each strictly inside the bin it is in.

        Raises:
            ValueError: z is of another shape than the probabilities, or out of [0, 1].
        """
        self._check("z", z)
        checks.within("z", z, 0, 1, "draw uniform noise, by torch.rand")
        k = (z[..., None] >= self.ends[..., :-1]).sum(-1)
        log_p, start = self._at(k)
        tiny = torch.finfo(z.dtype).tiny
        margin = 2 * self.bins * torch.finfo(z.dtype).eps  # k + inside is not to round to k + 1
        inside = ((z - start) / log_p.exp().clamp(min=tiny)).clamp(0.0, 1.0 - margin)
        return (k + inside) / self.bins, -self._log_slope(log_p)

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the distribution function at x in [0, 1), and the log-density there.

        Raises:
            ValueError: x is of another shape than the probabilities, or out of [0, 1].
        """
        self._check("x", x)
        checks.within("x", x, 0, 1, "divide integers by their number: (x + noise) / bins")
        k = bin_of(x, self.bins)
        log_p, start = self._at(k)
        return start + (self.bins * x - k) * log_p.exp(), self._log_slope(log_p)

    def _check(self, name: str, value: Tensor) -> None:
        if self.log_probs.ndim > 1:  # one set of them serves all numbers
            _check_fit(name, value, self.log_probs)

    def _at(self, k: Tensor) -> tuple[Tensor, Tensor]:
        """Return log P_k and C_k."""
        shape, index = (*k.shape, self.bins), k[..., None]
        log_p = self.log_probs.expand(shape).gather(-1, index)[..., 0]
        return log_p, self.starts.expand(shape).gather(-1, index)[..., 0]

    def _log_slope(self, log_p: Tensor) -> Tensor:
        """Add up log K P_k over the event."""
        scale = torch.tensor(self.bins, dtype=log_p.dtype, device=log_p.device).log()
        return (log_p + scale).flatten(1).sum(1)


def bin_of(x: Float[Tensor, " *shape"], bins: int) -> Int[Tensor, " *shape"]:
    """Return the number of the bin that each x in [0, 1) is in, from 0 to bins - 1.

    Args:
        x: numbers, (...).
        bins: how many bins of one width there are.

    Raises:
        ValueError: an x outside of [0, 1], or no bins.
    """
    checks.at_least(1, "how many values there are", bins=bins)
    checks.within("x", x, 0, 1, "divide integers by their number: (x + noise) / bins")
    return (bins * x).long().clamp(0, bins - 1)


def _check_fit(name: str, value: Tensor, parameters: Tensor) -> None:
    """Refuse what parameters, (*event, K), would be stretched over; or each example its own."""
    shape = parameters.shape[:-1]
    if value.shape not in (shape, (*value.shape[:1], *shape)):
        raise ValueError(
            f"{name} is {checks.sizes(value.shape)}, but {checks.sizes(('B', *shape))} is "
            "expected, or one set of parameters for each example: they are "
            f"{checks.sizes(parameters.shape)}"
        )


def _inside(z: Tensor) -> Tensor:
    """Keep z, (...), off 0 and 1 by the least that its type can say."""
    info = torch.finfo(z.dtype)
    return z.clamp(info.tiny, 1 - info.eps / 2)
