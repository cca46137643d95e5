"""What the widgets of a live figure are made of: scripts and styles, and traits of arrays."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from dgm_core import palette

WEB = Path(__file__).parent / "web"
CSS = palette.css() + (WEB / "live.css").read_text()


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
