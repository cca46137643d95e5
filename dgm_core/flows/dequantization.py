"""What a density over real numbers says about integers: noise on their bins, and two bounds.

Integers x lie at the left ends of bins of width 1; a model's probability of x is the mass that
its density has on the bin, :math:`P(x) = \\int_{[0, 1)^D} p(x + u)\\, du`.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.cdf import MixtureCDF
from dgm_core.flows.flow import Flow


class Dequantizer(nn.Module):
    r"""Learned noise :math:`q(u \mid x)` on (0, 1)^D, independent over dimensions given x.

    A draw is a monotone function of logistic noise, :math:`u_d = \sum_k w_k \sigma((\epsilon_d -
    m_k) / s_k)`, whose parameters a network computes from x. With m = 0 and s = 1, u is uniform.

    References:
        Ho et al. (2019), Flow++, section 3.1.

    Example:
        >>> class Uniform(nn.Module):
        ...     def forward(self, x):
        ...         return 3 * (torch.zeros(*x.shape, 1),)
        >>> u, log_q = Dequantizer(Uniform())(torch.tensor([[4.0, 7.0]]))
        >>> u.shape, round(log_q.item(), 4) == 0
        (torch.Size([1, 2]), True)
    """

    def __init__(self, net: nn.Module):
        """Take a network from x, (B, D), to weight logits, means and log-scales, (B, D, K)."""
        super().__init__()
        self.net = net

    def forward(
        self, x: Float[Tensor, " batch event"]
    ) -> tuple[Float[Tensor, " batch event"], Float[Tensor, " batch"]]:
        """Draw noise for each example; gradients go through the draw.

        Args:
            x: integers, as floats, (B, D).

        Returns:
            u in (0, 1), (B, D), and log q(u given x), (B,), in nats.
        """
        uniform = torch.rand_like(x).clamp(min=torch.finfo(x.dtype).eps / 2)
        noise = uniform.logit()
        u, log_det = MixtureCDF(*self.net(x)).inverse(noise)
        return u, _log_logistic(noise) - log_det

    def log_prob(
        self, u: Float[Tensor, " batch event"], x: Float[Tensor, " batch event"]
    ) -> Float[Tensor, " batch"]:
        """Return log q(u given x), in nats; slower than a draw, which knows its own.

        Args:
            u: noise in (0, 1), (B, D).
            x: integers, as floats, (B, D).

        Returns:
            (B,).
        """
        noise, log_det = MixtureCDF(*self.net(x))(u)
        return _log_logistic(noise) + log_det


def dequantization_bound(
    flow: Flow,
    x: Float[Tensor, " batch event"],
    dequantizer: Dequantizer | None = None,
    num_samples: int = 1,
) -> Float[Tensor, " batch"]:
    r"""Bound :math:`E_q[\log p(x + u) - \log q(u \mid x)] \le \log P(x)` on integers.

    An unbiased estimate. What is missing is :math:`KL(q(u \mid x) \parallel p(u \mid x))`, where
    :math:`p(u \mid x) = p(x + u) / P(x)`. With uniform noise log q is 0.

    Args:
        flow: p, a density over real numbers on the scale of x: bins have width 1.
        x: integers, as floats, (B, D).
        dequantizer: q; uniform noise on the whole bin if None.
        num_samples: draws of u for each example.

    Returns:
        (B,), in nats, to maximise.

    Raises:
        ValueError: no draw, or an x that has fractions, such as one that has its noise already.
        TypeError: an x of integers.

    References:
        Theis et al. (2016), A note on the evaluation of generative models, section 3.1;
        Ho et al. (2019), Flow++, section 3.1.

    Example:
        >>> from dgm_core.flows import Affine
        >>> wide = Affine(shift=torch.zeros(1), log_scale=torch.tensor([4.0]).log())
        >>> four_bins = Flow(wide, (1,), uniform=True)
        >>> dequantization_bound(four_bins, torch.tensor([[0.0], [3.0]]))  # log 1/4
        tensor([-1.3863, -1.3863])
    """
    checks.at_least(1, "an expectation needs a draw", num_samples=num_samples)
    if not x.is_floating_point():
        raise TypeError(f"x is {x.dtype}, but integers as floats are expected: x.float()")
    cure = "give the integers themselves, on the scale of the flow; the noise is drawn here"
    checks.within("the fraction of x", x - x.round(), 0, 0, cure)
    checks.event("x", x, flow.event_shape, "one row an example, as the flow was made for")
    again = x.repeat(num_samples, 1)  # (S B, D)
    if dequantizer is None:
        log_weight = flow.log_prob(again + torch.rand_like(again))
    else:
        u, log_q = dequantizer(again)
        log_weight = flow.log_prob(again + u) - log_q
    return log_weight.view(num_samples, len(x)).mean(0)


def _log_logistic(noise: Tensor) -> Tensor:
    """Return the log-density of independent standard logistics, (B, D), summed to (B,)."""
    return (F.logsigmoid(noise) + F.logsigmoid(-noise)).sum(-1)
