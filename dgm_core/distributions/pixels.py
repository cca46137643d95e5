"""Distributions of pixels: of black and white ones, of normal ones, and of 256 grey values."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, Normal, constraints

from dgm_core import checks
from dgm_core.distributions.joint import Joint
from dgm_core.nets import full_precision


class GreyBernoulli(Bernoulli):
    """A Bernoulli variable for each pixel of an image, also of a grey one.

    At a grey value between 0 and 1, ``log_prob`` is its mean over draws with that probability of
    1. Beyond, it would grow without end, and is refused.
    """

    def log_prob(self, value: Float[Tensor, " *#batch"]) -> Float[Tensor, " *#batch"]:
        """Return the logarithm of the probability, (...), in nats.

        Args:
            value: 0 or 1, or a grey value between, (...).

        Raises:
            ValueError: values out of range, where `checks` see them.
        """
        _check_pixels(value)
        return super().log_prob(value)


class BernoulliPixels(nn.Module):
    """Independent Bernoulli pixels, whose logits a network computes.

    Example:
        >>> p = BernoulliPixels(nn.Linear(2, 784))(torch.zeros(5, 2))
        >>> p.log_prob(torch.zeros(5, 784)).shape
        torch.Size([5])
    """

    def __init__(self, net: nn.Module):
        """Take a network from z to one logit a pixel."""
        super().__init__()
        self.net = net

    def forward(self, z: Float[Tensor, " *batch latent"]) -> Independent:
        """Return the distribution given z: batch shape (...), event shape (pixels,)."""
        pixels = GreyBernoulli(logits=full_precision(self.net(z)), validate_args=False)
        return Joint(pixels, 1, validate_args=False)


class NormalPixels(nn.Module):
    r"""Independent normal pixels, :math:`N(f(z), s^2)`, whose one width s is learned with f.

    s decides what a nat of rate buys: with s fixed, the ELBO is up to a constant
    :math:`-E|x - f(z)|^2 / 2s^2 - KL`, so the choice of s is that of a beta. Learned, s squared
    goes to the mean squared error of a pixel, and the objective stays the ELBO.

    Attributes:
        net: from z to the means, f.
        log_scale: log s, a parameter without a shape.

    References:
        Lucas et al. (2019), Don't Blame the ELBO!; Rybkin et al. (2021), Simple and
        Effective VAE Training with Calibrated Decoders.

    Example:
        >>> p = NormalPixels(nn.Linear(2, 784), scale=0.1)(torch.zeros(5, 2))
        >>> p.event_shape, round(p.stddev[0, 0].item(), 4)
        (torch.Size([784]), 0.1)
    """

    def __init__(self, net: nn.Module, scale: float = 1.0):
        """Take a network from z to one mean a pixel, and the width to begin with.

        Raises:
            ValueError: a width that is not positive.
        """
        super().__init__()
        checks.positive("a standard deviation", scale=scale)
        self.net = net
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, z: Float[Tensor, " *batch latent"]) -> Independent:
        """Return the distribution given z: batch shape (...), event shape (pixels,)."""
        mean = full_precision(self.net(z))
        pixels = Normal(mean, self.log_scale.exp().expand_as(mean), validate_args=False)
        return Joint(pixels, 1, validate_args=False)


class DiscretizedLogistic(Distribution):
    r"""A logistic variable that is rounded to one of the 256 grey values 0, 1/255, ..., 1.

    A grey value has the mass of its bin, half a step to either side; the first bin and the last
    also have the tails. With the edges :math:`a < b` of a bin in units of the scale around the
    location, the mass is :math:`\sigma(b) - \sigma(a) = \sigma(b)\, \sigma(-a)\,
    (1 - e^{-(b - a)})`: a product, so that no logarithm is taken of a difference.

    Attributes:
        loc: location in units of full ink, any shape; below 0 it says "paper", above 1 "ink".
        scale: of the logistic, positive, in the same units and of the same shape.

    References:
        Salimans et al. (2017), PixelCNN++, eq. 2.

    Example:
        >>> pixel = DiscretizedLogistic(torch.tensor(0.9), torch.tensor(0.1))
        >>> greys = torch.arange(256) / 255
        >>> round(pixel.log_prob(greys).exp().sum().item(), 4)
        1.0
        >>> round(pixel.log_prob(torch.tensor(1.0)).exp().item(), 3)
        0.273
    """

    def __init__(self, loc: Float[Tensor, " *batch"], scale: Float[Tensor, " *batch"]):
        """Take one location and one scale a pixel.

        Raises:
            ValueError: they differ in shape, or a scale is negative, where `checks` see it.
        """
        checks.same_shape("the network returns one for each", loc=loc, scale=scale)
        checks.within("scale", scale, 0, math.inf, "give scales, not their logarithms")
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What loc and scale may be; nothing checks it."""
        return {"loc": constraints.real, "scale": constraints.positive}

    def log_prob(self, value: Float[Tensor, " *#batch"]) -> Float[Tensor, " *#batch"]:
        """Return the logarithm of the probability of grey values, in nats; finite for all.

        Args:
            value: grey values over 255, so 0, 1/255, ..., 1; their shape broadcasts with loc's.

        Returns:
            (...), at most 0: a probability of one of 256 values, and no density.

        Raises:
            ValueError: values out of range, where `checks` see them.
        """
        _check_pixels(value)
        lower, upper = ((value + side - self.loc) / self.scale for side in (-0.5 / 255, 0.5 / 255))
        first, last = value < 0.5 / 255, value > 254.5 / 255
        log_mass = torch.where(last, 0.0, F.logsigmoid(upper))
        log_mass = log_mass + torch.where(first, 0.0, F.logsigmoid(-lower))
        inner = (-torch.expm1(-1 / (255 * self.scale))).log()
        return log_mass + torch.where(first | last, 0.0, inner)

    def icdf(self, value: Float[Tensor, " *#batch"]) -> Float[Tensor, " *#batch"]:
        """Return the grey value below or at which the variable is with a given probability.

        Args:
            value: probabilities, from 0 to 1; with uniform ones this is a draw.

        Returns:
            (...), of 0, 1/255, ..., 1.

        Raises:
            ValueError: a probability out of range, where `checks` see it.
        """
        checks.within("value", value, 0, 1, "give probabilities, such as torch.rand draws")
        x = self.loc + self.scale * (value.log() - (1 - value).log())
        return (255 * x).round().clamp(0, 255) / 255

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = ()) -> Float[Tensor, " *sample"]:
        """Draw grey values, (*sample_shape, *batch_shape), of 0, 1/255, ..., 1.

        Args:
            sample_shape: how many, in any arrangement.
        """
        shape = self._extended_shape(checks.arranged(sample_shape))
        return self.icdf(torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device))


class DiscretizedLogisticPixels(nn.Module):
    """Independent pixels of 256 grey values, whose locations and scales a network computes.

    Example:
        >>> p = DiscretizedLogisticPixels(nn.Linear(2, 2 * 784))(torch.zeros(5, 2))
        >>> p.sample().shape
        torch.Size([5, 784])
    """

    def __init__(self, net: nn.Module):
        """Take a network from z to all locations, then all logarithms of scales, in full ink."""
        super().__init__()
        self.net = net

    def forward(self, z: Float[Tensor, " *batch latent"]) -> Independent:
        """Return the distribution given z: batch shape (...), event shape (pixels,)."""
        loc, log_scale = full_precision(self.net(z)).chunk(2, dim=-1)
        return Joint(DiscretizedLogistic(loc, log_scale.exp()), 1, validate_args=False)


def _check_pixels(value: Tensor) -> None:
    cure = "divide grey values by 255, and bring [-1, 1] to [0, 1] by (x + 1) / 2"
    checks.within("x", value, 0, 1, cure)
