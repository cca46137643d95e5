"""Conditional distributions: modules whose call returns a ``torch.distributions`` object.

torch's own validation of their arguments is off. It looks at values, and so does not work where
there are none: when a model is traced, exported for the page, or run on the meta device. What data
have to be, `checks` look at instead, where there is something to see: 0 to 1 for pixels.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import (
    Bernoulli,
    Distribution,
    Independent,
    MultivariateNormal,
    Normal,
    constraints,
    kl_divergence,
    register_kl,
)

from dgm_core import checks
from dgm_core.nets import full_precision


class Joint(Independent):
    """Independent numbers as one event: ``Independent``, also of no examples at all."""

    def log_prob(self, value: Float[Tensor, " *#shape"]) -> Float[Tensor, " *batch"]:
        """Return the log-probability, or density, of each event, in nats.

        Args:
            value: (..., *event_shape).

        Returns:
            (...).

        Raises:
            ValueError: another number of numbers in an event.
        """
        if value.shape[max(0, value.ndim - len(self.event_shape)) :] != self.event_shape:
            wanted = checks.sizes(("...", *self.event_shape))
            raise ValueError(
                f"the value is {checks.sizes(value.shape)}, but {wanted} is expected: a number "
                "for each of the distribution's, such as each pixel of an image"
            )
        return _sum_events(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)


@register_kl(Joint, Joint)
def _kl_of_joints(p: Joint, q: Joint) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(f"the events of p and q are {p.event_shape} and {q.event_shape}")
    return _sum_events(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


def _sum_events(each: Tensor, ndims: int) -> Tensor:
    """Add up the last axes: torch does so by a reshape, which of no examples is ambiguous."""
    return each.sum(tuple(range(-ndims, 0))) if ndims else each


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


# Polynomials of erf's inverse over x, in the middle and in the tails: Giles (2012), table 1.
_MIDDLE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_TAILS = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
    -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip


def normal_quantile(u: Float[Tensor, " *shape"]) -> Float[Tensor, " *shape"]:
    r"""Return :math:`\Phi^{-1}(u)`, the value below which a standard normal variable is with u.

    It turns even coordinates into a normal prior's: equal areas of the square have equal
    probability. Of plain arithmetic, so that a browser can do it; `torch.special.ndtri`, which it
    agrees with to 2e-6, cannot be exported.

    Args:
        u: probabilities, between 0 and 1.

    Returns:
        Of the shape of `u`; no number at 0 and 1 themselves.

    References:
        Kingma and Welling (2014), Auto-Encoding Variational Bayes, appendix A, for the use;
        Giles (2012), Approximating the erfinv function, for the computation.

    Example:
        >>> normal_quantile(torch.tensor([0.5, 0.975]))
        tensor([0.0000, 1.9600])
    """
    w = -(4 * u * (1 - u)).log()
    middle, tails = torch.zeros_like(u), torch.zeros_like(u)
    near, far = w - 2.5, w.clamp(min=0).sqrt() - 3
    for a, b in zip(_MIDDLE, _TAILS, strict=True):
        middle, tails = a + middle * near, b + tails * far
    return math.sqrt(2) * (2 * u - 1) * torch.where(w < 5, middle, tails)


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


def _check_pixels(value: Tensor) -> None:
    cure = "divide grey values by 255, and bring [-1, 1] to [0, 1] by (x + 1) / 2"
    checks.within("x", value, 0, 1, cure)
