"""Convolutions that see only what comes before in reading order; what their stack misses."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees the rows above and, in its own row, what is to the left.

    Attributes:
        mask: 1. where a weight is kept, (1, 1, size, size).

    References:
        van den Oord et al. (2016), Pixel Recurrent Neural Networks, section 3.4: mask A is the
        first layer's, mask B that of all others.

    Example:
        >>> MaskedConv2d(1, 1, 3, sees_itself=False).mask[0, 0]
        tensor([[1., 1., 1.],
                [1., 0., 0.],
                [0., 0., 0.]])
    """

    def __init__(self, inputs: int, outputs: int, size: int, sees_itself: bool):
        """Make the layer.

        Args:
            inputs: channels that come in.
            outputs: channels that go out.
            size: of the kernel, odd.
            sees_itself: whether the pixel itself may be seen: never in the first layer, where it
                is the pixel to be predicted; in later ones it is a summary of those before it.

        Raises:
            ValueError: a kernel without a middle.
        """
        if size % 2 == 0:
            raise ValueError(f"size is {size}: an odd kernel has the pixel itself in its middle")
        super().__init__(inputs, outputs, size, padding=size // 2)
        mask = torch.zeros(size * size)
        mask[: size * size // 2 + sees_itself] = 1
        self.register_buffer("mask", mask.view(1, 1, size, size), persistent=False)

    def forward(
        self, x: Float[Tensor, " batch inputs height width"]
    ) -> Float[Tensor, " batch outputs height width"]:
        """Return (B, outputs, H, W)."""
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


def masked_stack(channels: int, layers: int, size: int = 3) -> nn.Sequential:
    """Stack masked convolutions as the first PixelCNN did: exact, and with a blind spot.

    Every layer looks one pixel further to the right in the row above, and no more: a cone of
    pixels at the upper right is never seen, however many layers there are. See `PixelCNN`.

    Args:
        channels: of the hidden layers.
        layers: how many, at least 2.
        size: of the kernels.

    Returns:
        A module from images (B, 1, H, W) to logits (B, 1, H, W).

    Raises:
        ValueError: fewer than two layers, or kernels without a middle.

    References:
        van den Oord et al. (2016), Conditional Image Generation with PixelCNN Decoders,
        section 2.2, for the blind spot.

    Example:
        >>> masked_stack(channels=4, layers=3)(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 1, 28, 28])
    """
    checks.at_least(2, "the first sees not itself, the last makes logits", layers=layers)
    modules = [MaskedConv2d(1, channels, size, sees_itself=False)]
    for outputs in [channels] * (layers - 2) + [1]:
        modules += [nn.ReLU(), MaskedConv2d(channels, outputs, size, sees_itself=True)]
    return nn.Sequential(*modules)
