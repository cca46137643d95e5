"""The layout of a live figure: its sliders, its charts, its caption and its still picture."""

import html
import math
from collections.abc import Sequence

import bqplot
import ipywidgets as widgets
from IPython.display import HTML, display

from dgm_core.live import still
from dgm_core.live.graph import Graph

#: What a page of the book shows under the picture when a figure does not come (dgm.css).
INSTEAD = (
    "A still picture: something that the live figure needs has not come. Reload the page, allow "
    "its scripts, or run the chapter's notebook."
)


def sliders(graph: Graph, **ranges: tuple) -> widgets.VBox:
    """Return one labelled slider for each named input, linked in the browser.

    Args:
        ranges: by input, ``(label, minimum, maximum)`` or ``(label, minimum, maximum, step)``; the
            step is a two-hundredth of the range by default.

    Raises:
        ValueError: the graph has no such input.

    Example:
        >>> graph = Graph(lambda a: {"square": a**2}, {"a": 3.0})
        >>> (slider,) = sliders(graph, a=("a number", 0, 5)).children
        >>> slider.description, slider.value, slider.max
        ('a number', 3.0, 5.0)
    """
    rows = []
    for name, (label, low, high, *rest) in ranges.items():
        if name not in graph._input_names:
            raise ValueError(f"no input {name!r}; inputs are {', '.join(graph._input_names)}")
        step = rest[0] if rest else (high - low) / 200
        slider = widgets.FloatSlider(
            value=getattr(graph, name),
            min=low,
            max=high,
            step=step,
            description=label,
            readout_format=_readout_format(low, high, step),
        )
        slider.style.description_width = "initial"
        slider.layout.width = "100%"
        widgets.jslink((slider, "value"), (graph, name))
        rows.append(slider)
    return widgets.VBox(rows, layout=widgets.Layout(width="100%", max_width="34em"))


def _readout_format(low: float | int, high: float | int, step: float | int) -> str:
    """Return the d3 format in which a slider's neighbouring values look different.

    Whole numbers have no decimals, others two or as many as the step needs; below a millionth they
    get an exponent. Of a slider that cannot move it is the format of its one value.
    """
    if float(low).is_integer() and float(step).is_integer():
        return ".0f"
    finest = abs(step) or max(abs(low), abs(high)) / 100 or 1
    decimals = math.ceil(-math.log10(finest) - 1e-9)
    if decimals <= 6:
        return f".{max(2, decimals)}f"
    largest = max(abs(low), abs(high), finest)
    return f".{math.ceil(math.log10(largest) - 1e-9) + decimals}e"


def figure(box: widgets.Widget, caption: str, name: str) -> None:
    """Display a live figure with its caption, and a still picture where the figure does not come.

    Args:
        box: the widgets, the graph among them (it shows its state).
        caption: what the reader sees and should try; plain text.
        name: the anchor for links, such as ``fig-latent-plane``.

    Example:
        >>> graph = Graph(lambda a: {"square": a**2}, {"a": 3.0})
        >>> box = widgets.VBox([sliders(graph, a=("a number", 0, 5)), graph])
        >>> figure(box, caption="Move the slider.", name="fig-square")
        VBox(...)
        <IPython.core.display.HTML object>
    """
    text = html.escape(caption, quote=False)
    instead = ""
    if picture := still.data_uri(box):
        instead = f'<img class="dgm-still" src="{picture}" alt="{html.escape(caption)}">'
    instead += f'<div class="dgm-late">{INSTEAD}</div>'
    box.add_class("dgm-figure")
    display(box)
    display(
        HTML(
            f'<div class="dgm-caption" id="{html.escape(name)}">'
            f'<div class="dgm-instead" hidden>{instead}</div><p>{text}</p></div>'
        )
    )


def chart(
    marks: Sequence[bqplot.Mark],
    xlabel: str,
    ylabel: str,
    *,
    xticks: Sequence[float | int] | None = None,
    yticks: Sequence[float | int] | None = None,
    tick_format: tuple[str, str] = ("~g", "~g"),
    left: int = 54,
    size: tuple[int, int] = (300, 270),
) -> bqplot.Figure:
    """Put marks that share their scales on labelled axes.

    It shrinks to a phone of 360 pixels, and stands beside others in an ``HBox``.

    Args:
        marks: drawn in this order; the scales "x" and "y" of the first are the axes'.
        xlabel: what the horizontal axis shows, with its unit.
        ylabel: what the vertical axis shows, with its unit.
        xticks: where the horizontal axis has numbers; bqplot chooses by default.
        yticks: where the vertical axis has numbers.
        tick_format: d3 formats of the two axes' numbers; "~g" writes them as short as they are.
        left: pixels for the numbers and the label of the vertical axis.
        size: largest width, and height, in pixels.

    Raises:
        ValueError: there are no marks.
    """
    if not marks:
        raise ValueError("a chart needs at least one mark")
    scales = marks[0].scales
    across = bqplot.Axis(scale=scales["x"], label=xlabel, tick_format=tick_format[0])
    up = bqplot.Axis(scale=scales["y"], label=ylabel, tick_format=tick_format[1])
    up.orientation, up.label_offset = "vertical", f"{left - 18}px"
    for axis, ticks in ((across, xticks), (up, yticks)):
        axis.grid_lines = "none"
        if ticks is not None:
            axis.tick_values = list(ticks)
    figure = bqplot.Figure(marks=list(marks), axes=[across, up], padding_x=0, padding_y=0)
    figure.fig_margin = {"top": 12, "bottom": 42, "left": left, "right": 14}
    width, height = size
    figure.layout = widgets.Layout(
        flex=f"1 1 {min(width, 200)}px", max_width=f"{width}px", height=f"{height}px"
    )
    return figure
