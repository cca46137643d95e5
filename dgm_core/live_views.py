"""What a live figure shows and what the reader touches, where ipywidgets and bqplot have nothing.

A grid of pixels, a plane with a point to drag, a drawing pad, a button, a quiz; for training see
`live_training`. All of them are traits and a few lines of JavaScript; none computes anything.
"""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from IPython.display import display

WEB = Path(__file__).parent / "web"
CSS = (WEB / "live.css").read_text()


def array_trait(default: np.ndarray) -> traitlets.Any:
    """Return a synced trait that holds a float32 array of a fixed shape; bytes on the wire."""
    shape = np.shape(default)

    def to_json(value: np.ndarray, widget: object) -> memoryview:
        return memoryview(np.ascontiguousarray(value, np.float32).tobytes())

    def from_json(value: memoryview | bytes, widget: object) -> np.ndarray:
        return np.frombuffer(value, np.float32).reshape(shape)

    array = np.ascontiguousarray(default, np.float32)
    return traitlets.Any(array).tag(sync=True, to_json=to_json, from_json=from_json)


class View(anywidget.AnyWidget):
    """What all views have in common: their script, and which of its parts draws them."""

    _esm = (WEB / "views.js").read_text()
    _css = CSS
    _view = traitlets.Unicode().tag(sync=True)


class Pixels(View):
    """A grid of grey images, ink on paper: 0 is white, 1 is black.

    Args:
        rows, columns: how many images.
        height, width: pixels of each image.
        alt: what the picture shows, for readers who do not see it; ``Graph.drive`` may keep it up
            to date.
        title: a line above the picture.
        zoom: screen pixels a pixel, at most; narrow screens get fewer.
    """

    alt = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    _grid = traitlets.List().tag(sync=True)
    _zoom = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        rows: int = 1,
        columns: int = 1,
        height: int = 28,
        width: int = 28,
        *,
        alt: str,
        title: str = "",
        zoom: float = 6,
    ) -> None:
        super().__init__(
            _view="pixels", alt=alt, title=title, _grid=[rows, columns, height, width], _zoom=zoom
        )
        self.add_traits(pixels=array_trait(np.zeros((rows * columns, height * width))))


class Plane(View):
    """A plane with a point to drag by mouse, finger or arrow keys; its traits are ``x`` and ``y``.

    Args:
        points: background, (N, 2); drawn once.
        labels: class of each point, (N,) integers from 0 to 9; each class gets a colour and, at
            its centre, its digit.
        xlabel, ylabel: names of the axes.
        extent: both axes run from -extent to extent.
        alt: what the plane shows, in words.

    Raises:
        ValueError: points and labels do not fit together.
    """

    x = traitlets.CFloat(0.0).tag(sync=True)
    y = traitlets.CFloat(0.0).tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    _labels = traitlets.Bytes(b"").tag(sync=True)
    _axes = traitlets.List().tag(sync=True)

    def __init__(
        self,
        points: np.ndarray,
        labels: np.ndarray,
        *,
        alt: str,
        xlabel: str = "z₁",
        ylabel: str = "z₂",
        extent: float = 3.0,
    ) -> None:
        points, labels = np.asarray(points, np.float32), np.asarray(labels, np.uint8)
        if points.ndim != 2 or points.shape != (len(labels), 2):
            raise ValueError(
                f"points must be (N, 2) and labels (N,), not {points.shape}, {labels.shape}"
            )
        super().__init__(
            _view="plane", alt=alt, _axes=[xlabel, ylabel, extent], _labels=labels.tobytes()
        )
        self.add_traits(_points=array_trait(points))


class Pad(View):
    """A pad to draw a digit on, with mouse, finger or keys; trait ``pixels``, (784,) in [0, 1].

    What is drawn is shifted so that its centre of mass is the centre, as MNIST's digits are.

    Args:
        examples: digits to load by a click, (N, 784) in [0, 1].
        names: what each example is, for its button's name.
    """

    _names = traitlets.List().tag(sync=True)

    def __init__(self, examples: np.ndarray, names: Sequence[str]) -> None:
        examples = np.asarray(examples, np.float32).reshape(len(names), 784)
        super().__init__(_view="pad", _names=[str(name) for name in names])
        self.add_traits(pixels=array_trait(examples[0]), _examples=array_trait(examples))


class Button(View):
    """A button that counts its ``clicks``; link them to a graph's draws, ticks or resets."""

    clicks = traitlets.Int(0).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)

    def __init__(self, description: str) -> None:
        super().__init__(_view="button", description=description)


class Quiz(View):
    """Questions that check themselves; made by :func:`quiz`."""

    _question = traitlets.Dict().tag(sync=True)


def quiz(
    question: str,
    *,
    answer: int | float,
    why: str,
    choices: Sequence[str] | None = None,
    tolerance: float | None = None,
    unit: str = "",
) -> None:
    r"""Display a question that checks itself on the page, with no kernel.

    Texts may hold ``*emphasis*``, ```code``` and ``$math$``.

    Args:
        question: what is asked.
        answer: with ``choices``, the index of the right one; else the number.
        why: shown with the verdict; explains.
        choices: what to choose from.
        tolerance: without ``choices``, how far from ``answer`` is still right; in ``unit``.
        unit: what the number is measured in.

    Raises:
        ValueError: the answer is not one of the choices, or a number has no tolerance.
    """
    if choices is not None and not (isinstance(answer, int) and 0 <= answer < len(choices)):
        raise ValueError(
            f"answer is the index of a choice, 0 to {len(choices) - 1}, not {answer!r}"
        )
    if choices is None and not (tolerance is not None and tolerance > 0):
        raise ValueError("a numeric question needs a tolerance above 0")
    content = {"question": question, "answer": float(answer), "why": why, "unit": unit}
    content |= {"choices": list(choices or []), "tolerance": tolerance or 0}
    display(Quiz(_view="quiz", _question=content))
