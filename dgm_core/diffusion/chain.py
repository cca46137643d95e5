r"""The chain of noising steps between two log-SNRs, its reverse, and the reverse's two variances.

Everything is on the variance-preserving scale. A step goes from more signal, `high`, to less,
`low`: :math:`z_{low} = \alpha z_{high} + \sqrt b\, e` with :math:`\alpha^2 = 1 - b`.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.diffusion.clock import variance_preserving
from dgm_core.diffusion.denoised import Denoiser, signal_and_noise, with_axes_of
from dgm_core.divergences import normal_kl

Levels = Float[Tensor, " *batch"]


def forward_variance(low: Levels, high: Levels) -> Levels:
    r"""Return b, the share of variance that the step from `high` to `low` replaces by noise.

    Args:
        low: log-SNR after the step, (...), in nats.
        high: log-SNR before it, (...).

    Returns:
        (...), from 0 to 1.

    Raises:
        ValueError: `low` is above `high`, where `checks` see it.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 2; Kingma et al. (2021),
        Variational Diffusion Models, appendix A, for any two levels.

    Example:
        >>> forward_variance(torch.tensor(-1.0986), torch.tensor(0.0))  # of two steps with b = 1/2
        tensor(0.5000)
    """
    _check_step(low, high)
    # 1 - sigmoid(low) / sigmoid(high), without the difference of nearly equal numbers
    return -torch.expm1(low - high) * torch.sigmoid(-low)


def posterior_variance(low: Levels, high: Levels) -> Levels:
    r"""Return :math:`\tilde b`, the variance of z at `high` where z at `low` and x are known.

    Args:
        low: log-SNR after the step, (...), in nats.
        high: log-SNR before it, (...).

    Returns:
        (...), at most `forward_variance`.

    Raises:
        ValueError: `low` is above `high`, where `checks` see it.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 7.

    Example:
        >>> posterior_variance(torch.tensor(-1.0986), torch.tensor(0.0))  # 1/2 * (1/2) / (3/4)
        tensor(0.3333)
    """
    _check_step(low, high)
    return -torch.expm1(low - high) * torch.sigmoid(-high)


def best_variance(data_variance: float | Tensor, low: Levels, high: Levels) -> Levels:
    r"""Return the variance of z at `high` given z at `low`, for data with a normal distribution.

    :math:`V b / (\alpha^2 V + b)` with V the variance of z at `high`. It is :math:`\tilde b` for
    data of variance 0 and b for data of variance 1: the right choice depends on the data.

    Args:
        data_variance: of one dimension of the data, (...).
        low: log-SNR after the step, (...), in nats.
        high: log-SNR before it, (...).

    Returns:
        (...).

    Raises:
        ValueError: `low` is above `high`, where `checks` see it.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, section 3.2, for the two ends;
        Bao et al. (2022), Analytic-DPM, theorem 1, for any data.

    Example:
        >>> low, high = torch.tensor(-1.0986), torch.tensor(0.0)
        >>> [round(best_variance(v, low, high).item(), 4) for v in (0.0, 0.3, 1.0)]
        [0.3333, 0.3939, 0.5]
    """
    before = torch.sigmoid(high) * data_variance + torch.sigmoid(-high)
    b = forward_variance(low, high)
    return before * b / ((1 - b) * before + b)


def step_posterior(
    z: Float[Tensor, " batch *event"],
    x: Float[Tensor, " batch *event"],
    low: Float[Tensor, " batch"],
    high: Float[Tensor, " batch"],
) -> tuple[Float[Tensor, " batch *event"], Float[Tensor, " batch"]]:
    r"""Return the moments of :math:`q(z_{high} \mid z_{low}, x)`.

    Args:
        z: noised examples at `low`, (B, ...).
        x: data, or an estimate of them, (B, ...).
        low: log-SNR of z, (B,), in nats.
        high: log-SNR of what is asked for, (B,).

    Returns:
        The mean, (B, ...), and the variance of every dimension, `posterior_variance`, (B,).

    Raises:
        ValueError: x is of another shape than z; or as `posterior_variance`.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 6 and 7.

    Example:
        >>> low, high = torch.tensor([-1.0986]), torch.tensor([0.0])
        >>> step_posterior(torch.ones(1, 1), torch.ones(1, 1), low, high)[0]
        tensor([[0.9428]])
    """
    checks.same_shape("data, or an estimate, for each z", z=z, x=x)
    (a_low, _), (a_high, _) = variance_preserving(low), variance_preserving(high)
    kept = torch.exp(low - high)  # ratio of the two signal-to-noise ratios
    of_z = kept * a_high / a_low
    mean = with_axes_of(of_z, z) * z + with_axes_of(a_high * -torch.expm1(low - high), z) * x
    return mean, posterior_variance(low, high)


def step_kl(
    denoiser: Denoiser,
    x: Float[Tensor, " batch *event"],
    low: Float[Tensor, " batch"],
    high: Float[Tensor, " batch"],
    noise: Float[Tensor, " batch *event"] | None = None,
    variance: Float[Tensor, " batch"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Price of one step, :math:`KL(q(z_{high} | z_{low}, x) \parallel p(z_{high} | z_{low}))`.

    With the posterior's own variance it is :math:`\frac12 (SNR_{high} - SNR_{low}) |x - \hat
    x|^2`. The sum over all steps of a chain is the diffusion term of the negative ELBO.

    Args:
        denoiser: the model.
        x: data, (B, ...).
        low: log-SNR after the noising step, (B,), in nats.
        high: log-SNR before it, (B,).
        noise: standard normal numbers that make z of x, (B, ...); drawn here if None.
        variance: of the model's reverse step, (B,); None is the posterior's, `posterior_variance`.

    Returns:
        (B,), in nats.

    Raises:
        ValueError: noise or an estimate of another shape than x; or as `posterior_variance`.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 5; Kingma et al. (2021),
        Variational Diffusion Models, section 4.

    Example:
        >>> from dgm_core.diffusion.denoised import exact_denoiser
        >>> from dgm_core.mixtures import Mixture
        >>> nothing = exact_denoiser(Mixture(torch.zeros(1, 1), torch.zeros(1), torch.ones(1)))
        >>> low, high = torch.tensor([0.0]), torch.tensor([2.0]).log()  # SNR from 2 to 1
        >>> step_kl(nothing, torch.ones(1, 1), low, high)
        tensor([0.5000])
    """
    noise = torch.randn_like(x) if noise is None else noise
    checks.same_shape("noise for each number", x=x, noise=noise)
    a, s = signal_and_noise(low, x)
    z = a * x + s * noise
    estimate = denoiser(z, low).data
    mean, own = step_posterior(z, x, low, high)
    guess, _ = step_posterior(z, estimate, low, high)
    chosen = own if variance is None else variance
    pairs = (with_axes_of(v, x).expand_as(x) for v in (own, chosen))
    own, chosen = pairs
    return normal_kl(mean, own, guess, chosen).flatten(1).sum(1)


def _check_step(low: Tensor, high: Tensor) -> None:
    cure = "a step of noising goes from more signal, high, to less, low"
    checks.within("high - low", high - low, 0, math.inf, cure)
