"""The still picture of a live figure, for readers without JavaScript: drawn from its widgets."""

import base64
import io

import bqplot
import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from dgm_core.live.views import Cloud, Pad, Pixels, Plane
from dgm_core.plotting import COLORS


def data_uri(box: widgets.Widget) -> str:
    """Return what the widgets in ``box`` show now as a PNG data URI, or "" when none draws.

    Pixels, planes, pads, clouds and bqplot figures (lines, scatters, bars) are drawn side by side.
    """
    parts = [w for w in _walk(box) if isinstance(w, tuple(_DRAW))]
    if not parts:
        return ""
    columns = min(3, len(parts))
    rows = -(-len(parts) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.4 * rows), layout="constrained")
    for k, widget in enumerate(parts):
        draw = next(draw for kind, draw in _DRAW.items() if isinstance(widget, kind))
        draw(widget, figure.add_subplot(rows, columns, k + 1))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _walk(widget: widgets.Widget) -> list[widgets.Widget]:
    children = getattr(widget, "children", ())
    return [widget, *(part for child in children for part in _walk(child))]


def _ink(ax: Axes, image: np.ndarray, title: str) -> None:
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=title)


def _pixels(widget: Pixels, ax: Axes) -> None:
    rows, columns, height, width = widget._grid
    tiles = widget.pixels.reshape(rows, columns, height, width)
    _ink(ax, tiles.swapaxes(1, 2).reshape(rows * height, columns * width), widget.title)


def _pad(widget: Pad, ax: Axes) -> None:
    _ink(ax, widget.pixels.reshape(28, 28), "Drawing")


def _plane(widget: Plane, ax: Axes) -> None:
    xlabel, ylabel, extent = widget._axes
    labels = np.frombuffer(widget._labels, np.uint8)
    ax.scatter(*widget._points.T, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5, s=2)
    ax.plot(widget.x, widget.y, "o", color=COLORS["posterior"], mec="white", ms=9)
    ax.set(xlim=(-extent, extent), ylim=(-extent, extent), xlabel=xlabel, ylabel=ylabel)
    ax.set_aspect("equal")


def _cloud(widget: Cloud, ax: Axes) -> None:
    xlabel, ylabel, extent, size = widget._axes
    limits = (-extent, extent)
    shades = LinearSegmentedColormap.from_list("field", [COLORS["model"], "white", COLORS["data"]])
    field = widget.field.reshape(size, size)
    options = {"cmap": shades, "vmin": 0, "vmax": 1, "alpha": 0.5}
    ax.imshow(field, extent=(*limits, *limits), **options)
    for points, kind, name in zip(
        (widget.data, widget.model), ("data", "model"), widget._names, strict=False
    ):
        ax.scatter(*points.T, s=8, color=COLORS[kind], label=name)
    ax.set(xlim=limits, ylim=limits, xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize="small")


def _bqplot(widget: bqplot.Figure, ax: Axes) -> None:
    for mark in widget.marks:
        color = mark.colors[0] if mark.colors else None
        label = mark.labels[0] if mark.labels else None
        if isinstance(mark, bqplot.Bars):
            height = np.asarray(mark.y) - mark.base
            ax.bar(np.asarray(mark.x), height, bottom=mark.base, color=color, label=label)
        elif isinstance(mark, bqplot.Scatter):
            ax.scatter(mark.x, mark.y, color=color, s=12, label=label)
        elif isinstance(mark, bqplot.Lines):
            ax.plot(mark.x, np.atleast_2d(mark.y).T, color=color, label=label)
    for axis in widget.axes:
        which = "y" if axis.orientation == "vertical" else "x"
        ax.set(**{f"{which}label": axis.label or ""})
        if isinstance(axis.scale, bqplot.LogScale):
            ax.set(**{f"{which}scale": "log"})
        low, high = getattr(axis.scale, "min", None), getattr(axis.scale, "max", None)
        ax.set(**{f"{which}lim": (low, high)})
    if any(mark.labels for mark in widget.marks):
        ax.legend(fontsize="small")
    ax.set_title(widget.title)


_DRAW = {Pixels: _pixels, Pad: _pad, Plane: _plane, Cloud: _cloud, bqplot.Figure: _bqplot}
