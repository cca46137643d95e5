"""Rising maps of a line to an interval, one for each number: flows without a neighbour to ask."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core.bijections import Bijection, Mapped, sum_event


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
        """
        super().__init__()
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
        """
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
        """
        return _inside(self._cdf(x)), sum_event(self._log_slope(x))

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


def _inside(z: Tensor) -> Tensor:
    """Keep z, (...), off 0 and 1 by the least that its type can say."""
    info = torch.finfo(z.dtype)
    return z.clamp(info.tiny, 1 - info.eps / 2)
