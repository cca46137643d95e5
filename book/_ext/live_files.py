"""Sphinx extension: takes what live figures carry out of the pages' widget state.

A page then holds its text and the small state of its widgets. What a figure computes with is a
file beside the pages, loaded when the text is there to read, and once for all pages that show the
same model.
The scripts of the widgets, which each of them brings along as a text, stand once on a page.
What reads all this, and by which names, says `dgm_core/live/web/README.md`.
"""

import base64
import hashlib
import json
from pathlib import Path

import packed
from sphinx.errors import ExtensionError

STATE = "application/vnd.jupyter.widget-state+json"
FOLDER = "_static/live"
LARGE = 20_000  # base64 digits; below this a request costs more than it saves


def lighten(app, pagename, templatename, context, doctree) -> None:
    """Move each large exported graph and each script out of the page's widget state."""
    scripts: dict[str, str] = {}
    wanted: dict[str, str] = {}  # by the page of its set-up script, from its very beginning
    for script in list(context.get("script_files", [])):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") != STATE:
            continue
        document = json.loads(attributes["body"])
        widgets = document["state"].values()
        for widget in widgets:
            move_models(widget, app.outdir)
        states = [widget["state"] for widget in widgets]
        if any("_spec" in state for state in states):
            models = dict.fromkeys(s["_onnx_file"] for s in states if "_onnx_file" in s)
            wanted = {"data-live": "true", "data-models": " ".join(models)}
        scripts |= share_scripts(states)
        # A text with an end tag in it must not end the script.
        attributes["body"] = json.dumps(document).replace("</", r"<\/")
    for script in context.get("script_files", []):
        if "dgm-setup.js" in str(getattr(script, "filename", "")):
            script.attributes.update(wanted)
    for name, text in scripts.items():
        if "</script" in text or "<!--" in text:
            raise ExtensionError(f"a widget's script on {pagename} holds what ends it in HTML")
        app.add_js_file(None, body=text, type="text/plain", id=f"dgm-script-{name}")


def move_models(widget: dict, outdir: str) -> None:
    """Move a large exported graph into a file named by its content."""
    for buffer in list(widget.get("buffers", [])):
        if buffer["path"] == ["_onnx"] and len(buffer["data"]) >= LARGE:
            widget["state"]["_onnx_file"] = write(outdir, buffer["data"])
            widget["buffers"].remove(buffer)


def share_scripts(states: list[dict]) -> dict[str, str]:
    """Put a reference in place of each widget's script; return the scripts by what is referred to.

    Of the styles, which anywidget adds to the page as they come, the first of a kind stays.
    """
    scripts, styles = {}, set()
    for state in states:
        if text := state.get("_esm"):
            name = digest(text)
            scripts[name] = text
            state["_esm"] = f'export default await globalThis.dgmScript("{name}");\n'
        if text := state.get("_css"):
            state["_css"] = "" if text in styles else text
            styles.add(text)
    return scripts


def digest(text: str) -> str:
    """Return a name for what holds this text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(outdir: str, data: str) -> str:
    """Write a model, given in base64, under ``outdir``; return its name."""
    name = digest(data)
    path = Path(outdir, FOLDER, f"{name}.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    packed.write(path, base64.b64decode(data))
    return name


def setup(app):
    app.connect("html-page-context", lighten, priority=900)  # after myst-nb has put it there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
