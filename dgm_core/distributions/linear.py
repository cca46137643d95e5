"""Probabilistic PCA: a decoder whose marginal and whose posterior are known."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal

from dgm_core import checks
from dgm_core.distributions.joint import Joint


class LinearNormal(nn.Module):
    r"""The decoder of probabilistic PCA, :math:`N(W z + b, s^2)`, with all that Bayes' rule gives.

    With the prior z ~ N(0, I), both p(x) and p(z|x) are normal and known.

    Attributes:
        weight: W, (event, latent).
        bias: b, (event,).
        scale: s, (event,), positive; all equal in probabilistic PCA, or (1,) for all; free in
            factor analysis.

    References:
        Tipping and Bishop (1999), Probabilistic Principal Component Analysis, eq. 2 to 8.

    Example:
        >>> decoder = LinearNormal(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> decoder.marginal().variance.item()
        5.0
        >>> decoder.posterior(torch.tensor([[5.0]])).mean.item()
        2.0
    """

    def __init__(
        self,
        weight: Float[Tensor, " event latent"],
        bias: Float[Tensor, " event"],
        scale: Float[Tensor, " #event"],
    ):
        """Make the three tensors parameters; one scale serves all numbers of an event.

        Raises:
            ValueError: shapes that do not belong together, or a scale that is not positive.
        """
        super().__init__()
        checks.last("weight", weight.T, len(bias), "one row for each number of an event")
        if len(scale) != 1:
            checks.same_shape("one for each number of an event", bias=bias, scale=scale)
        checks.above("scale", scale, 0, "give standard deviations, not their logarithms")
        self.weight, self.bias, self.scale = map(nn.Parameter, (weight, bias, scale))

    def forward(self, z: Float[Tensor, " *batch latent"]) -> Independent:
        """Return p(x|z): batch shape (...), event shape (event,)."""
        x = Normal(z @ self.weight.T + self.bias, self.scale, validate_args=False)
        return Joint(x, 1, validate_args=False)

    def marginal(self) -> MultivariateNormal:
        """Return p(x): no batch shape, event shape (event,)."""
        covariance = self.weight @ self.weight.T + torch.diag(self.scale.expand_as(self.bias) ** 2)
        return MultivariateNormal(self.bias, covariance, validate_args=False)

    def posterior(self, x: Float[Tensor, " *batch event"]) -> MultivariateNormal:
        """Return p(z|x): batch shape (...), event shape (latent,).

        Raises:
            ValueError: an x of another length.
        """
        checks.last("x", x, len(self.bias), "a number for each row of the weight")
        scaled = self.weight.T / self.scale**2  # (latent, event)
        precision = torch.eye(len(scaled)).to(scaled) + scaled @ self.weight
        mean = torch.linalg.solve(precision, (x - self.bias) @ scaled.T, left=False)
        return MultivariateNormal(mean, precision_matrix=precision, validate_args=False)


class LinearPosterior(nn.Module):
    """The exact posterior of a `LinearNormal`, as the encoder of a VAE.

    Example:
        >>> decoder = LinearNormal(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> encoder = LinearPosterior(decoder)
        >>> encoder(torch.tensor([[5.0]])).mean.item()
        2.0
    """

    def __init__(self, decoder: LinearNormal):
        """Share the decoder's parameters."""
        super().__init__()
        self.decoder = decoder

    def forward(self, x: Float[Tensor, " *batch event"]) -> MultivariateNormal:
        """Return p(z|x): batch shape (...), event shape (latent,)."""
        return self.decoder.posterior(x)
