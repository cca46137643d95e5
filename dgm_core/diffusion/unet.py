"""A small U-Net on 28 x 28 pixels, whose blocks may be told a condition."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks


class FilmBlock(nn.Module):
    """A residual block of two convolutions whose middle is scaled and shifted by a condition.

    Args:
        width: channels, a multiple of 8.
        condition: size of the condition; 0 if there is none.
        dropout: share of the channels between the two that are set to 0 in training.

    References:
        He et al. (2016), Identity Mappings in Deep Residual Networks; Wu and He (2018), Group
        Normalization; Perez et al. (2018), FiLM.
    """

    def __init__(self, width: int, condition: int, dropout: float = 0.0):
        """Start as the identity."""
        super().__init__()
        self.before, self.between = nn.GroupNorm(8, width), nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.film = nn.Linear(condition, 2 * width) if condition else None
        self.dropout = nn.Dropout2d(dropout)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(
        self, h: Float[Tensor, " batch c h w"], condition: Float[Tensor, " batch e"] | None
    ) -> Float[Tensor, " batch c h w"]:
        """Return h + correction(h, condition), (B, C, H, W).

        Args:
            h: features, (B, C, H, W).
            condition: (B, E), or None.
        """
        middle = self.between(self.first(F.silu(self.before(h))))
        if self.film is not None:
            scale, shift = self.film(condition)[..., None, None].chunk(2, 1)
            middle = middle * (1 + scale) + shift
        return h + self.second(self.dropout(F.silu(middle)))


class UNet(nn.Module):
    """A small U-Net on 28 x 28 pixels: squares of 2 x 2 are channels, then two resolutions.

    Args:
        in_channels: numbers of a pixel that come in.
        widths: channels at 14 x 14 and at 7 x 7, multiples of 8.
        blocks: residual blocks at 14 x 14 on the way down, at 7 x 7, and on the way up.
        condition: size of what the blocks are told; 0 if nothing.
        dropout: of the blocks.

    References:
        Ronneberger et al. (2015), U-Net; Ho et al. (2020), Denoising Diffusion Probabilistic
        Models, appendix B.
    """

    def __init__(
        self,
        in_channels: int = 1,
        widths: tuple[int, int] = (32, 64),
        blocks: tuple[int, int, int] = (1, 2, 1),
        condition: int = 128,
        dropout: float = 0.0,
    ):
        """Build it; the last convolution starts at 0."""
        super().__init__()
        wide, deep = widths

        def stack(count: int, width: int) -> nn.ModuleList:
            return nn.ModuleList(FilmBlock(width, condition, dropout) for _ in range(count))

        self.in_channels = in_channels
        self.enter = nn.Conv2d(4 * in_channels, wide, 3, padding=1)
        self.position = nn.Parameter(torch.zeros(1, wide, 14, 14))
        self.down, self.bottom, self.up = (
            stack(count, width) for count, width in zip(blocks, (wide, deep, wide), strict=True)
        )
        self.shrink = nn.Conv2d(wide, deep, 3, stride=2, padding=1)
        self.grow = nn.Conv2d(deep, 4 * wide, 1)
        self.leave = nn.Sequential(
            nn.GroupNorm(8, wide), nn.SiLU(), nn.Conv2d(wide, 4, 3, padding=1)
        )
        nn.init.zeros_(self.leave[-1].weight)
        nn.init.zeros_(self.leave[-1].bias)

    def forward(
        self, pixels: Float[Tensor, " batch numbers"], condition: Tensor | None = None
    ) -> Float[Tensor, " batch 784"]:
        """Return one number a pixel, (B, 784).

        Args:
            pixels: (B, in_channels * 784), one channel after the other.
            condition: (B, E), or None where there is none.

        Raises:
            ValueError: images of another size.
        """
        size = self.in_channels * 784
        checks.event("pixels", pixels, (size,), "28 x 28 pixels a channel as a row, by flatten(1)")
        if len(pixels) == 0:  # torch cuts no squares out of no images
            return pixels.new_zeros(0, 784)
        h = F.pixel_unshuffle(pixels.reshape(-1, self.in_channels, 28, 28), 2)
        h = self.enter(h)
        h = h + self.position.to(h.dtype)  # (B, wide, 14, 14)
        for block in self.down:
            h = block(h, condition)
        low = self.shrink(h)  # (B, deep, 7, 7)
        for block in self.bottom:
            low = block(low, condition)
        h = h + F.pixel_shuffle(self.grow(low), 2)
        for block in self.up:
            h = block(h, condition)
        return F.pixel_shuffle(self.leave(h), 2).flatten(1)
