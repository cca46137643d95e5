"""Normal distributions of z: the prior, what a network computes, and draws of given noise."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal

from dgm_core import checks
from dgm_core.distributions.joint import Joint
from dgm_core.nets import full_precision


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
        return Joint(normal, 1, validate_args=False)


def from_noise(
    distribution: Independent | MultivariateNormal, noise: Float[Tensor, " *sample event"]
) -> Float[Tensor, " *sample event"]:
    """Turn standard normal noise into draws of a normal distribution, as its ``rsample`` does.

    Args:
        distribution: independent normals, or a multivariate one.
        noise: (..., *batch, event).

    Returns:
        Draws of the noise's shape; gradients go through them to the distribution's parameters.

    Raises:
        TypeError: the distribution is no normal one.
        ValueError: the noise is of another shape.
    """
    shape = (*distribution.batch_shape, *distribution.event_shape)
    if noise.shape[max(0, noise.ndim - len(shape)) :] != shape:
        raise ValueError(
            f"noise is {checks.sizes(noise.shape)}, but {checks.sizes(('...', *shape))} is "
            "expected: a number for each that is drawn"
        )
    if isinstance(distribution, MultivariateNormal):
        return distribution.loc + (distribution.scale_tril @ noise[..., None])[..., 0]
    each = getattr(distribution, "base_dist", distribution)
    if not isinstance(each, Normal):
        raise TypeError(
            f"{type(each).__name__} is not made of standard normal noise: leave the noise out, "
            "and the distribution draws by itself"
        )
    return each.loc + noise * each.scale


class DiagonalNormal(nn.Module):
    """Normal distribution with independent components, whose parameters a network computes.

    Example:
        >>> from dgm_core.nets import GaussianHead
        >>> q = DiagonalNormal(GaussianHead(784, 64, 2))(torch.zeros(5, 784))
        >>> q.batch_shape, q.event_shape
        (torch.Size([5]), torch.Size([2]))
    """

    def __init__(self, net: nn.Module):
        """Take a network from x to a mean and a log-variance of the same shape."""
        super().__init__()
        self.net = net

    def forward(self, x: Float[Tensor, " *batch event"]) -> Independent:
        """Return the distribution given x: batch shape (...), event shape (latent,).

        Raises:
            ValueError: the network's mean and log-variance differ in shape.
        """
        mean, log_var = map(full_precision, self.net(x))
        checks.same_shape("the network returns one for each", mean=mean, log_variance=log_var)
        scale = (0.5 * log_var).exp()
        return Joint(Normal(mean, scale, validate_args=False), 1, validate_args=False)
