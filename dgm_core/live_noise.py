"""The random numbers that a live figure's function receives; it draws none itself."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """Random numbers that a graph receives: which law, what shape, and when they are renewed."""

    law: str
    shape: tuple[int, ...]
    redraw: str

    def __post_init__(self) -> None:
        if self.redraw not in ("run", "click"):
            raise ValueError(f'redraw is "run" or "click", not {self.redraw!r}')

    def draw(self) -> Tensor:
        """Return one draw, float32, of this noise's shape, on the CPU."""
        return (torch.randn if self.law == "normal" else torch.rand)(self.shape)


def normal(*shape: int, redraw: str = "run") -> Noise:
    """Standard normal noise of this shape, drawn again on every run, or only on ``"click"``.

    Raises:
        ValueError: ``redraw`` is neither "run" nor "click".
    """
    return Noise("normal", shape, redraw)


def uniform(*shape: int, redraw: str = "run") -> Noise:
    """Noise of this shape, uniform on [0, 1), drawn again on every run, or only on ``"click"``.

    Raises:
        ValueError: ``redraw`` is neither "run" nor "click".
    """
    return Noise("uniform", shape, redraw)
