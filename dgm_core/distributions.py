"""Conditional distributions: modules whose call returns a ``torch.distributions`` object.

Their arguments are never validated. Validation looks at values, and so does not work where there
are none: when a model is traced, exported for the page, or run on the meta device.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal


class LatentPrior(nn.Module):
    """Base of the models that start from z ~ N(0, I).

    Attributes:
        latent_dim: number of dimensions of z.
    """

    def __init__(self, latent_dim: int):
        """Set up the prior in `latent_dim` dimensions."""
        super().__init__()
        self.latent_dim = latent_dim
        # Buffers, so that the prior follows the module's device and dtype.
        self.register_buffer("prior_mean", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("prior_scale", torch.ones(latent_dim), persistent=False)

    @property
    def prior(self) -> Independent:
        """The distribution p(z) = N(0, I), event shape (latent_dim,)."""
        normal = Normal(self.prior_mean, self.prior_scale, validate_args=False)
        return Independent(normal, 1, validate_args=False)


class DiagonalNormal(nn.Module):
    """Normal distribution with independent components, whose parameters a network computes."""

    def __init__(self, net: nn.Module):
        """Take a network from x to a mean and a log-variance of the same shape."""
        super().__init__()
        self.net = net

    def forward(self, x: Float[Tensor, " *batch event"]) -> Independent:
        """Return the distribution given x: batch shape (...), event shape (latent,)."""
        mean, log_var = self.net(x)
        scale = (0.5 * log_var).exp()
        return Independent(Normal(mean, scale, validate_args=False), 1, validate_args=False)


class BernoulliPixels(nn.Module):
    """Independent Bernoulli pixels, whose logits a network computes."""

    def __init__(self, net: nn.Module):
        """Take a network from z to one logit a pixel."""
        super().__init__()
        self.net = net

    def forward(self, z: Float[Tensor, " *batch latent"]) -> Independent:
        """Return the distribution given z: batch shape (...), event shape (pixels,)."""
        pixels = Bernoulli(logits=self.net(z), validate_args=False)
        return Independent(pixels, 1, validate_args=False)


class LinearNormal(nn.Module):
    r"""The decoder of probabilistic PCA, :math:`N(W z + b, s^2)`, with all that Bayes' rule gives.

    With the prior z ~ N(0, I), both p(x) and p(z|x) are normal and known.

    Attributes:
        weight: W, (event, latent).
        bias: b, (event,).
        scale: s, (event,), positive; all equal in probabilistic PCA, free in factor analysis.

    References:
        Tipping and Bishop (1999), Probabilistic Principal Component Analysis, eq. 2 to 8.
    """

    def __init__(
        self,
        weight: Float[Tensor, " event latent"],
        bias: Float[Tensor, " event"],
        scale: Float[Tensor, " event"],
    ):
        """Make the three tensors parameters."""
        super().__init__()
        self.weight, self.bias, self.scale = map(nn.Parameter, (weight, bias, scale))

    def forward(self, z: Float[Tensor, " *batch latent"]) -> Independent:
        """Return p(x|z): batch shape (...), event shape (event,)."""
        x = Normal(z @ self.weight.T + self.bias, self.scale, validate_args=False)
        return Independent(x, 1, validate_args=False)

    def marginal(self) -> MultivariateNormal:
        """Return p(x): no batch shape, event shape (event,)."""
        covariance = self.weight @ self.weight.T + torch.diag(self.scale**2)
        return MultivariateNormal(self.bias, covariance, validate_args=False)

    def posterior(self, x: Float[Tensor, " *batch event"]) -> MultivariateNormal:
        """Return p(z|x): batch shape (...), event shape (latent,)."""
        scaled = self.weight.T / self.scale**2  # (latent, event)
        precision = torch.eye(len(scaled)).to(scaled) + scaled @ self.weight
        mean = torch.linalg.solve(precision, (x - self.bias) @ scaled.T, left=False)
        return MultivariateNormal(mean, precision_matrix=precision, validate_args=False)


class LinearPosterior(nn.Module):
    """The exact posterior of a `LinearNormal`, as the encoder of a VAE."""

    def __init__(self, decoder: LinearNormal):
        """Share the decoder's parameters."""
        super().__init__()
        self.decoder = decoder

    def forward(self, x: Float[Tensor, " *batch event"]) -> MultivariateNormal:
        """Return p(z|x): batch shape (...), event shape (latent,)."""
        return self.decoder.posterior(x)
