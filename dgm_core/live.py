"""Live figures: a PyTorch function that the reader drives, with a kernel or without one.

With a kernel, Python evaluates the function whenever an input changes. On a rendered page there is
no kernel: the browser evaluates the same function, exported when the graph was made. This module
is what a chapter imports: the graph, the views, and the layout of a figure.
"""

import html

import ipywidgets as widgets
from IPython.display import HTML, display

from dgm_core import live_still
from dgm_core.live_charts import chart
from dgm_core.live_export import ExportError
from dgm_core.live_graph import Graph
from dgm_core.live_noise import normal, uniform
from dgm_core.live_training import Cloud, Player
from dgm_core.live_views import Button, Pad, Pixels, Plane, quiz
from dgm_core.live_weights import eight_bits, half_precision

__all__ = [
    "Button",
    "Cloud",
    "ExportError",
    "Graph",
    "Pad",
    "Pixels",
    "Plane",
    "Player",
    "chart",
    "eight_bits",
    "figure",
    "half_precision",
    "normal",
    "quiz",
    "sliders",
    "uniform",
]


def sliders(graph: Graph, **ranges: tuple) -> widgets.VBox:
    """Return one labelled slider for each named input, linked in the browser.

    Args:
        ranges: by input, ``(label, minimum, maximum)`` or ``(label, minimum, maximum, step)``; the
            step is a two-hundredth of the range by default.

    Raises:
        ValueError: the graph has no such input.
    """
    rows = []
    for name, (label, low, high, *rest) in ranges.items():
        if name not in graph._input_names:
            raise ValueError(f"no input {name!r}; inputs are {', '.join(graph._input_names)}")
        step = rest[0] if rest else (high - low) / 200
        whole = float(low).is_integer() and float(step).is_integer()
        slider = widgets.FloatSlider(
            value=getattr(graph, name),
            min=low,
            max=high,
            step=step,
            description=label,
            readout_format=".0f" if whole else ".2f",
        )
        slider.style.description_width = "initial"
        slider.layout.width = "100%"
        widgets.jslink((slider, "value"), (graph, name))
        rows.append(slider)
    return widgets.VBox(rows, layout=widgets.Layout(width="100%", max_width="34em"))


def figure(box: widgets.Widget, caption: str, name: str) -> None:
    """Display a live figure with its caption, and a still picture where no script runs.

    Args:
        box: the widgets, the graph among them (it shows its state).
        caption: what the reader sees and should try; plain text.
        name: the anchor for links, such as ``fig-latent-plane``.
    """
    text = html.escape(caption, quote=False)
    picture = live_still.data_uri(box)
    still = (
        f'<img class="dgm-still" src="{picture}" alt="{html.escape(caption)}">' if picture else ""
    )
    box.add_class("dgm-figure")
    display(box)
    display(
        HTML(
            f'<div class="dgm-caption" id="{html.escape(name)}"><noscript>{still}</noscript>'
            f"<p>{text}</p></div>"
        )
    )
