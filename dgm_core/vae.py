"""The variational autoencoder: three distributions, and nothing about how to train them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from dgm_core.distributions import BernoulliPixels, DiagonalNormal, LinearNormal, LinearPosterior
from dgm_core.nets import GaussianHead, mlp


class VAE(nn.Module):
    """A latent-variable model p(z) p(x|z) with an approximate posterior q(z|x).

    Attributes:
        encoder: ``encoder(x)`` is the distribution q(z|x), event shape (latent_dim,).
        decoder: ``decoder(z)`` is the distribution p(x|z), event shape (pixels,).
        latent_dim: number of dimensions of z.

    References:
        Kingma and Welling (2014), Auto-Encoding Variational Bayes.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent_dim: int):
        """Put the parts together; the prior is the standard normal."""
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.latent_dim = latent_dim
        # Buffers, so that the prior follows the module's device and dtype.
        self.register_buffer("prior_mean", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("prior_scale", torch.ones(latent_dim), persistent=False)

    @property
    def prior(self) -> Independent:
        """The distribution p(z) = N(0, I), event shape (latent_dim,)."""
        normal = Normal(self.prior_mean, self.prior_scale, validate_args=False)
        return Independent(normal, 1, validate_args=False)

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = ()) -> Float[Tensor, " *sample event"]:
        """Draw images by ancestral sampling: z from the prior, then x from the decoder.

        Args:
            sample_shape: how many, in any arrangement.

        Returns:
            Samples, not means: (*sample_shape, pixels).
        """
        z = self.prior.sample(torch.Size(sample_shape))
        return self.decoder(z).sample()


def mlp_vae(latent_dim: int = 20, hidden: int = 512, num_pixels: int = 784) -> VAE:
    """Build the book's VAE: one hidden ReLU layer on either side, Bernoulli pixels.

    Args:
        latent_dim: number of dimensions of z.
        hidden: units in the encoder's and in the decoder's hidden layer.
        num_pixels: pixels in an image.
    """
    return VAE(
        encoder=DiagonalNormal(GaussianHead(num_pixels, hidden, latent_dim)),
        decoder=BernoulliPixels(mlp([latent_dim, hidden, num_pixels])),
        latent_dim=latent_dim,
    )


def linear_vae(
    weight: Float[Tensor, " event latent"],
    bias: Float[Tensor, " event"],
    scale: Float[Tensor, " event"],
) -> VAE:
    """Build a linear-normal model (probabilistic PCA) in which nothing is approximate.

    ``encoder(x)`` is the exact posterior, ``decoder.marginal()`` the exact p(x). The two share
    their parameters.

    Args:
        weight, bias, scale: of `LinearNormal`: p(x|z) = N(weight z + bias, scale^2).
    """
    decoder = LinearNormal(weight, bias, scale)
    return VAE(LinearPosterior(decoder), decoder, latent_dim=weight.shape[1]).to(weight)
