"""Divergences that need no draws: closed forms for normals, and quadrature on a line."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Independent, kl_divergence

from dgm_core import checks


def renyi_divergence(p: Independent, q: Independent, order: float) -> Float[Tensor, " *batch"]:
    r"""Renyi divergence of two diagonal normals, :math:`\frac{1}{a-1} \log E_q[(p/q)^a]`.

    Order 1 is the Kullback-Leibler divergence KL(p || q); the exponential of order 2 is one plus
    the chi-square divergence, and so tells what importance sampling of p by q costs.

    Args:
        p, q: independent normals over the same events; their batch shapes broadcast.
        order: a, positive.

    Returns:
        (...), in nats; infinite where the order is above 1 and the tails of q are too light.

    Raises:
        ValueError: `order` is not positive, or the two have no event, or events of two shapes.

    References:
        van Erven and Harremoes (2014), Renyi Divergence and Kullback-Leibler Divergence; Gil et
        al. (2013), Renyi divergence measures for commonly used univariate distributions.

    Example:
        >>> from torch.distributions import Normal
        >>> p, q = (Independent(Normal(torch.full((2,), mean), 1.0), 1) for mean in (1.0, 0.0))
        >>> renyi_divergence(p, q, order=1.0), renyi_divergence(p, q, order=2.0)
        (tensor(1.), tensor(2.))
    """
    if not order > 0:
        raise ValueError(f"the order is {order}; it must be positive")
    if p.event_shape != q.event_shape or len(p.event_shape) != 1:
        events = f"{checks.sizes(p.event_shape)} and {checks.sizes(q.event_shape)}"
        raise ValueError(
            f"the events of p and q are {events}, but one vector is expected: "
            "Independent(Normal(...), 1) makes an event of the last axis"
        )
    if order == 1:
        return kl_divergence(p, q)
    mixed = order * q.variance + (1 - order) * p.variance
    spread = (q.variance / p.variance).log() + (q.variance / mixed).log() / (order - 1)
    per_dim = 0.5 * (spread + order * (p.mean - q.mean) ** 2 / mixed)
    return per_dim.where(mixed > 0, math.inf).sum(-1)


def normal_kl(
    mean_q: Float[Tensor, " *batch"],
    var_q: Float[Tensor, " *batch"],
    mean_p: Float[Tensor, " *batch"],
    var_p: Float[Tensor, " *batch"],
) -> Float[Tensor, " *batch"]:
    r"""Closed form of KL(q || p) for normals, to the last digits also where q is nearly p.

    With :math:`r = v_q / v_p - 1` it is :math:`((m_q - m_p)^2 / v_p + r - \log(1 + r)) / 2`. Where
    r is small the difference of r and its logarithm cancels; a series takes its place there.

    Args:
        mean_q, mean_p: means, one shape.
        var_q, var_p: variances, positive, of the same shape.

    Returns:
        (...), one value for each pair, in nats.

    Raises:
        ValueError: shapes that differ, or a variance below 0.

    References:
        Kullback and Leibler (1951), On Information and Sufficiency, for the divergence; the
        series is that of log1p in fdlibm (Sun Microsystems, 1993).

    Example:
        >>> mean, variance = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0])
        >>> normal_kl(mean, variance, torch.zeros(2), torch.ones(2))
        tensor([0.0000, 0.5000])
    """
    cure = "expand what all have in common"
    checks.same_shape(cure, mean_q=mean_q, var_q=var_q, mean_p=mean_p, var_p=var_p)
    for name, variance in (("var_q", var_q), ("var_p", var_p)):
        checks.within(name, variance, 0, math.inf, "give variances, not their logarithms")
    r = (var_q - var_p) / var_p
    s = r / (2 + r)  # log(1 + r) = 2 (s + s^3/3 + s^5/5 + ...), and r - 2 s = r s
    series = torch.zeros_like(r)
    for k in range(13, 1, -2):
        series = series * s**2 + 1 / k
    excess = torch.where(r.abs() < 0.1, r * s - 2 * s**3 * series, r - r.log1p())
    return 0.5 * ((mean_q - mean_p) ** 2 / var_p + excess)


def kl_by_quadrature(
    log_q: Float[Tensor, " *batch points"],
    log_p: Float[Tensor, " *batch points"],
    x: Float[Tensor, " points"],
) -> Float[Tensor, " *batch"]:
    r"""KL(q || p) of densities on a line, :math:`\int q \log(q / p)\, dx`, by the trapezoid rule.

    Args:
        log_q, log_p: (..., N), logarithms of the densities at the points, in nats; they broadcast.
        x: (N,), rising, from where q begins to where it ends.

    Returns:
        (...), in nats; infinite where q has mass at a point at which p has none.

    Raises:
        ValueError: x does not rise, or a density has another number of points.

    Example:
        >>> from torch.distributions import Normal
        >>> x = torch.linspace(-9, 10, 2001)
        >>> log_q, log_p = Normal(1.0, 1.0).log_prob(x), Normal(0.0, 1.0).log_prob(x)
        >>> kl_by_quadrature(log_q, log_p, x)
        tensor(0.5000)
    """
    _check_points(x, log_q=log_q, log_p=log_p)
    q = log_q.exp()
    return torch.trapezoid(torch.where(q > 0, q * (log_q - log_p), 0.0), x)


def jensen_shannon_by_quadrature(
    log_p: Float[Tensor, " *#batch points"],
    log_q: Float[Tensor, " *#batch points"],
    x: Float[Tensor, " points"],
) -> Float[Tensor, " *#batch"]:
    r"""Jensen-Shannon divergence of densities on a line, by the trapezoid rule.

    With :math:`u = \frac12 |\log p - \log q|` the integrand is half of :math:`(p + q)(u \tanh u -
    \log\cosh u)`: never negative, so nothing cancels, not even where p is nearly q.

    Args:
        log_p, log_q: (..., N), logarithms of the densities at the points, in nats; -inf for 0.
            They broadcast.
        x: (N,), rising, from where the first density begins to where the last one ends.

    Returns:
        (...), in nats, from 0 to log 2.

    Raises:
        ValueError: x does not rise, or a density has another number of points.

    References:
        Lin (1991), Divergence Measures Based on the Shannon Entropy.

    Example:
        >>> from torch.distributions import Normal
        >>> x = torch.linspace(-30, 30, 2001)
        >>> log_p, log_q = Normal(-20.0, 1.0).log_prob(x), Normal(20.0, 1.0).log_prob(x)
        >>> jensen_shannon_by_quadrature(log_p, log_p, x)
        tensor(0.)
        >>> jensen_shannon_by_quadrature(log_p, log_q, x)  # log 2: they have nothing in common
        tensor(0.6931)
    """
    _check_points(x, log_p=log_p, log_q=log_q)
    total = log_p.exp() + log_q.exp()
    u = 0.5 * (log_p - log_q).abs()
    near = u.clamp(max=1)
    near = near * near.tanh() - 0.5 * (near.sinh() ** 2).log1p()
    tail = (-2 * u.clamp(max=40)).exp()  # tanh u = (1 - tail) / (1 + tail)
    far = math.log(2) - tail.log1p() - 2 * u.clamp(max=40) * tail / (1 + tail)
    integrand = 0.5 * total * torch.where(u < 1, near, far)
    return torch.trapezoid(torch.where(total > 0, integrand, 0.0), x)


def game_value_by_quadrature(
    logits: Float[Tensor, " *#batch points"],
    log_p: Float[Tensor, " *#batch points"],
    log_q: Float[Tensor, " *#batch points"],
    x: Float[Tensor, " points"],
) -> Float[Tensor, " *#batch"]:
    r"""Value of the minimax game on a line, :math:`\int p \log D + q \log(1 - D)\, dx`.

    The best discriminator has the logit log p - log q, and the value -log 4 + 2 JSD(p || q).

    Args:
        logits: (..., N), of the discriminator at the points; infinite where it is certain;
            the three broadcast.
        log_p: (..., N), logarithm of the data's density, in nats; -inf for 0.
        log_q: (..., N), logarithm of the generator's density.
        x: (N,), rising, from where the first density begins to where the last one ends.

    Returns:
        (...), in nats; -inf where the discriminator is certain and wrong.

    Raises:
        ValueError: x does not rise, or one of the three has another number of points.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, eq. 3 and theorem 1.

    Example:
        >>> from torch.distributions import Normal
        >>> x = torch.linspace(-9, 9, 2001)
        >>> log_p = Normal(0.0, 1.0).log_prob(x)
        >>> game_value_by_quadrature(torch.zeros(2001), log_p, log_p, x)  # -log 4
        tensor(-1.3863)
    """
    _check_points(x, logits=logits, log_p=log_p, log_q=log_q)
    p, q = log_p.exp(), log_q.exp()
    real = torch.where(p > 0, p * F.logsigmoid(logits), 0.0)
    fake = torch.where(q > 0, q * F.logsigmoid(-logits), 0.0)
    return torch.trapezoid(real + fake, x)


def _check_points(x: Tensor, **values: Tensor) -> None:
    checks.rising("x", x, "sort it, and what was computed at it, as torch.linspace does")
    for name, value in values.items():
        checks.last(name, value, len(x), "evaluate it at the points of x")
