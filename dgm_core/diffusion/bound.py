r"""The negative ELBO of a diffusion model of grey values, in nats: three terms, on one scale.

Reconstruction, :math:`E[-\log p(x | z_1)]` at the highest log-SNR; diffusion, :math:`\frac12 \int
E |e - \hat e|^2 d\lambda` over all log-SNRs between; prior, :math:`KL(q(z_0 | x) \parallel N(0,
I))` at the lowest. Their sum bounds -log P(x), and `objectives.bits_per_dim` of minus it is on the
scale of the flows.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.diffusion.clock import variance_preserving
from dgm_core.diffusion.denoised import (
    Denoised,
    Denoiser,
    from_data,
    signal_and_noise,
    with_axes_of,
)
from dgm_core.diffusion.matching import squared_errors


class GreyValues(nn.Module):
    r"""Pixels of K grey values as real numbers, and all that a histogram alone knows of them.

    The numbers are standardised: under the histogram they have mean 0 and variance 1. Called, it
    is the best denoiser that looks at one pixel at a time; `log_prob` is the decoder p(x|z)
    proportional to :math:`h_k N(z; a x_k, s^2)`. With both, the bound is the histogram's
    cross-entropy whatever the log-SNR at which the decoder takes over.

    Attributes:
        values: of each grey, (K,).
        log_shares: of each grey, the log of its share, (K,), in nats.

    Example:
        >>> greys = GreyValues(torch.tensor([4.0, 1.0, 3.0, 2.0]))
        >>> images = torch.tensor([[[0, 3]]], dtype=torch.uint8)
        >>> greys.numbers(images)
        tensor([[-1.1585,  1.4023]])
        >>> greys.log_prob(images, greys.numbers(images), torch.full((1,), 12.0))  # nearly sure
        tensor([0.])
    """

    def __init__(self, histogram: Float[Tensor, " bins"] | Int[Tensor, " bins"]):
        """Take how often each grey value occurs, (K,); each counts once more than it does.

        Raises:
            ValueError: fewer than two grey values, in more than one row, or a negative count.
        """
        super().__init__()
        cure = "torch.bincount(images.flatten().long(), minlength=256)"
        checks.event("histogram", histogram, (), cure)
        checks.at_least(2, cure, bins__histogram=len(histogram))
        checks.within("histogram", histogram, 0, math.inf, cure)
        shares = (histogram.cpu().double() + 1) / (histogram.sum().item() + len(histogram))
        grey = torch.arange(len(histogram), dtype=torch.float64)
        self.mean = (shares * grey).sum().item()
        self.scale = (shares * (grey - self.mean) ** 2).sum().sqrt().item()
        kind = torch.get_default_dtype()
        values = ((grey - self.mean) / self.scale).to(kind)
        self.register_buffer("values", values, persistent=False)
        self.register_buffer("log_shares", shares.log().to(kind), persistent=False)

    def numbers(self, images: UInt8[Tensor, " batch h w"]) -> Float[Tensor, " batch pixels"]:
        """Return the standardised numbers of images, (B, H W).

        Raises:
            TypeError: images that are not uint8.
            ValueError: a grey value that the histogram has not.
        """
        self._check(images)
        return self.values[images.flatten(1).long()]

    def greys(self, x: Float[Tensor, " *batch pixels"]) -> Float[Tensor, " *batch pixels"]:
        """Return grey values from 0 to 1, (..., pixels), of numbers, for showing them; clipped."""
        return ((self.scale * x + self.mean) / (len(self.values) - 1)).clamp(0, 1)

    def log_probs(
        self, z: Float[Tensor, " batch pixels"], log_snr: Float[Tensor, " batch"]
    ) -> Float[Tensor, " batch pixels bins"]:
        """Return the log-probability of every grey value of every pixel given its own z.

        Args:
            z: noised numbers, variance preserving, (B, M).
            log_snr: (B,), in nats.

        Returns:
            (B, M, K), in nats.
        """
        a, s = signal_and_noise(log_snr, z[..., None])
        away = (z[..., None] - a * self.values) / s
        return (self.log_shares - 0.5 * away.square()).log_softmax(-1)

    def log_prob(
        self,
        images: UInt8[Tensor, " batch h w"],
        z: Float[Tensor, " batch pixels"],
        log_snr: Float[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Return log p(x|z) of whole images, (B,), in nats.

        Args:
            images: grey values, uint8, (B, H, W).
            z: noised numbers, (B, H W).
            log_snr: of z, (B,).

        Raises:
            TypeError: images that are not uint8.
            ValueError: a grey value that the histogram has not, or not one number a pixel.
        """
        self._check(images)
        checks.same_shape("a number for each pixel", pixels=images.flatten(1), z=z)
        index = images.flatten(1).long()[..., None]
        return self.log_probs(z, log_snr).gather(-1, index)[..., 0].sum(1)

    def _check(self, images: Tensor) -> None:
        cure = "give grey values from 0 to 255, as data.mnist returns them, not divided"
        checks.kind("images", images, torch.uint8, cure)
        cure = f"the histogram has {len(self.values)} grey values"
        checks.within("images", images, 0, len(self.values) - 1, cure)

    def forward(
        self, z: Float[Tensor, " batch pixels"], log_snr: Float[Tensor, " batch"]
    ) -> Denoised:
        """Return what a pixel's own z says of it.

        Args:
            z: noised numbers, variance preserving, (B, M).
            log_snr: (B,), in nats.
        """
        return from_data(z, self.log_probs(z, log_snr).exp() @ self.values, log_snr)


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
