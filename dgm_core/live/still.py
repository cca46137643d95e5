"""The still picture of a live figure, for readers without JavaScript: drawn from its widgets."""

import base64
import io

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from dgm_core.live.atlas import Atlas
from dgm_core.live.charts import Chart
from dgm_core.live.series import Series
from dgm_core.live.views import Cloud, Pad, Pixels, Plane
from dgm_core.palette import DIGITS
from dgm_core.plotting import COLORS


def data_uri(box: widgets.Widget) -> str:
    """Return what the widgets in ``box`` show now as a PNG data URI, or "" when none draws.

    Pixels, planes, pads, clouds and charts are drawn side by side.
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


def markup(box: widgets.Widget) -> str:
    """Return what an `Atlas` in ``box`` shows now, as HTML in its own place, or "" without one.

    Args:
        box: the widgets of a figure.
    """
    return "".join(widget.still() for widget in _walk(box) if isinstance(widget, Atlas))


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
    ax.scatter(*widget._points.T, c=[DIGITS[k % len(DIGITS)] for k in labels], s=2)
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


def _chart(widget: Chart, ax: Axes) -> None:
    options = widget._options
    for series in widget.series:
        _series(series, ax, options["categories"])
    for axis, low, high in (("x", widget.xmin, widget.xmax), ("y", widget.ymin, widget.ymax)):
        if options[f"{axis}log"]:
            ax.set(**{f"{axis}scale": "log"})
        ax.set(**{f"{axis}label": options[f"{axis}label"], f"{axis}lim": (low, high)})
    if options["categories"]:
        ax.set_xticks(range(len(options["categories"])), labels=options["categories"])
    if any(series._mark["label"] for series in widget.series):
        ax.legend(fontsize="small")
    if options["square"]:
        ax.set_box_aspect(1)
    ax.set_title(options["title"])


_LINES = {"solid": "-", "dashed": "--", "dotted": ":"}


def _series(series: Series, ax: Axes, categories: list[str]) -> None:
    spec = series._mark
    x, y, low = (np.atleast_1d(getattr(series, name, ())) for name in ("x", "y", "low"))
    style = {"color": COLORS[spec["role"]], "label": spec["label"] or None}
    kind = spec["kind"]
    if kind == "line":
        ax.plot(x, y, _LINES[spec["dash"]], linewidth=spec["width"], **style)
        if spec["fill"]:
            ax.fill_between(x, y, ax.get_ylim()[0], alpha=0.18, color=style["color"])
    elif kind == "level":
        rule = ax.axhline if y.size else ax.axvline
        rule(*(y if y.size else x), linestyle=_LINES[spec["dash"]], **style)
    elif kind == "band":
        ax.fill_between(x, low, y, alpha=0.18, linewidth=0, **style)
    elif kind == "bars":
        ax.bar(range(len(categories)), y - low, bottom=low, width=0.6, **style)
    elif kind == "dot":
        ax.plot(x, y, "o", fillstyle="none" if spec["hollow"] else "full", **style)
    elif "towards" in spec:
        ends = [COLORS[spec["role"]], COLORS[spec["towards"]]]
        shades = LinearSegmentedColormap.from_list("shade", ends)
        ax.scatter(x, y, c=series.shade, cmap=shades, vmin=0, vmax=1, s=12, label=style["label"])
    else:
        ax.scatter(x, y, s=12, **style)


_DRAW = {Pixels: _pixels, Pad: _pad, Plane: _plane, Cloud: _cloud, Chart: _chart}
