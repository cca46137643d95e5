"""Conditional distributions: modules whose call returns a ``torch.distributions`` object.

Their arguments are never validated. Validation looks at values, and so does not work where there
are none: when a model is traced, exported for the page, or run on the meta device.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, Normal


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
