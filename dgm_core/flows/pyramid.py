"""A coupling flow of whole grey images, from one pixel to all of them, with exact densities."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Mapped
from dgm_core.flows.cdf import CategoricalCDF, bin_of
from dgm_core.flows.pyramid_levels import (
    DIGIT_LEVELS,
    QUARTERS,
    LevelSize,
    interleave,
    lattice,
)
from dgm_core.flows.pyramid_nets import Head, Level, Marginal

# From what gives the probabilities, the features for it (B, h, w, C), and the quarter's place, to
# the quarter's grey values (B, h, w) and whatever is computed of each pixel, (B, h, w).
Visit = Callable[[Head | Marginal, Tensor | None, tuple], tuple[Tensor, Tensor]]


class CoarseToFine(Bijection):
    r"""From uniform noise to images, (B, side^2) each, on a pyramid of every second pixel.

    The pixels with even row and even column are a coarser image, and so on down to one pixel. A
    level knows the coarser image and adds the three other quarters of its own, one coupling
    each: a `CategoricalCDF` of every pixel, given by a network that has seen all that came
    before. So the Jacobian is triangular, and with x dequantized, (image + u) / K, the density is
    :math:`K^{side^2} P(image)`, constant over u: dequantization costs nothing.

    Args:
        side: height and width of the images.
        bins: K, the number of grey values.
        levels: the `LevelSize` of each level from coarse to fine, or its two parts in a tuple;
            one level for each halving of `side`.
        hidden: hidden units of each level's softmax.
        histogram: how often each grey value occurs in the training images, (K,); learning starts
            there. None stands for a uniform one.
        dropout: share of the channels inside the residual blocks that are set to 0 in training.

    Raises:
        ValueError: there are not as many levels as halvings, or fewer than two grey values; not as
            many counts as grey values, or a negative one.

    References:
        Dinh et al. (2017), Density Estimation Using Real NVP, for couplings and levels;
        Müller et al. (2019), Neural Importance Sampling, for piecewise-linear couplings.

    Example:
        >>> flow = CoarseToFine(side=2, bins=3, levels=[(8, (0, 0, 0))], hidden=8)
        >>> greys = torch.arange(3, dtype=torch.uint8)
        >>> every_image = torch.cartesian_prod(greys, greys, greys, greys).view(-1, 2, 2)
        >>> len(every_image), round(flow.log_mass(every_image).exp().sum().item(), 4)
        (81, 1.0)
    """

    def __init__(
        self,
        side: int = 28,
        bins: int = 256,
        levels: Sequence[LevelSize | tuple[int, tuple[int, int, int]]] = DIGIT_LEVELS,
        hidden: int = 128,
        histogram: Tensor | None = None,
        dropout: float = 0.0,
    ):
        """Make the networks."""
        super().__init__()
        checks.at_least(2, "paper and ink", bins=bins)
        halvings = (side - 1).bit_length()
        if len(levels) != halvings:
            raise ValueError(
                f"{len(levels)} levels for images of {side} x {side}: give {halvings}, one for "
                "each time that the side can be halved (and rounded up) on the way to 1"
            )
        self.side, self.bins = side, bins
        if histogram is not None:
            cure = "torch.bincount(..., minlength=bins)"
            checks.event("histogram", histogram, (), cure)
            checks.last("histogram", histogram, bins, cure)
            checks.within("histogram", histogram, 0, math.inf, cure)
        # One more of each: a grey value that has not been seen is rare, not impossible.
        histogram = torch.ones(bins) if histogram is None else histogram.cpu().double() + 1
        self.first = Marginal(histogram)
        coarser, made = 0, []
        for depth, (width, blocks) in zip(range(halvings, 0, -1), levels, strict=True):
            known = -(-side // 2**depth)
            finest = depth == 1
            level = Level(known, width, blocks, coarser, hidden, histogram, finest, dropout)
            made.append(level)
            coarser = width
        self.levels = nn.ModuleList(made)

    def forward(self, z: Float[Tensor, " batch pixels"]) -> Mapped:
        """Draw images from uniform noise.

        In float32, noise that `inverse` made of an image may give a rare pixel another grey value,
        and with it all that comes after: invert in double precision.

        Args:
            z: in [0, 1), (B, side^2).

        Returns:
            x, in (0, 1), (B, side^2), and log |det dx/dz|, (B,), in nats.

        Raises:
            ValueError: another shape, or numbers out of [0, 1].
        """
        z, log_dets = self._square("z", z), []

        def visit(head, h, place):
            x, log_det = CategoricalCDF(head.log_probs(h)).forward(z[place])
            log_dets.append(log_det)
            return bin_of(x, self.bins), x

        return self._walk(visit).flatten(1), sum(log_dets)

    def inverse(self, x: Float[Tensor, " batch pixels"]) -> Mapped:
        """Return the noise of dequantized images, and their log-density.

        Args:
            x: in [0, 1), (B, side^2), for instance from `data.dequantize`.

        Returns:
            z, in [0, 1], (B, side^2), and log |det dz/dx|, (B,), in nats.

        Raises:
            ValueError: another shape, or numbers out of [0, 1].
        """
        x, log_dets = self._square("x", x), []

        def visit(head, h, place):
            z, log_det = CategoricalCDF(head.log_probs(h)).inverse(x[place])
            log_dets.append(log_det)
            return bin_of(x[place], self.bins), z

        return self._walk(visit).flatten(1), sum(log_dets)

    def pixel_log_masses(
        self, images: UInt8[Tensor, " batch side side"]
    ) -> Float[Tensor, " batch side side"]:
        """Return the logarithm of the probability of every pixel, given those drawn before it.

        Args:
            images: grey values, uint8, (B, side, side).

        Returns:
            (B, side, side), in nats, at most 0.

        Raises:
            TypeError: images that are not uint8.
            ValueError: images of another size, or a grey value that the flow has not.
        """
        checks.grey_images(images, self.side, self.bins, "the flow")
        grey = images.long()

        def visit(head, h, place):
            return grey[place], head.log_prob_at(h, grey[place])

        return self._walk(visit)

    def log_mass(self, images: UInt8[Tensor, " batch side side"]) -> Float[Tensor, " batch"]:
        """Return log P(image), in nats: what training maximises.

        It is the flow's log-density of the dequantized image less side^2 log K, for a fraction of
        the work.

        Args:
            images: grey values, uint8, (B, side, side).

        Returns:
            (B,).

        Raises:
            TypeError: images that are not uint8.
            ValueError: images of another size.
        """
        return self.pixel_log_masses(images).flatten(1).sum(1)

    @torch.no_grad()
    def redraw(
        self,
        x: Float[Tensor, " batch pixels"],
        z: Float[Tensor, " batch pixels"],
        kept: int | Tensor,
    ) -> Float[Tensor, " batch pixels"]:
        """Keep an image's coarser version and draw the pixels between anew.

        Args:
            x: images in [0, 1), (B, side^2).
            z: uniform noise for the new pixels, (B, side^2).
            kept: pixels with row and column divisible by it stay, a power of 2: of 28 x 28 pixels
                1 keeps all, 2 one in four, 32 only the first, 64 none.

        Returns:
            (B, side^2): x at the pixels kept, draws given these at the others.

        Raises:
            ValueError: another shape, or numbers out of [0, 1].
        """
        checks.same_shape("noise for each pixel", x=x, z=z)
        x, z = self._square("x", x), self._square("z", z)

        def visit(head, h, place):
            drawn, _ = CategoricalCDF(head.log_probs(h)).forward(z[place])
            spacing = min(s.start or s.step for s in place[1:])  # largest divisor of both indices
            stays = torch.as_tensor(spacing >= kept, device=x.device)
            new = torch.where(stays, x[place], drawn)
            return bin_of(new, self.bins), new

        return self._walk(visit).flatten(1)

    def _square(self, name: str, flat: Tensor) -> Tensor:
        checks.event(name, flat, (self.side**2,), "one row an image, by flatten(1)")
        checks.within(name, flat, 0, 1, "divide grey values, by data.dequantize; draw torch.rand")
        return flat.unflatten(1, (self.side, self.side))

    def _walk(self, visit: Visit) -> Tensor:
        """Visit the quarters from coarse to fine; return what was computed, as images."""
        step = 2 ** len(self.levels)
        known, computed = visit(self.first, None, lattice(step, 0, 0))
        h = None
        for level in self.levels:
            step //= 2
            h = level.begin(known, h)
            knowns, all_computed = [known], [computed]
            for number, (row, column) in enumerate(QUARTERS):
                place = lattice(2 * step, row * step, column * step)
                height, width = (len(range(self.side)[s]) for s in place[1:])
                grey, value = visit(
                    level.head, h[:, :, :height, :width].permute(0, 2, 3, 1), place
                )
                knowns.append(grey)
                all_computed.append(value)
                h = level.add(h, grey, number)
            size = len(range(0, self.side, step))
            known, computed = interleave(knowns, size), interleave(all_computed, size)
        return computed
