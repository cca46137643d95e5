"""Grey values as standardised numbers, and the denoiser and decoder that a histogram gives."""

import math

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.diffusion.denoised import Denoised, from_data, signal_and_noise


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
