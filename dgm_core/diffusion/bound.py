r"""The negative ELBO of a diffusion model of grey values, in nats: three terms, on one scale.

Reconstruction, :math:`E[-\log p(x | z_1)]` at the highest log-SNR; diffusion, :math:`\frac12 \int
E |e - \hat e|^2 d\lambda` over all log-SNRs between; prior, :math:`KL(q(z_0 | x) \parallel N(0,
I))` at the lowest. Their sum bounds -log P(x), and `objectives.bits_per_dim` of minus it is on the
scale of the flows.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from dgm_core import checks
from dgm_core.diffusion.clock import variance_preserving
from dgm_core.diffusion.denoised import Denoiser, with_axes_of
from dgm_core.diffusion.greys import GreyValues
from dgm_core.diffusion.matching import squared_errors


class BoundTerms(NamedTuple):
    """The three terms of a negative ELBO, each (B,), in nats; their sum bounds -log P(x).

    Attributes:
        reconstruction: what the decoder pays.
        diffusion: what the denoiser pays.
        prior: what is left of x at the lowest log-SNR.
    """

    reconstruction: Tensor
    diffusion: Tensor
    prior: Tensor


def prior_term(
    x: Float[Tensor, " batch *event"], log_snr: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    r"""Return :math:`KL(N(a x, s^2 I) \parallel N(0, I))`, (B,), in nats.

    Args:
        x: data, (B, ...).
        log_snr: the lowest, (B,), in nats.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 5, the first term.

    Example:
        >>> prior_term(torch.ones(1, 784), torch.log(torch.tensor([0.364 / 0.636])))
        tensor([177.4022])
    """
    signal = with_axes_of(torch.sigmoid(log_snr), x)
    log_noise = with_axes_of(F.logsigmoid(-log_snr), x)
    return 0.5 * (signal * (x.square() - 1) - log_noise).flatten(1).sum(1)


def diffusion_term(
    denoiser: Denoiser,
    x: Float[Tensor, " batch *event"],
    low: float,
    high: float,
    uniform: Float[Tensor, " batch"] | None = None,
    noise: Float[Tensor, " batch *event"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Estimate :math:`\frac12 \int_{low}^{high} E |e - \hat e|^2 d\lambda` at one log-SNR each.

    Unbiased; any other way to choose the log-SNRs changes the variance alone, if each error is
    divided by the density of its log-SNR.

    Args:
        denoiser: the model.
        x: data, (B, ...).
        low: the least log-SNR, in nats.
        high: the largest.
        uniform: on [0, 1), chooses the log-SNRs, (B,); `clock.stratified` makes the mean over a
            batch less noisy; drawn here if None.
        noise: standard normal numbers, (B, ...); drawn here if None.

    Returns:
        (B,), in nats.

    Raises:
        ValueError: the log-SNRs do not rise; or noise or uniform numbers of another shape.

    References:
        Kingma et al. (2021), Variational Diffusion Models, section 5.

    Example:
        >>> from dgm_core.diffusion.denoised import exact_denoiser
        >>> from dgm_core.mixtures import Mixture
        >>> nothing = exact_denoiser(Mixture(torch.zeros(1, 1), torch.zeros(1), torch.ones(1)))
        >>> diffusion_term(nothing, torch.ones(1, 1), -2.0, 0.0, torch.ones(1))  # (2 / 2) e^0
        tensor([1.])
    """
    if not low < high:
        raise ValueError(f"low is {low} and high is {high}: the log-SNRs go from noise to data")
    uniform = torch.rand_like(x.flatten(1)[:, 0]) if uniform is None else uniform
    checks.same_shape("one log-SNR an example", x=x.flatten(1)[:, 0], uniform=uniform)
    log_snr = low + (high - low) * uniform
    return 0.5 * (high - low) * squared_errors(denoiser, x, log_snr, noise).noise


def bound_terms(
    denoiser: Denoiser,
    greys: GreyValues,
    images: UInt8[Tensor, " batch h w"],
    low: float,
    high: float,
    uniform: Float[Tensor, " batch"] | None = None,
    noise: Float[Tensor, " two batch pixels"] | None = None,
) -> BoundTerms:
    """Return an unbiased estimate of the negative ELBO of images, term by term.

    Args:
        denoiser: the model.
        greys: the numbers of the grey values, and the decoder.
        images: grey values, uint8, (B, H, W).
        low: the log-SNR at which the prior takes over, in nats.
        high: that at which the decoder does.
        uniform: on [0, 1), chooses a log-SNR for each image, (B,); drawn here if None.
        noise: standard normal numbers, for the decoder and for the denoiser, (2, B, H W); drawn
            here if None.

    Returns:
        The `BoundTerms`, each (B,), in nats.

    Raises:
        ValueError: noise of another shape; or as `diffusion_term` and `GreyValues.numbers`.
        TypeError: as `GreyValues.numbers`.

    References:
        Kingma et al. (2021), Variational Diffusion Models, sections 3 and 4.

    Example:
        >>> greys = GreyValues(torch.tensor([4, 1, 3, 2]))
        >>> terms = bound_terms(greys, greys, torch.zeros(5, 2, 2, dtype=torch.uint8), -8.0, 8.0)
        >>> [term.shape for term in terms]
        [torch.Size([5]), torch.Size([5]), torch.Size([5])]
    """
    x = greys.numbers(images)
    noise = torch.stack([torch.randn_like(x) for _ in range(2)]) if noise is None else noise
    checks.event("noise", noise, x.shape, "for the decoder and for the denoiser: (2, B, H W)")
    lowest, highest = torch.full_like(x[:, 0], low), torch.full_like(x[:, 0], high)
    signal, scale = variance_preserving(highest)
    z = with_axes_of(signal, x) * x + with_axes_of(scale, x) * noise[0]
    return BoundTerms(
        -greys.log_prob(images, z, highest),
        diffusion_term(denoiser, x, low, high, uniform, noise[1]),
        prior_term(x, lowest),
    )
