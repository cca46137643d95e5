"""Models whose likelihoods are known in closed form; the tests compare with these."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal

from dgm_core.vae import VAE, linear_vae


class LinearNormal(nn.Module):
    """N(x weight^T + bias, diag(scale^2)), independent components: a decoder, or an encoder."""

    def __init__(self, weight: Tensor, bias: Tensor, scale: Tensor):
        super().__init__()
        self.weight, self.bias, self.scale = (nn.Parameter(t) for t in (weight, bias, scale))

    def forward(self, x: Tensor) -> Independent:
        return Independent(Normal(x @ self.weight.T + self.bias, self.scale), 1)


class ExactPosterior(nn.Module):
    """The posterior of z given x in a linear-normal model, with its full covariance."""

    def __init__(self, decoder: LinearNormal):
        super().__init__()
        self.decoder = decoder

    def forward(self, x: Tensor) -> MultivariateNormal:
        weight, precision = self.decoder.weight, self.decoder.scale**-2
        inverse = torch.eye(weight.shape[1]).to(weight) + weight.T * precision @ weight
        covariance = torch.linalg.inv(inverse)
        mean = (x - self.decoder.bias) * precision @ weight @ covariance
        return MultivariateNormal(mean, covariance)


@dataclass
class PPCA:
    """Probabilistic PCA: p(z) = N(0, I), p(x|z) = N(W z + b, s^2 I); in float64.

    Tipping and Bishop (1999), Probabilistic Principal Component Analysis.
    """

    exact: VAE  # its encoder is the true posterior
    rough: VAE  # the same model; its encoder is a diagonal normal that is not the posterior
    marginal: MultivariateNormal  # p(x)

    def rough_elbo(self, x: Tensor) -> Tensor:
        """E_q[log p(x|z)] - KL(q || prior) of the rough encoder, by hand, (B,)."""
        q, p = self.rough.encoder, self.rough.decoder
        mean, variance = x @ q.weight.T + q.bias, q.scale**2
        residual = (x - mean @ p.weight.T - p.bias) ** 2 + p.weight**2 @ variance
        fit = -0.5 * (residual / p.scale**2 + (2 * np.pi * p.scale**2).log()).sum(1)
        kl = 0.5 * (variance + mean**2 - 1 - variance.log()).sum(1)
        return fit - kl


def ppca(latent_dim: int = 3, event_dim: int = 5, seed: int = 0) -> PPCA:
    """Make a model from random numbers."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weight, bias = normal(event_dim, latent_dim), normal(event_dim)
    scale = torch.full((event_dim,), 0.7, dtype=torch.float64)
    decoder = LinearNormal(weight, bias, scale)
    rough = LinearNormal(
        weight=0.2 * normal(latent_dim, event_dim),
        bias=0.3 * normal(latent_dim),
        scale=0.5 + normal(latent_dim) ** 2,
    )
    covariance = weight @ weight.T + torch.diag(scale**2)
    return PPCA(
        exact=VAE(ExactPosterior(decoder), decoder, latent_dim).double(),
        rough=VAE(rough, decoder, latent_dim).double(),
        marginal=MultivariateNormal(bias, covariance),
    )


def linear_model(latent_dim: int = 2, scale: float = 1.5) -> VAE:
    """Return a linear model whose posterior is no more than twice as narrow as its prior."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(3, latent_dim, generator=generator).double()
    return linear_vae(weight, torch.ones(3).double(), torch.full((3,), scale).double())


def drawn(vae: VAE, count: int) -> tuple[Tensor, Tensor]:
    """Return draws of z, and of x given each."""
    z = vae.prior.sample((count,))
    return z, vae.decoder(z).sample()


def iwae_bound_by_quadrature(model: PPCA, x: Tensor, num_samples: int, nodes: int = 60) -> Tensor:
    """E[log mean_k w_k] of the rough encoder, for one latent dimension and one x, (1, event)."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = torch.from_numpy(weights / weights.sum())
    vae, q = model.rough, model.rough.encoder(x)
    z = q.mean + q.stddev * torch.from_numpy(points)[:, None, None]  # (nodes, 1, 1)
    log_w = vae.decoder(z).log_prob(x) + vae.prior.log_prob(z) - q.log_prob(z)
    grid = torch.cartesian_prod(*[log_w[:, 0]] * num_samples).reshape(-1, num_samples)
    mass = torch.cartesian_prod(*[weights] * num_samples).reshape(-1, num_samples).prod(1)
    return mass @ (grid.logsumexp(1) - np.log(num_samples))


def assert_mean_is(values: Tensor, expected: Tensor | float, sigmas: float = 5.0) -> None:
    """Check a Monte-Carlo mean over the leading axis against the truth, to its standard error."""
    error = values.std(0) / len(values) ** 0.5
    off = ((values.mean(0) - expected) / error).abs().max()
    assert off < sigmas, f"the mean is {off:.1f} standard errors from the truth"


def normal_nodes(count: int) -> tuple[Tensor, Tensor]:
    """Return points and weights of a Gauss-Hermite rule for N(0, 1), each (count,), float64."""
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    return torch.from_numpy(points), torch.from_numpy(weights / weights.sum())


def legendre_nodes(count: int, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Return the points and weights of a Gauss-Legendre rule on [low, high], float64."""
    points, weights = np.polynomial.legendre.leggauss(count)
    half = (high - low) / 2
    return torch.from_numpy(low + half * (points + 1)), torch.from_numpy(half * weights)


def every_bits(count: int) -> Tensor:
    """Return all vectors of zeros and ones, (2^count, count), float64, in counting order."""
    numbers = torch.arange(2**count)[:, None] >> torch.arange(count - 1, -1, -1)
    return (numbers & 1).double()
