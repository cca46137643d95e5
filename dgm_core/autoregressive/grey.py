"""A PixelCNN of whole grey values: a softmax over all of them at each pixel, in reading order."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.autoregressive.masks import MaskedConv2d
from dgm_core.autoregressive.noise import uniform_noise
from dgm_core.nets import full_precision


class GreyPixelCNN(nn.Module):
    r"""A distribution of grey images, :math:`\prod_m P(x_m \mid x_{<m})`, by masked convolutions.

    Each pixel has a softmax over all grey values, so that its distribution may have any shape. The
    stack has the blind spot of `masked_stack`: exact all the same, it only sees less.

    Args:
        side: height and width of the images.
        bins: K, the number of grey values, at most 256.
        channels: of the hidden layers.
        layers: masked convolutions, at least 1; the first is 5 x 5, the others 3 x 3.
        histogram: how often each grey value occurs in the training images, (K,); learning starts
            there. None stands for a uniform one.

    Raises:
        ValueError: no layer, fewer than two grey values or more than 256; not as many counts as
            grey values, or a negative one.

    References:
        van den Oord et al. (2016), Pixel Recurrent Neural Networks, sections 3.3 to 3.5.

    Example:
        >>> model = GreyPixelCNN(side=2, bins=3, channels=8, layers=2)
        >>> greys = torch.arange(3, dtype=torch.uint8)
        >>> every_image = torch.cartesian_prod(greys, greys, greys, greys).view(-1, 2, 2)
        >>> len(every_image), round(model.log_mass(every_image).exp().sum().item(), 4)
        (81, 1.0)
        >>> model.sample((5,)).shape
        torch.Size([5, 2, 2])
    """

    def __init__(
        self,
        side: int = 28,
        bins: int = 256,
        channels: int = 24,
        layers: int = 5,
        histogram: Tensor | None = None,
    ):
        """Make the networks."""
        super().__init__()
        checks.at_least(1, "the first sees not itself", layers=layers)
        checks.at_least(2, "paper and ink", bins=bins)
        if bins > 256:
            raise ValueError(f"bins is {bins}: images are bytes, with at most 256 grey values")
        self.side, self.bins = side, bins
        self.reach = 2 + layers - 1  # rows up, and columns to either side
        modules = [MaskedConv2d(2, channels, 5, sees_itself=False)]
        for _ in range(layers - 1):
            modules += [nn.ReLU(), MaskedConv2d(channels, channels, 3, sees_itself=True)]
        self.net = nn.Sequential(*modules, nn.ReLU(), nn.Conv2d(channels, bins, 1))
        if histogram is None:
            histogram = torch.ones(bins)
        cure = "torch.bincount(..., minlength=bins)"
        checks.event("histogram", histogram, (), cure)
        checks.last("histogram", histogram, bins, cure)
        checks.within("histogram", histogram, 0, math.inf, cure)
        counts = histogram.cpu().double() + 1  # what has not been seen is rare, not impossible
        nn.init.zeros_(self.net[-1].weight)
        with torch.no_grad():
            self.net[-1].bias.copy_(counts.log() - counts.sum().log())

    def logits(self, images: UInt8[Tensor, " batch h w"]) -> Float[Tensor, " batch bins h w"]:
        """Return K logits at each pixel, which see pixels before it and no other, (B, K, H, W).

        Args:
            images: grey values, uint8, (B, H, W), of any size.
        """
        return full_precision(self.net(self._inputs(images)))

    def _inputs(self, images: Tensor) -> Tensor:
        kind = self.net[-1].bias.dtype
        return torch.stack([images.to(kind) / (self.bins - 1), (images > 0).to(kind)], 1)

    def log_mass(self, images: UInt8[Tensor, " batch side side"]) -> Float[Tensor, " batch"]:
        """Return the exact log P(image), (B,), in nats; one pass.

        Args:
            images: grey values, uint8, (B, side, side).

        Raises:
            TypeError: images that are not uint8.
            ValueError: images of another size, or a grey value that the model has not.
        """
        checks.grey_images(images, self.side, self.bins, "the model")
        paid = F.cross_entropy(self.logits(images), images.long(), reduction="none")
        return -paid.flatten(1).sum(1)

    @torch.no_grad()
    def sample(
        self,
        sample_shape: Sequence[int] = (),
        noise: Float[Tensor, " *sample side side"] | None = None,
    ) -> UInt8[Tensor, " *sample side side"]:
        """Draw images, one pixel after the other: side^2 passes, each over what the pixel sees.

        Args:
            sample_shape: how many, in any arrangement.
            noise: uniform on [0, 1), one number a pixel, (*sample_shape, side, side); drawn here
                if None.

        Returns:
            Grey values, uint8, (*sample_shape, side, side).

        Raises:
            ValueError: noise of another shape.
            TypeError: a number for the sample shape.
        """
        shape, like = (*checks.arranged(sample_shape), self.side, self.side), self.net[-1].bias
        noise = uniform_noise(shape, noise, like, "pixel")
        flat = noise.reshape(-1, self.side, self.side)
        images = torch.zeros_like(flat, dtype=torch.uint8)
        for row in range(self.side):
            top = max(0, row - self.reach)
            for column in range(self.side):
                left = max(0, column - self.reach)
                seen = images[:, top : row + 1, left : column + self.reach + 1]
                hidden = self.net[:-1](self._inputs(seen))[:, :, -1:, column - left, None]
                logits = full_precision(self.net[-1](hidden)).flatten(1)
                below = logits.softmax(1).cumsum(1)[:, :-1]
                drawn = (flat[:, row, column, None] >= below).sum(1)
                images[:, row, column] = drawn.to(torch.uint8)
        return images.view(shape)
