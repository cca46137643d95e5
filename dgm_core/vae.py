"""The variational autoencoder: three distributions, and nothing about how to train them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.distributions import (
    BernoulliPixels,
    DiagonalNormal,
    LatentPrior,
    LinearNormal,
    LinearPosterior,
)
from dgm_core.nets import GaussianHead, mlp


class VAE(LatentPrior):
    """A latent-variable model p(z) p(x|z) with an approximate posterior q(z|x).

    Attributes:
        encoder: ``encoder(x)`` is the distribution q(z|x), event shape (latent_dim,).
        decoder: ``decoder(z)`` is the distribution p(x|z), event shape (pixels,).
        latent_dim: number of dimensions of z.

    References:
        Kingma and Welling (2014), Auto-Encoding Variational Bayes.

    Example:
        >>> encoder = DiagonalNormal(GaussianHead(784, 64, 2))
        >>> vae = VAE(encoder, BernoulliPixels(mlp([2, 64, 784])), latent_dim=2)
        >>> vae.sample((3, 5)).shape
        torch.Size([3, 5, 784])
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent_dim: int):
        """Put the parts together; the prior is the standard normal."""
        super().__init__(latent_dim)
        self.encoder = encoder
        self.decoder = decoder

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = ()) -> Float[Tensor, " *sample event"]:
        """Draw images by ancestral sampling: z from the prior, then x from the decoder.

        Args:
            sample_shape: how many, in any arrangement.

        Returns:
            Samples, not means: (*sample_shape, pixels).

        Raises:
            TypeError: a number for the sample shape.
        """
        z = self.prior.sample(checks.arranged(sample_shape))
        return self.decoder(z).sample()


def mlp_vae(latent_dim: int = 20, hidden: int = 512, num_pixels: int = 784) -> VAE:
    """Build the book's VAE: one hidden ReLU layer on either side, Bernoulli pixels.

    Args:
        latent_dim: number of dimensions of z.
        hidden: units in the encoder's and in the decoder's hidden layer.
        num_pixels: pixels in an image.

    Example:
        >>> vae = mlp_vae(latent_dim=2)
        >>> vae.encoder(torch.zeros(5, 784)).mean.shape, vae.decoder(torch.zeros(5, 2)).mean.shape
        (torch.Size([5, 2]), torch.Size([5, 784]))
    """
    return VAE(
        encoder=DiagonalNormal(GaussianHead(num_pixels, hidden, latent_dim)),
        decoder=BernoulliPixels(mlp([latent_dim, hidden, num_pixels])),
        latent_dim=latent_dim,
    )


def linear_vae(
    weight: Float[Tensor, " event latent"],
    bias: Float[Tensor, " event"],
    scale: Float[Tensor, " #event"],
) -> VAE:
    """Build a linear-normal model (probabilistic PCA) in which nothing is approximate.

    ``encoder(x)`` is the exact posterior, ``decoder.marginal()`` the exact p(x). The two share
    their parameters.

    Args:
        weight, bias, scale: of `LinearNormal`: p(x|z) = N(weight z + bias, scale^2).

    Example:
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> vae.decoder.marginal().variance.item()
        5.0
    """
    decoder = LinearNormal(weight, bias, scale)
    return VAE(LinearPosterior(decoder), decoder, latent_dim=weight.shape[1]).to(weight)
