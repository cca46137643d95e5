"""What the widgets of a live figure are made of: scripts and styles, and traits of arrays."""

import re
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from dgm_core import palette

WEB = Path(__file__).parent / "web"
CSS = palette.css() + (WEB / "live.css").read_text(encoding="utf8")

_NAMES = r"\{(?![^}]*\bas\b)[^}]*\}"
_IMPORT = re.compile(rf'^import {_NAMES} from "\./([\w-]+\.js)";\n+', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export (?!default\b)).*", re.MULTILINE)


def module(name: str) -> str:
    """Return a script of `live/web` as one module: what it imports first, each file once.

    A widget's script has no address, neither in a notebook nor on a page on disk, from which the
    browser could resolve ``import``. So the imports are carried out here, by putting the files one
    after the other; their top-level names must differ, and nothing has to be built.

    Args:
        name: of the file, such as ``"quiz.js"``.

    Raises:
        ValueError: a file imports in another way than ``import { names } from "./file.js";``.
    """
    parts: dict[str, str] = {}

    def add(name: str) -> None:
        text = (WEB / name).read_text(encoding="utf8")
        for needed in _IMPORT.findall(text):
            add(needed)
        text = _EXPORT.sub("", _IMPORT.sub("", text))
        if wrong := _OTHER.search(text):
            raise ValueError(
                f'{name} has {wrong.group()!r}: write import {{ names }} from "./file.js";, and '
                "export what is declared, where it is"
            )
        parts[name] = text

    add(name)
    return "\n".join(parts.values())


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
    """What all views have in common: their style. Each has a script of its own."""

    _css = CSS
