"""Sphinx extension: takes the models of live figures out of the pages, into files beside them.

A page then holds its text and the small state of its widgets; what a figure computes with is
loaded when the text is there to read, and once for all pages that show the same model. The files
are classic scripts, because over file:// a page can load nothing else. What reads them is
`dgm_core/live/web/graph.js`.
"""

import hashlib
import json
from pathlib import Path

STATE = "application/vnd.jupyter.widget-state+json"
FOLDER = "_static/live"
LARGE = 20_000  # base64 digits; below this a request costs more than it saves


def move_models(app, pagename, templatename, context, doctree) -> None:
    """Move each large exported graph of the page's widget state to a file named by its content."""
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") != STATE:
            continue
        document = json.loads(attributes["body"])
        for widget in document["state"].values():
            for buffer in list(widget.get("buffers", [])):
                if buffer["path"] == ["_onnx"] and len(buffer["data"]) >= LARGE:
                    widget["state"]["_onnx_file"] = write(app.outdir, buffer["data"])
                    widget["buffers"].remove(buffer)
        attributes["body"] = json.dumps(document)


def write(outdir: str, data: str) -> str:
    """Write base64 text as a script under ``outdir``; return its name."""
    name = hashlib.sha256(data.encode()).hexdigest()[:16]
    path = Path(outdir, FOLDER, f"{name}.js")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'(globalThis.dgmModels ??= {{}})["{name}"] = "{data}";\n')
    return name


def setup(app):
    app.connect("html-page-context", move_models, priority=900)  # after myst-nb has put it there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
