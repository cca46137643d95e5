"""A chart for a live figure: axes, margins and sizes as everywhere in the book."""

from collections.abc import Sequence

import bqplot
import ipywidgets as widgets


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
