"""What a live figure shows and what the reader touches, where ipywidgets has nothing.

A grid of pixels, a plane with a point to drag, a drawing pad, a button; a player and a cloud for a
model that trains. All of them are traits and a few lines of JavaScript; none computes anything.
"""

from collections.abc import Sequence

import anywidget
import numpy as np
import traitlets

from dgm_core.live.base import View, array_trait, module
from dgm_core.palette import DIGITS
from dgm_core.plotting import COLORS


class Pixels(View):
    """A grid of grey images, ink on paper: 0 is white, 1 is black.

    Args:
        rows, columns: how many images.
        height, width: pixels of each image.
        alt: what the picture shows, for readers who do not see it; ``Graph.drive`` may keep it up
            to date.
        title: a line above the picture.
        zoom: screen pixels a pixel, at most; narrow screens get fewer.

    Example:
        >>> pixels = Pixels(rows=2, columns=3, alt="six digits")
        >>> pixels.pixels.shape
        (6, 784)
    """

    _esm = module("pixels.js")
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
        super().__init__(alt=alt, title=title, _grid=[rows, columns, height, width], _zoom=zoom)
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
        ValueError: points and labels do not fit together, or a label is not from 0 to 9.

    Example:
        >>> plane = Plane(np.zeros((5, 2)), np.arange(5), alt="five codes")
        >>> plane.x, plane.y
        (0.0, 0.0)
    """

    _esm = module("plane.js")
    x = traitlets.CFloat(0.0).tag(sync=True)
    y = traitlets.CFloat(0.0).tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    _labels = traitlets.Bytes(b"").tag(sync=True)
    _colors = traitlets.List(list(DIGITS)).tag(sync=True)
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
        points, labels = np.asarray(points, np.float32), np.asarray(labels)
        if not np.isin(labels, np.arange(10)).all():
            raise ValueError("labels are integers from 0 to 9, a colour for each")
        labels = labels.astype(np.uint8)
        if points.ndim != 2 or points.shape != (len(labels), 2):
            raise ValueError(
                f"points must be (N, 2) and labels (N,), not {points.shape}, {labels.shape}"
            )
        super().__init__(alt=alt, _axes=[xlabel, ylabel, extent], _labels=labels.tobytes())
        self.add_traits(_points=array_trait(points))


class Pad(View):
    """A pad to draw a digit on, with mouse, finger or keys; trait ``pixels``, (784,) in [0, 1].

    What is drawn, trait ``ink``, is shifted so that its centre of mass is the centre, as MNIST's
    digits are.

    Args:
        examples: digits to load by a click, (N, 784) in [0, 1].
        names: what each example is, for its button's name.
        title: what stands above the pad.

    Raises:
        ValueError: no example, one of another size, or not a name for each.

    Example:
        >>> pad = Pad(np.zeros((2, 784)), names=["a three", "a four"])
        >>> pad.pixels.shape
        (784,)
    """

    _esm = module("pad.js")
    _names = traitlets.List().tag(sync=True)
    _title = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, examples: np.ndarray, names: Sequence[str], title: str = "Draw here"
    ) -> None:
        examples = np.asarray(examples, np.float32)
        if not len(names) or examples.size != 784 * len(names):
            raise ValueError(
                f"examples are {examples.shape} for {len(names)} names: give (N, 784) with a name "
                "for each, one or more"
            )
        examples = examples.reshape(len(names), 784)
        super().__init__(_names=[str(name) for name in names], _title=title)
        drawing = {name: array_trait(examples[0]) for name in ("ink", "pixels")}
        self.add_traits(**drawing, _examples=array_trait(examples))


class Button(View):
    """A button that counts its ``clicks``; link them to a graph's draws, ticks or resets.

    Example:
        >>> button = Button("Draw again")
        >>> button.clicks
        0
    """

    _esm = module("button.js")
    clicks = traitlets.Int(0).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)

    def __init__(self, description: str) -> None:
        super().__init__(description=description)


class Player(View):
    """Play, Pause, Step and Reset for a graph with state, with a kernel or without one.

    While it plays it advances the graph before every drawing of the screen, by as many steps as
    leave the page free to answer, and shows how many that makes a second. It rests while the
    figure is out of sight. When a number of the graph is not finite, or its output `alarm` is not
    0, it pauses and says so until a reset.

    Args:
        graph: a `live.Graph` with state.
        label: what is played, for the name of the group of buttons.
        alarm: name of a scalar output that is 0 as long as all is well; none by default.
        alarm_words: what it then says, after the number of steps.

    Raises:
        ValueError: the graph has no state, or no such output.

    Example:
        >>> import torch
        >>> from dgm_core.live import Graph
        >>> count = lambda by, total: {"total": total + by}
        >>> graph = Graph(count, {"by": 1.0}, state={"total": torch.tensor(0.0)})
        >>> player = Player(graph, label="Counting")
        >>> graph.ticks += 1  # as the player does
        >>> float(graph.outputs["total"])
        1.0
    """

    _esm = module("player.js")
    _graph = traitlets.Unicode().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _alarm = traitlets.List().tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)  # of all views of one page; no kernel hears it

    def __init__(
        self,
        graph: anywidget.AnyWidget,
        *,
        label: str = "Training",
        alarm: str = "",
        alarm_words: str = "a number is no longer finite. Change an input, then press Reset.",
    ) -> None:
        if not graph.is_stateful:
            raise ValueError("a graph without state has no steps to play")
        if alarm and alarm not in graph.outputs:
            raise ValueError(f"no output {alarm!r}; outputs are {', '.join(graph.outputs)}")
        reference = f"IPY_MODEL_{graph.model_id}"
        super().__init__(_graph=reference, _label=label, _alarm=[alarm, alarm_words])


class Cloud(View):
    """Data and generated points on a plane, over the field of a discriminator.

    Traits for `live.Graph.drive`: ``data`` and ``model``, (N, 2) each; ``field``, (size * size,),
    D(x) from the upper left corner row by row: towards the data's grey where it is above 1/2,
    towards the model's blue where it is below.

    Args:
        points: how many of either kind.
        size: points along either side of the field.
        extent: both axes run from -extent to extent.
        alt: what is shown, in words; ``Graph.drive`` may keep it up to date.
        names: what data, generated points and the field are called in the legend.

    Example:
        >>> cloud = Cloud(points=64, size=16, alt="data and samples")
        >>> cloud.data.shape, cloud.field.shape
        ((64, 2), (256,))
    """

    _esm = module("cloud.js")
    alt = traitlets.Unicode().tag(sync=True)
    _axes = traitlets.List().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _colors = traitlets.List([COLORS["data"], COLORS["model"]]).tag(sync=True)

    def __init__(
        self,
        points: int = 256,
        size: int = 32,
        *,
        alt: str,
        extent: float = 3.0,
        names: tuple[str, str, str] = ("data", "generated", "shade: what D takes it for"),
    ) -> None:
        super().__init__(alt=alt, _axes=["x₁", "x₂", extent, size], _names=list(names))
        cloud = np.zeros((points, 2))
        half = np.full(size * size, 0.5)
        self.add_traits(data=array_trait(cloud), model=array_trait(cloud), field=array_trait(half))
