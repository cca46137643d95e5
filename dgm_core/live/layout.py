"""The layout of a live figure: its sliders, its readings, its caption and its still picture."""

import html
import math
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
from IPython.display import HTML, display

from dgm_core.live import shown, still
from dgm_core.live.graph import Graph
from dgm_core.live.views import Button

#: What a page of the book shows under the picture when a figure does not come (dgm.css).
INSTEAD = (
    "A still picture: something that the live figure needs has not come. Reload the page, allow "
    "its scripts, or run the chapter's notebook."
)


def sliders(graph: Graph, **ranges: tuple) -> widgets.VBox:
    """Return one labelled slider for each named input, linked in the browser.

    Args:
        ranges: by input, ``(label, minimum, maximum)`` or ``(label, minimum, maximum, step)``; the
            step is a two-hundredth of the range by default, and "log" in its place makes the
            slider logarithmic.

    Raises:
        ValueError: the graph has no such input, or one that is no number; a range that falls, has
            no end, is at or below 0 where it is logarithmic, or leaves the input's value out; a
            step that is not above 0.

    Example:
        >>> graph = Graph(lambda a: {"square": a**2}, {"a": 3.0})
        >>> (slider,) = sliders(graph, a=("a number", 0, 5)).children
        >>> slider.description, slider.value, slider.max
        ('a number', 3.0, 5.0)
    """
    rows = []
    for name, (label, low, high, *rest) in ranges.items():
        if name not in graph.input_names:
            raise ValueError(f"no input {name!r}; inputs are {', '.join(graph.input_names)}")
        if np.ndim(getattr(graph, name)):
            raise ValueError(f"input {name!r} is an array, and a slider moves one number")
        logarithmic = rest == ["log"]
        if not (-math.inf < low <= high < math.inf and (low > 0 or not logarithmic)):
            above = " above 0" if logarithmic else ""
            raise ValueError(f"{name!r} goes from {low} to {high}: put the lower end{above} first")
        slack = 1e-6 * (high - low)  # an input that came in float32
        if not low - slack <= getattr(graph, name) <= high + slack:
            raise ValueError(
                f"{name!r} goes from {low} to {high}, and the graph begins at "
                f"{getattr(graph, name):g}: begin within the range"
            )
        if rest and not logarithmic and not rest[0] > 0:
            raise ValueError(f"the step of {name!r} is {rest[0]}: give one above 0, or leave it")
        kind = widgets.FloatLogSlider if logarithmic else widgets.FloatSlider
        least, most = (math.log10(low), math.log10(high)) if logarithmic else (low, high)
        step = rest[0] if rest and not logarithmic else (most - least) / 200
        if logarithmic:
            digits = ".0f" if low >= 1 else ".3g"
        else:
            digits = _readout_format(low, high, step)
        slider = kind(
            value=getattr(graph, name),
            min=least,
            max=most,
            step=step,
            description=label,
            readout_format=digits,
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


def words(graph: Graph, text: str) -> widgets.HTML:
    """Return a line of words that the graph keeps up to date: the readings under a figure.

    Args:
        graph: whose outputs and inputs are shown.
        text: HTML with fields such as ``{kl:.3f}``, as for ``Graph.drive``.

    Raises:
        ValueError: an output does not exist, or a field is not understood.

    Example:
        >>> graph = Graph(lambda a: {"b": 2 * a}, {"a": 1.5})
        >>> words(graph, "twice {a:.1f} is {b:.2f}").value
        'twice 1.5 is 3.00'
    """
    line = widgets.HTML(layout=widgets.Layout(margin="0"))
    graph.drive(line, value=text)
    return line


def again(graph: Graph, description: str = "Draw again") -> Button:
    """Return a button that draws the "click" noise of the graph afresh.

    Args:
        graph: a graph with noise.
        description: what the button says.

    Example:
        >>> from dgm_core.live import normal
        >>> graph = Graph(lambda z: {"z": z}, {}, noise={"z": normal(3, redraw="click")})
        >>> before, button = graph.outputs["z"], again(graph)
        >>> graph.draws += 1  # as a click on the button does
        >>> bool((graph.outputs["z"] == before).any())
        False
    """
    button = Button(description)
    widgets.jslink((button, "clicks"), (graph, "draws"))
    return button


def figure(*parts: widgets.Widget | Sequence, caption: str, name: str) -> None:
    """Display a live figure with its caption, and a still picture where the figure does not come.

    When its cell is run again, the figure of the earlier run is closed, with all that only it has.

    Args:
        parts: from top to bottom: what is seen, what is moved, what is read, and the graph (it
            shows its state). A list of widgets is a row, and a list in a row is a column.
        caption: what the reader sees and should try; plain text.
        name: the anchor for links, such as ``fig-latent-plane``.

    Example:
        >>> graph = Graph(lambda a: {"square": a**2}, {"a": 3.0})
        >>> box = widgets.VBox([sliders(graph, a=("a number", 0, 5)), graph])
        >>> figure(box, caption="Move the slider.", name="fig-square")
        VBox(...)
        <IPython.core.display.HTML object>
    """
    rows = [part if isinstance(part, widgets.Widget) else _row(part) for part in parts]
    box = rows[0] if len(rows) == 1 else widgets.VBox(rows)
    text = html.escape(caption, quote=False)
    late = f'<div class="dgm-late">{INSTEAD}</div>'
    instead, before = late, still.markup(box)
    if before:  # above the figure, so that nothing moves when the one takes the other's place
        instead = ""
        display(HTML(f'<div class="dgm-instead" hidden>{before}{late}</div>'))
    elif picture := still.data_uri(box):
        instead = f'<img class="dgm-still" src="{picture}" alt="{html.escape(caption)}">{late}'
    if instead:
        instead = f'<div class="dgm-instead" hidden>{instead}</div>'
    box.add_class("dgm-figure")
    shown.replace(box, name)
    display(box)
    display(
        HTML(f'<div class="dgm-caption" id="{html.escape(name)}">{instead}<p>{text}</p></div>')
    )


def _row(parts: Sequence) -> widgets.HBox:
    column = widgets.Layout(flex="1 1 12em", min_width="0")
    return widgets.HBox(
        [p if isinstance(p, widgets.Widget) else widgets.VBox(p, layout=column) for p in parts]
    )
