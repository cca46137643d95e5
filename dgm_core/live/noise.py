"""The random numbers that a live figure's function receives; it draws none itself."""

from collections.abc import Mapping
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
        if self.redraw not in ("run", "click", "reset"):
            raise ValueError(f'redraw is "run", "click" or "reset", not {self.redraw!r}')
        if not all(isinstance(size, int) and size > 0 for size in self.shape):
            raise ValueError(f"the shape is {self.shape}: give sizes one by one, as in (256, 2)")

    def draw(self) -> Tensor:
        """Return one draw, float32, of this noise's shape, on the CPU."""
        law = torch.randn if self.law == "normal" else torch.rand
        return law(self.shape, dtype=torch.float32)  # whatever the notebook's default is


def normal(*shape: int, redraw: str = "run") -> Noise:
    """Standard normal noise of this shape, drawn again on every run, or by ``redraw``.

    Args:
        shape: of the noise.
        redraw: "run", "click" (only when the graph's ``draws`` count up) or "reset" (only when
            its state starts again).

    Raises:
        ValueError: ``redraw`` is none of these, or a size is no number above 0.

    Example:
        >>> normal(256, 2, redraw="click")
        Noise(law='normal', shape=(256, 2), redraw='click')
    """
    return Noise("normal", shape, redraw)


def uniform(*shape: int, redraw: str = "run") -> Noise:
    """Noise of this shape, uniform on [0, 1), drawn again on every run, or by ``redraw``.

    Args:
        shape: of the noise.
        redraw: "run", "click" or "reset", as for `normal`.

    Raises:
        ValueError: ``redraw`` is none of these, or a size is no number above 0.

    Example:
        >>> uniform(256).draw().shape
        torch.Size([256])
    """
    return Noise("uniform", shape, redraw)


def check_laws(laws: Mapping[str, Noise]) -> None:
    """Hold the noise of a graph to being laws.

    Args:
        laws: by the name of what is drawn.

    Raises:
        TypeError: one is none, but perhaps numbers that were drawn already.
    """
    for name, law in laws.items():
        if not isinstance(law, Noise):
            raise TypeError(
                f"noise {name!r} is a {type(law).__name__}: give its law, live.normal(...) or "
                "live.uniform(...), of which numbers are drawn"
            )
