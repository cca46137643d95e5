"""A normalizing flow: a simple base distribution seen through a bijection; and some of them."""

import math
from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, Normal, Uniform

from dgm_core import checks
from dgm_core.distributions import Joint
from dgm_core.flows.bijections import Bijection
from dgm_core.flows.couplings import coupling_layers
from dgm_core.flows.images import multiscale_layers, spline_of_half
from dgm_core.flows.masked import masked_layers
from dgm_core.flows.splines import RationalQuadratic


class Flow(nn.Module):
    r"""The distribution of :math:`x = f(z)`, z from the base, with its exact density.

    Attributes:
        bijection: f, from latent to data.
        event_shape: shape of one example.
        uniform: whether z is uniform on the unit cube instead of standard normal.

    References:
        Rezende and Mohamed (2015), Variational Inference with Normalizing Flows, eq. 5.

    Example:
        >>> from dgm_core.flows import Affine
        >>> flow = Flow(Affine(torch.zeros(1), torch.tensor([2.0]).log()), (1,))  # N(0, 4)
        >>> flow.log_prob(torch.tensor([[0.0]]))
        tensor([-1.6121])
    """

    def __init__(self, bijection: Bijection, event_shape: Sequence[int], uniform: bool = False):
        """Put a bijection on a base of its event shape."""
        super().__init__()
        self.bijection = bijection
        self.event_shape = torch.Size(event_shape)
        self.uniform = uniform
        # Buffers, so that the base follows the module's device and dtype.
        self.register_buffer("_zeros", torch.zeros(self.event_shape), persistent=False)
        self.register_buffer("_ones", torch.ones(self.event_shape), persistent=False)

    @property
    def base(self) -> Distribution:
        """The distribution of z, with the event shape of the flow."""
        kind = Uniform if self.uniform else Normal
        each = kind(self._zeros, self._ones, validate_args=False)
        return Joint(each, len(self.event_shape), validate_args=False)

    def log_prob(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch"]:
        """Return log p(x) = log p(z) + log |det dz/dx|, in nats.

        Args:
            x: data points, (B, *event_shape).

        Returns:
            (B,).

        Raises:
            ValueError: x is of another shape; or the bijection makes other shapes of it than those
                that it should.
        """
        checks.event("x", x, self.event_shape, "one row an example, as the flow was made for")
        z, log_det = self.bijection.inverse(x)
        checks.event("the latent z", z, self.event_shape, "the bijection has to keep the shape")
        checks.event("the log-determinant", log_det, (), "sum it over the event, one an example")
        return self.base.log_prob(z) + log_det

    @torch.no_grad()
    def sample(
        self, sample_shape: Sequence[int] = (), temperature: float = 1.0
    ) -> Float[Tensor, " *sample_and_event"]:
        """Draw samples: z from the base, then forward.

        Args:
            sample_shape: how many, in any arrangement.
            temperature: factor on a normal z; below 1 the samples are no longer the model's, but
                nearer to its middle.

        Returns:
            (*sample_shape, *event_shape).

        Raises:
            ValueError: a temperature other than 1 for a uniform base, or one below 0.
            TypeError: a number for the sample shape.
        """
        checks.at_least(0, "1 draws from the model itself", temperature=temperature)
        if self.uniform and temperature != 1.0:
            raise ValueError("a uniform base has no temperature; leave it at 1")
        shape = checks.arranged(sample_shape)
        z = self.base.sample((math.prod(shape),)) * temperature
        return self.bijection(z)[0].reshape(*shape, *self.event_shape)


def coupling_flow(dim: int = 2, layers: int = 6, hidden: int = 32) -> Flow:
    """Build a flow of affine couplings for vectors; see `couplings.coupling_layers`.

    Args:
        dim: numbers of a vector.
        layers: how many couplings.
        hidden: units of each of the two hidden layers of a coupling's network.

    Example:
        >>> flow = coupling_flow(dim=3, layers=2)
        >>> flow.log_prob(torch.zeros(1, 3)).detach()  # untrained, it is the normal distribution
        tensor([-2.7568])
    """
    return Flow(coupling_layers(dim, layers, hidden), (dim,))


def masked_flow(dim: int = 2, layers: int = 5, hidden: Sequence[int] = (64, 64)) -> Flow:
    """Build a masked autoregressive flow of scales and shifts; see `masked.masked_layers`.

    Args:
        dim: numbers of a vector.
        layers: how many masked layers.
        hidden: sizes of the hidden layers of each network.

    Example:
        >>> flow = masked_flow(dim=3, layers=2)
        >>> flow.log_prob(torch.zeros(1, 3)).detach()  # untrained, it is the normal distribution
        tensor([-2.7568])
    """
    return Flow(masked_layers(dim, layers, hidden), (dim,))


def spline_flow(
    dim: int = 2,
    layers: int = 3,
    hidden: Sequence[int] = (48, 48),
    pieces: int = 8,
    bound: float = 5.0,
) -> Flow:
    """Build an autoregressive flow of rational-quadratic splines; see `masked.masked_layers`.

    In two dimensions a layer bends the first number by a spline of its own, and the second by one
    that the first chooses.

    Args:
        dim: numbers of a vector.
        layers: how many masked layers.
        hidden: sizes of the hidden layers of each network.
        pieces: K, of each spline.
        bound: the splines bend within plus and minus it.

    References:
        Durkan et al. (2019), Neural Spline Flows, section 3.2, RQ-NSF (AR).

    Example:
        >>> flow = spline_flow(dim=3, layers=2)
        >>> flow.log_prob(torch.zeros(1, 3)).detach()  # untrained, it is the normal distribution
        tensor([-2.7568])
    """
    maps = partial(RationalQuadratic, bound=bound)
    return Flow(masked_layers(dim, layers, hidden, maps, 3 * pieces - 1), (dim,))


def affine_image_flow(
    steps: tuple[int, ...] = (4, 4),
    hidden: tuple[int, ...] = (32, 64),
    *,
    side: int = 28,
    alpha: float = 1e-5,
    seed: int = 0,
) -> Flow:
    """Build the textbook's flow of images; see `flows.images.multiscale_layers`.

    Give ``flow.bijection.initialize`` a batch before training.

    Args:
        steps: couplings of each level, the finest first.
        hidden: channels of each level's networks.
        side: pixels of a side of the image, a multiple of 2 at every level.
        alpha: of the logit.
        seed: of the first 1x1 convolutions; the networks' weights are torch's.

    Returns:
        A flow on vectors of side * side numbers in (0, 1), such as `data.dequantize` returns; z is
        standard normal, a vector of the same length.

    Example:
        >>> affine_image_flow(steps=(2,), hidden=(8,), side=4).sample((3,)).shape
        torch.Size([3, 16])
    """
    layers = multiscale_layers(steps, hidden, side=side, alpha=alpha, seed=seed)
    return Flow(layers, (side * side,))


def spline_image_flow(
    steps: tuple[int, ...] = (4, 4),
    hidden: tuple[int, ...] = (32, 64),
    *,
    side: int = 28,
    alpha: float = 1e-5,
    seed: int = 0,
) -> Flow:
    """Build the same flow of images as `affine_image_flow`, with splines for scales and shifts.

    Args:
        steps: couplings of each level, the finest first.
        hidden: channels of each level's networks.
        side: pixels of a side of the image, a multiple of 2 at every level.
        alpha: of the logit.
        seed: of the first 1x1 convolutions; the networks' weights are torch's.

    References:
        Durkan et al. (2019), Neural Spline Flows, section 5.3.

    Example:
        >>> spline_image_flow(steps=(2,), hidden=(8,), side=4).sample((3,)).shape
        torch.Size([3, 16])
    """
    layers = multiscale_layers(
        steps, hidden, side=side, alpha=alpha, couple=spline_of_half, seed=seed
    )
    return Flow(layers, (side * side,))
