"""Bijections of images, and the textbook's multi-scale stack of couplings."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Compose, Inverse, Mapped
from dgm_core.flows.couplings import ActNorm, AffineCoupling, SplineCoupling
from dgm_core.flows.elementwise import Logit
from dgm_core.flows.mixing import Invertible1x1, Permutation


class Reshape(Bijection):
    """Another shape for the same numbers; its log-determinant is 0."""

    def __init__(self, latent_shape: tuple[int, ...], data_shape: tuple[int, ...]):
        """Take the shapes of an example before and after forward.

        Raises:
            ValueError: they hold different numbers of numbers.
        """
        super().__init__()
        if math.prod(latent_shape) != math.prod(data_shape):
            raise ValueError(
                f"{checks.sizes(latent_shape)} and {checks.sizes(data_shape)} hold different "
                "numbers of numbers: a reshape keeps all of them"
            )
        self.latent_shape, self.data_shape = latent_shape, data_shape

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Give z, (B, *latent_shape), the data's shape."""
        checks.event("z", z, self.latent_shape, "one example a row")
        return z.reshape(len(z), *self.data_shape), z.new_zeros(len(z))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Give x, (B, *data_shape), the latent shape."""
        checks.event("x", x, self.data_shape, "one example a row")
        return x.reshape(len(x), *self.latent_shape), x.new_zeros(len(x))


class Squeeze(Bijection):
    """Inverse turns each square of 2 x 2 pixels into 4 channels; forward spreads them out again.

    Channels 0 and 3 of the 4 are one colour of a checkerboard, 1 and 2 the other.

    References:
        Dinh et al. (2017), Density Estimation Using Real NVP, section 3.6.
    """

    def forward(self, z: Float[Tensor, " batch channels height width"]) -> Mapped:
        """Map (B, 4 C, H, W) to (B, C, 2 H, 2 W).

        Raises:
            ValueError: channels that are no multiple of 4, or no images.
        """
        if z.ndim != 4 or z.shape[1] % 4:
            raise ValueError(f"z is {checks.sizes(z.shape)}, but (B, 4 C, H, W) is expected")
        channels, height, width = z.shape[1] // 4, *z.shape[2:]
        x = z.reshape(len(z), channels, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3)
        return x.reshape(len(z), channels, 2 * height, 2 * width), z.new_zeros(len(z))

    def inverse(self, x: Float[Tensor, " batch channels height width"]) -> Mapped:
        """Map (B, C, 2 H, 2 W) to (B, 4 C, H, W), in memory channels last.

        Raises:
            ValueError: an odd side, or no images.
        """
        if x.ndim != 4 or x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError(
                f"x is {checks.sizes(x.shape)}, but (B, C, 2 H, 2 W) is expected: pad an odd side"
            )
        channels, height, width = x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        z = x.reshape(len(x), channels, height, 2, width, 2).permute(0, 2, 4, 1, 3, 5)
        z = z.reshape(len(x), height, width, 4 * channels).permute(0, 3, 1, 2)
        return z, x.new_zeros(len(x))


class FactorOut(Bijection):
    """A bijection of the first channels alone; the others are latent already, or data still.

    Around a finer level's bijection it makes a flow multi-scale: half of the numbers leave early.

    References:
        Dinh et al. (2017), Density Estimation Using Real NVP, section 3.6 and eq. 14 to 16.
    """

    def __init__(self, part: Bijection, keep: int):
        """Take a bijection that keeps its shape, and the number of channels it is for."""
        super().__init__()
        self.part, self.keep = part, keep

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the part to the first channels."""
        self._check("z", z)
        x, log_det = self.part.forward(z[:, : self.keep])
        return torch.cat([x, z[:, self.keep :]], 1), log_det

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Undo the part on the first channels."""
        self._check("x", x)
        z, log_det = self.part.inverse(x[:, : self.keep])
        return torch.cat([z, x[:, self.keep :]], 1), log_det

    def initialize(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *latent"]:
        """Initialise the part with the first channels of x, (B, C, ...)."""
        self._check("x", x)
        return torch.cat([self.part.initialize(x[:, : self.keep]), x[:, self.keep :]], 1)

    def _check(self, name: str, value: Tensor) -> None:
        channels = value.shape[1] if value.ndim > 1 else 0
        checks.at_least(
            self.keep, "the part was made for so many", **{f"channels__{name}": channels}
        )


class ConvNet(nn.Module):
    """The network of a coupling on images: residual blocks of two convolutions; ends in zeros.

    References:
        He et al. (2016), Identity Mappings in Deep Residual Networks, for the blocks.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, blocks: int = 1):
        """Build it.

        Args:
            inputs: channels that come in.
            hidden: channels inside.
            outputs: channels that go out.
            blocks: how many residual blocks.
        """
        super().__init__()
        self.first = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(hidden, hidden, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(hidden, hidden, 1),
            )
            for _ in range(blocks)
        )
        self.last = nn.Conv2d(hidden, outputs, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(
        self, x: Float[Tensor, " batch inputs height width"]
    ) -> Float[Tensor, " batch outputs height width"]:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        h = self.first(x)
        for block in self.blocks:
            h = h + block(h)
        return self.last(h.relu())


def affine_of_half(half: int, hidden: int) -> AffineCoupling:
    """Return an affine coupling of the second half of the channels, the identity at first.

    Args:
        half: channels that are kept, and as many that move.
        hidden: channels of its network.
    """
    return AffineCoupling(ConvNet(half, hidden, 2 * half), half)


def spline_of_half(half: int, hidden: int) -> SplineCoupling:
    """Return a coupling by splines of 8 pieces of the second half, the identity at first.

    Args:
        half: channels that are kept, and as many that move.
        hidden: channels of its network.
    """
    return SplineCoupling(ConvNet(half, hidden, 23 * half), half, pieces=8)


def multiscale_layers(
    steps: tuple[int, ...] = (4, 4),
    hidden: tuple[int, ...] = (32, 64),
    *,
    side: int = 28,
    alpha: float = 1e-5,
    couple: Callable[[int, int], Bijection] = affine_of_half,
    seed: int = 0,
) -> Compose:
    """Stack the textbook's layers for images: squeeze, couplings, half out, and again; a logit.

    A step is actnorm, 1x1 convolution, coupling of half of the channels. The first two
    couplings of the finest level have the checkerboard's halves instead of learned ones. Give
    `initialize` a batch before training.

    Args:
        steps: couplings of each level, the finest first.
        hidden: channels of each level's networks.
        side: pixels of a side of the image, a multiple of 2 at every level.
        alpha: of the logit.
        couple: makes a coupling, from channels kept and channels of its network.
        seed: of the first 1x1 convolutions; the networks' weights are torch's.

    Returns:
        A bijection from vectors of side * side real numbers to those in (0, 1).

    Raises:
        ValueError: the side cannot be halved so often, or a level lacks its `hidden`.

    References:
        Dinh et al. (2017), Density Estimation Using Real NVP; Kingma and Dhariwal (2018), Glow.
    """
    if len(steps) != len(hidden) or side % 2 ** len(steps):
        raise ValueError(
            f"side {side} must be a multiple of 2^{len(steps)}, and each of the {len(steps)} "
            f"levels needs its own hidden; hidden is {hidden}"
        )
    inner = None
    for level in reversed(range(len(steps))):
        inner = _level(level, steps[level], hidden[level], inner, couple, seed)
    shapes = (side * side,), (1, side, side)
    layers = Compose([Reshape(*shapes), inner, Reshape(*shapes[::-1]), Logit(alpha)])
    return layers.to(memory_format=torch.channels_last)


def _level(
    level: int, steps: int, hidden: int, inner: Compose | None, couple: Callable, seed: int
) -> Compose:
    """One scale, from latent to data: unsqueeze, what is within, the steps, squeeze."""
    channels = 4 * 2**level  # 1 -> 4, half of it is 2 -> 8, half of that is 4 -> 16
    half, towards_latent = channels // 2, []
    for step in range(steps):
        coupling = couple(half, hidden)
        if level == 0 and step < 2:  # checkerboard: 0 and 3 are one colour, 1 and 2 the other
            mixture = Inverse(Permutation([0, 3, 1, 2] if step == 0 else [2, 3, 0, 1]))
        else:
            mixture = Invertible1x1(channels, seed + 100 * level + step)
        towards_latent += [ActNorm(channels), mixture, coupling]
    if inner is not None:
        towards_latent.append(FactorOut(inner, half))
    return Compose([Inverse(Squeeze()), *reversed(towards_latent), Squeeze()])
