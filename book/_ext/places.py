"""The place of a live figure on a page: as high as the figure will be, with its picture in it.

A figure is drawn by scripts, after the text around it. Its height follows from the state of its
widgets, so that the text below stands where it stays from the beginning; dgm.css lets the picture
go when the figure is ready. What is not known here (a new kind of view) has no place reserved.
"""

import functools
import html
import importlib.util
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

#: Of a figure on a page, and on telephones: its width, the gap between neighbours in a row, the
#: height of a chart's plot. All in pixels, as live.css and the scripts of the views have them.
WIDTHS = (688, 24, 172), (358, 16, 140), (328, 16, 140)
GAP = 12  # between the rows of a row that wraps
ROW = 32  # a slider
LINE, LETTER = 19.5, 7.0  # a line of words; a letter on average
GRAPH = 22  # what a graph says of itself
CHART, TITLE = 28 + 36 + 8, 23  # around a plot, and above it
PLANE, CLOUD, LEGEND = 352, 347, 23  # a square with its axes; a row of names
FIGURE = re.compile(
    r'(<script type="application/vnd\.jupyter\.widget-view\+json">\s*(\{[^<]*\})\s*</script>)'
    r'(\s*<div class="output text_html">\s*<div class="dgm-caption"[^>]*>\s*)'
    r'(<div class="dgm-instead" hidden>.*?</div></div>)',
    re.DOTALL,
)


@dataclass
class Box:
    """Width and height that a widget would like, and its share of the room that a row leaves."""

    width: float
    height: float
    share: float = 0


@functools.cache
def font() -> ImageFont.FreeTypeFont:
    """Return a font of the size of words under figures; few are as wide as this one.

    It comes with matplotlib, whose import would look for a home directory.
    """
    (folder,) = importlib.util.find_spec("matplotlib").submodule_search_locations
    return ImageFont.truetype(Path(folder, "mpl-data/fonts/ttf/DejaVuSans.ttf"), 13)


def wrapped(text: str, room: float) -> int:
    """Return the lines that a text takes in so much room, at least one."""
    lines, width = 1, 0.0
    for word in text.split():
        long = font().getlength(f"{word} ")
        if width and width + font().getlength(word) > room:
            lines, width = lines + 1, 0.0
        width += long
    return lines


class Unknown(Exception):
    """There is a widget of whose height this module knows nothing."""


class Measure:
    """Measures the widgets of one page for one width of it."""

    def __init__(self, widgets: dict, page: tuple[int, int, int]):
        """Take the state of a page's widgets, by their names."""
        self.widgets, (self.width, self.gap, self.plot) = widgets, page

    def __call__(self, name: str, room: float) -> Box:
        """Return the box of a widget in so much room."""
        widget = self.widgets[name.removeprefix("IPY_MODEL_")]
        state = widget["state"]
        kind = widget["model_name"].removesuffix("Model")
        if kind == "Any":
            kind = state.get("_anywidget_id", "").rpartition(".")[2]
        measure = getattr(self, f"_{kind.lower()}", None)
        if measure is None:
            raise Unknown(kind)
        box = measure(state, room)
        layout = self.widgets[state["layout"].removeprefix("IPY_MODEL_")]["state"]
        if layout.get("display") == "none":
            return Box(0, 0)
        if flex := re.match(r"([\d.]+) \d+ ([\d.]+)(px|em)$", layout.get("flex") or ""):
            basis = float(flex[2]) * (16 if flex[3] == "em" else 1)
            return Box(basis, box.height, float(flex[1]))
        return box

    def _vbox(self, state: dict, room: float) -> Box:
        boxes = [self(child, room) for child in state["children"]]
        spare = GRAPH * max(0, sum(box.height == GRAPH for box in boxes) - 1)  # one speaks for all
        width = max((box.width for box in boxes), default=0)
        return Box(width, sum(box.height for box in boxes) - spare)

    def _hbox(self, state: dict, room: float) -> Box:
        rows: list[list[tuple[str, Box]]] = []
        for child in state["children"]:
            box = self(child, room)
            used = sum(each.width + self.gap for _, each in rows[-1]) if rows else math.inf
            if used + box.width > room:
                rows.append([])
            rows[-1].append((child, box))
        height = GAP * (len(rows) - 1)
        for row in rows:
            left = room - sum(box.width for _, box in row) - self.gap * (len(row) - 1)
            shares = max(1, sum(box.share for _, box in row))
            widths = [box.width + left * box.share / shares for _, box in row]
            height += max(
                self(child, width if box.share else room).height
                for (child, box), width in zip(row, widths, strict=True)
            )
        return Box(room, height)

    def _floatslider(self, state: dict, room: float) -> Box:
        return Box(min(room, 544), ROW)

    _floatlogslider = _intslider = _floatslider

    def _html(self, state: dict, room: float) -> Box:
        lines = re.split(r"<br ?/?>|</p>\s*<p>", state["value"])
        texts = [html.unescape(re.sub("<[^>]+>", "", line)) for line in lines]
        return Box(room, LINE * sum(wrapped(text, room) for text in texts))

    def _graph(self, state: dict, room: float) -> Box:
        return Box(room, GRAPH)

    def _chart(self, state: dict, room: float) -> Box:
        options = state["_options"]
        plot = min(300, room - 60) if options["square"] else self.plot
        return Box(room, plot + CHART + (TITLE if options["title"] else 0))

    def _pixels(self, state: dict, room: float) -> Box:
        rows, columns, height, width = state["_grid"]
        scale = min(1, room / (columns * width * state["_zoom"]))
        wide = columns * width * state["_zoom"] * scale
        lines = math.ceil(len(state["title"]) * LETTER / wide)
        title = TITLE + 1.5 + LINE * (lines - 1) if lines else 0
        return Box(wide, rows * height * state["_zoom"] * scale + 6 + title)

    def _plane(self, state: dict, room: float) -> Box:
        return Box(min(room, PLANE), min(room, PLANE))

    def _cloud(self, state: dict, room: float) -> Box:
        names = sum(len(name) * LETTER + 29 for name in state["_names"])
        rows = math.ceil(names / PLANE)
        return Box(min(room, PLANE), CLOUD * min(1, room / PLANE) + LEGEND * rows)

    def _pad(self, state: dict, room: float) -> Box:
        buttons = 69 + 46.4 * len(state["_names"])  # "Clear", and an example each; in two rows
        return Box(max(280, buttons), 359 if room >= buttons else 406)  # where they have no room

    def _button(self, state: dict, room: float) -> Box:
        return Box(120, 36)

    def _player(self, state: dict, room: float) -> Box:
        return Box(room, 66 if room > 480 else 96)

    def _radiobuttons(self, state: dict, room: float) -> Box:
        return Box(300, 8 + 38 * len(state["_options_labels"]))

    def _togglebuttons(self, state: dict, room: float) -> Box:
        style = self.widgets.get(state.get("style", "").removeprefix("IPY_MODEL_"), {})
        given = re.fullmatch(r"([\d.]+)em", style.get("state", {}).get("button_width") or "")
        width = 4 + (13 * float(given[1]) if given else 148)  # of ipywidgets, in its letters
        in_a_row = max(1, math.floor(room / width))
        return Box(room, ROW * math.ceil(len(state["_options_labels"]) / in_a_row))


def heights(widgets: dict, name: str) -> list[int] | None:
    """Return the height of a figure for each of `WIDTHS`, in pixels, or None.

    Args:
        widgets: the state of the page's widgets, by name.
        name: of the figure's box.
    """
    try:
        found = [Measure(widgets, page)(name, page[0]).height for page in WIDTHS]
    except (Unknown, KeyError, TypeError):
        return None
    return [math.ceil(height) for height in found]


def reserve(page: str, widgets: dict) -> str:
    """Return a page on which each figure has its place, with its picture in it.

    Args:
        page: HTML of the whole page.
        widgets: the state of its widgets, by name.
    """

    def put(found: re.Match) -> str:
        view, data, caption, instead = found.groups()
        size = heights(widgets, json.loads(data)["model_id"])
        if size is None:
            return found[0]
        names = ("wide", "narrow", "narrowest")
        style = "; ".join(f"--dgm-{n}: {s}px" for n, s in zip(names, size, strict=True))
        return f'<div class="dgm-place" style="{style}">{view}{instead}</div>{caption}'

    return FIGURE.sub(put, page)
