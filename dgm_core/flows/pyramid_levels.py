"""The levels of the pyramid: how large their networks are, and which pixels each adds."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class LevelSize(NamedTuple):
    """How large the networks of one level are.

    Attributes:
        channels: of its features.
        blocks: residual blocks before each of its three quarters.

    Example:
        >>> LevelSize(16).blocks
        (0, 0, 0)
    """

    channels: int
    blocks: tuple[int, int, int] = (0, 0, 0)


#: The levels for 28 x 28 digits, from coarse to fine.
DIGIT_LEVELS = (
    LevelSize(16),
    LevelSize(32, (1, 0, 0)),
    LevelSize(48, (1, 0, 0)),
    LevelSize(64, (1, 1, 1)),
    LevelSize(64, (2, 1, 1)),
)
#: The same with a fifth of the arithmetic: for a lesson that trains for a minute.
LESSON_LEVELS = (
    LevelSize(16),
    LevelSize(24, (1, 0, 0)),
    LevelSize(32, (1, 0, 0)),
    LevelSize(48, (1, 0, 0)),
    LevelSize(32, (1, 0, 0)),
)
# Row and column, in each cell of 2 x 2 pixels, of the quarters that a level adds to the known one
# at (0, 0): first the pixel that is furthest from it, then the two that lie between the two.
QUARTERS = ((1, 1), (0, 1), (1, 0))


def lattice(step: int, row: int, column: int) -> tuple[slice, slice, slice]:
    """Return the index of every step-th pixel from (row, column) on, in images (B, s, s)."""
    return slice(None), slice(row, None, step), slice(column, None, step)


def interleave(quarters: Sequence[Tensor], size: int) -> Tensor:
    """Put the quarters at (0, 0) and at QUARTERS of each 2 x 2 cell back together.

    Args:
        quarters: in this order, each (B, h, w).
        size: height and width of the images.

    Returns:
        (B, size, size).
    """
    half = (size + 1) // 2
    a, d, b, c = (F.pad(q, (0, half - q.shape[2], 0, half - q.shape[1])) for q in quarters)
    top, bottom = torch.stack([a, b], -1).flatten(2), torch.stack([c, d], -1).flatten(2)
    return torch.stack([top, bottom], 2).flatten(1, 2)[:, :size, :size]
