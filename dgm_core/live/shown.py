"""What the cells of a notebook have shown, so that nothing of a cell's earlier run stays alive."""

import re
from collections.abc import Container, Iterable

from IPython import get_ipython
from ipywidgets import Widget
from ipywidgets.widgets import widget as registry
from ipywidgets.widgets.widget_link import Link

_REFERENCE = re.compile(r"IPY_MODEL_([\w-]+)")
#: By cell and name: in which run it was shown, and the widgets around all of it.
_shown: dict[tuple[str, str], tuple[object, list[Widget]]] = {}


def replace(widget: Widget, name: str) -> None:
    """Close what a widget replaces that is about to be shown.

    That is what the same cell showed when it ran before; where the front end does not tell which
    cell runs, what was shown under the same name. All that it consists of is closed with it, but
    for what is also part of something else that is shown.

    Args:
        widget: the box around a figure, or a widget of one part.
        name: by which it is known again.
    """
    cell, run = _place()
    old = [key for key, (when, _) in _shown.items() if key[0] == cell and when != run]
    old = [each for key in old if cell or key[1] == name for each in _shown.pop(key)[1]]
    _shown.setdefault((cell, name), (run, []))[1].append(widget)
    if old:
        kept = _parts((each for _, shown in _shown.values() for each in shown), driven=False)
        gone = _parts(old, besides=kept)
        for each in (*_links(gone), *gone.values()):
            each.close()


def _place() -> tuple[str, object]:
    """Return the id of the cell that runs, if it is known, and what tells this run from others."""
    shell = get_ipython()
    message = getattr(shell, "parent_header", None) or {}  # a terminal gets no messages
    cell = message.get("metadata", {}).get("cellId") or ""
    run = message.get("header", {}).get("msg_id") or getattr(shell, "execution_count", None)
    return cell, run


def _parts(
    shown: Iterable[Widget], *, besides: Container[str] = (), driven: bool = True
) -> dict[str, Widget]:
    """Return these widgets and those that they refer to, by the names that a page has for them.

    Args:
        shown: where to begin.
        besides: names of widgets that are left out, with what only they refer to.
        driven: whether a graph refers to what it drives, beside what it needs.
    """
    alive = _alive()
    found, waiting = {}, [each.model_id for each in shown]
    while waiting:
        name = waiting.pop()
        if name in found or name in besides or name not in alive:
            continue
        found[name] = widget = alive[name]
        state = widget.get_state([key for key in widget.keys if driven or key != "_targets"])
        state = [each for each in state.values() if not isinstance(each, bytes | memoryview)]
        waiting += _REFERENCE.findall(repr(state))
    return found


def _links(ends: Iterable[str]) -> list[Link]:
    """Return the links from or to widgets of these names; no widget knows its links."""
    links = [each for each in _alive().values() if isinstance(each, Link)]
    return [one for one in links if {one.source[0].model_id, one.target[0].model_id} & {*ends}]


def _alive() -> dict[str, Widget]:
    """Return all open widgets, by their names."""
    instances = vars(registry).get("_instances")  # ipywidgets 7 has them elsewhere
    return dict(Widget.widgets if instances is None else instances)
