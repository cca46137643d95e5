"""The networks of diffusion and flow matching: they see z, how noisy it is, and a label."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.diffusion.denoised import Denoised, from_turn
from dgm_core.diffusion.unet import UNet
from dgm_core.nets import full_precision, mlp


class Waves(nn.Module):
    """Sines and cosines of a number, of frequencies in a geometric row: features for a network.

    Args:
        count: frequencies.
        slowest: the least, in radians a unit.
        fastest: the largest.

    References:
        Vaswani et al. (2017), Attention Is All You Need, section 3.5.
    """

    def __init__(self, count: int, slowest: float, fastest: float):
        """Choose the frequencies."""
        super().__init__()
        row = torch.linspace(math.log(slowest), math.log(fastest), count).exp()
        self.register_buffer("frequencies", row, persistent=False)

    def forward(self, number: Float[Tensor, " batch"]) -> Float[Tensor, " batch features"]:
        """Return the features of a number, (B,): (B, 2 count).

        Raises:
            ValueError: not one number an example.
        """
        cure = "one time or log-SNR an example, (B,), as level.expand(len(z)) does of one for all"
        checks.event("the number", number, (), cure)
        angle = number[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos()], 1)


class Labels(nn.Module):
    """A vector for each class, and one for "no label", which is the number of classes itself.

    Args:
        num_classes: how many there are.
        width: of the vectors.
    """

    def __init__(self, num_classes: int, width: int):
        """Make the vectors; that of no label is learned like the others."""
        super().__init__()
        self.table = nn.Embedding(num_classes + 1, width)

    def forward(
        self, label: Int[Tensor, " batch"] | None, batch: int
    ) -> Float[Tensor, " batch width"]:
        """Return the vectors of labels, (B, width); of None, that of no label for all.

        Args:
            label: (B,), or None.
            batch: B.
        """
        if label is None:
            return self.table.weight[-1].expand(batch, -1)
        return self.table(label)


def _check_label(labels: Labels | None, label: Tensor | None) -> None:
    if label is None:
        return
    if labels is None:
        raise ValueError(
            "a label came, and this model has no classes: leave it out, or make the model with "
            "num_classes"
        )
    last = labels.table.num_embeddings - 1
    checks.within("label", label, 0, last, f"classes, and {last} for no label")


class TimeMLP(nn.Module):
    """A velocity in a few dimensions: a network of z, of the time, and of a label if there is one.

    Args:
        num_dims: D, of z.
        hidden: sizes of the hidden layers.
        num_classes: of the labels; 0 if there are none.

    Example:
        >>> velocity = TimeMLP(2, (64, 64, 64))
        >>> velocity(torch.zeros(5, 2), torch.rand(5)).shape
        torch.Size([5, 2])
        >>> sum(p.numel() for p in velocity.parameters())
        9154
    """

    def __init__(self, num_dims: int, hidden: Sequence[int] = (64, 64, 64), num_classes: int = 0):
        """Build it; the last layer starts at 0, so that everything stands still."""
        super().__init__()
        self.waves = Waves(4, 0.5 * math.pi, 4 * math.pi)
        inputs = num_dims + 8 + (16 if num_classes else 0)
        self.labels = Labels(num_classes, 16) if num_classes else None
        self.net = mlp([inputs, *hidden, num_dims], nn.SiLU)
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(
        self,
        z: Float[Tensor, " batch event"],
        time: Float[Tensor, " batch"],
        label: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, " batch event"]:
        """Return the velocity, (B, D).

        Args:
            z: points, (B, D).
            time: from 0, noise, to 1, data, (B,).
            label: classes, (B,); the number of classes is "no label", as is None.

        Raises:
            ValueError: a label for a model without classes, or one out of range; not one time a
                point.
        """
        _check_label(self.labels, label)
        parts = [z, self.waves(time)]
        if self.labels is not None:
            parts.append(self.labels(label, len(z)))
        return full_precision(self.net(torch.cat(parts, 1)))


class DigitDenoiser(nn.Module):
    """A `Denoiser` of 28 x 28 images: a `UNet` that predicts v, told the log-SNR and a label.

    Args:
        widths: channels at 14 x 14 and at 7 x 7.
        blocks: residual blocks down, at the bottom, and up.
        condition: size of what the blocks are told.
        num_classes: of the labels; 0 if there are none.
        dropout: of the blocks.

    Example:
        >>> denoiser = DigitDenoiser()
        >>> denoiser(torch.zeros(2, 784), torch.zeros(2)).data.shape
        torch.Size([2, 784])
    """

    def __init__(
        self,
        widths: tuple[int, int] = (32, 64),
        blocks: tuple[int, int, int] = (1, 2, 1),
        condition: int = 128,
        num_classes: int = 0,
        dropout: float = 0.0,
    ):
        """Build it."""
        super().__init__()
        self.waves = Waves(16, 0.05, 1.0)
        self.clock = nn.Sequential(nn.Linear(32, condition), nn.SiLU())
        self.labels = Labels(num_classes, condition) if num_classes else None
        self.net = UNet(1, widths, blocks, condition, dropout)

    def forward(
        self,
        z: Float[Tensor, " batch pixels"],
        log_snr: Float[Tensor, " batch"],
        label: Int[Tensor, " batch"] | None = None,
    ) -> Denoised:
        """Return the estimate of data and noise, each (B, 784).

        Args:
            z: noised images, standardised and variance preserving, (B, 784).
            log_snr: (B,), in nats.
            label: classes, (B,); the number of classes is "no label", as is None.

        Raises:
            ValueError: a label for a model without classes, or one out of range; not one log-SNR
                an image, or images of another size.
        """
        _check_label(self.labels, label)
        told = self.clock(self.waves(log_snr.clamp(-20, 20)))
        if self.labels is not None:
            told = F.silu(told + self.labels(label, len(z)))
        return from_turn(z, full_precision(self.net(z, told)), log_snr)


class DigitUnmasker(nn.Module):
    """An unmasker of 28 x 28 binary images: a `UNet` that sees x and what of it is known.

    Args:
        widths: channels at 14 x 14 and at 7 x 7.
        blocks: residual blocks down, at the bottom, and up.

    Example:
        >>> unmasker = DigitUnmasker()
        >>> unmasker(torch.zeros(2, 784), torch.zeros(2, 784)).shape
        torch.Size([2, 784])
    """

    def __init__(
        self, widths: tuple[int, int] = (32, 64), blocks: tuple[int, int, int] = (1, 2, 1)
    ):
        """Build it."""
        super().__init__()
        self.net = UNet(2, widths, blocks, condition=0)

    def forward(
        self, x: Float[Tensor, " batch pixels"], known: Float[Tensor, " batch pixels"]
    ) -> Float[Tensor, " batch pixels"]:
        """Return a logit a pixel, (B, 784).

        Args:
            x: zeros and ones, 0 where hidden, (B, 784).
            known: 1. where x is known, (B, 784).

        Raises:
            ValueError: the two differ in shape, or images of another size.
        """
        checks.same_shape("whether each pixel is known", x=x, known=known)
        return full_precision(self.net(torch.cat([x, known], 1)))
