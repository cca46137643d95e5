"""Sphinx extension: what is done to a page when it is whole, as its last reader before the writer.

Scripts of the theme that no page needs go (mends.WHOLE), live figures get their places (places),
still ones of several panels get rows for telephones (panels), and formulas are set (formulas).
"""

import html
import json
from pathlib import Path

import formulas
import live_files
import mends
import panels
import places
from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

VIEW = "vnd.jupyter.widget-view+json"


def listen(app) -> None:
    """Have each page come here between its template and its file."""
    if app.builder.format != "html":
        return
    render = app.builder.templates.render
    app.builder.templates.render = lambda name, context: finish(
        app, render(name, context), context
    )


def finish(app, page: str, context: dict) -> str:
    """Return a page as it is to be written."""
    source = f"{mends.installed('pydata-sphinx-theme')}, on the page {context.get('pagename')},"
    if "scripts/bootstrap.js" in page:  # a page of the theme, not a list of scripts or the like
        found = mends.WHOLE if 'id="search-results"' not in page else mends.WHOLE[:1]
        page = mends.apply(found, page, source)
    widgets = context.get("dgm_widgets", {})
    page = places.reserve(page, widgets)
    page = panels.split(page, {name: Path(path) for path, name in app.builder.images.items()})
    if app.dgm_setter:
        states = [widget["state"] for widget in widgets.values()]
        page = formulas.set_all(page, careful(app, context), formulas.of_widgets(states))
    return page


def careful(app, context: dict):
    """Return what sets a formula, or warns of one that it cannot read and leaves its TeX."""

    def put(tex: str, display: bool = False) -> str:
        try:
            return app.dgm_setter(tex, display)
        except ValueError as error:
            place = context.get("pagename")
            logger.warning("%s", error, location=place, type="book_assets", subtype="formula")
            return html.escape(tex)

    return put


def prepare(app, config) -> None:
    """Start what sets the formulas, where that is possible, and write their style."""
    root, app.dgm_setter = Path(app.confdir), None
    if formulas.possible(root):
        app.dgm_setter = formulas.Setter(root / "node_modules/mathjax", config.mathjax3_config)
        style = Path(app.outdir).parent / "assets/dgm-formulas.css"
        style.write_text(app.dgm_setter.style, encoding="utf8")
        app.add_css_file("dgm-formulas.css", priority=899)


def look_at_scripts(app, pagename, templatename, context, doctree) -> None:
    """Keep the state of a page's widgets for its last reader; leave MathJax out of the page."""
    scripts = []
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") == live_files.STATE:
            context["dgm_widgets"] = json.loads(attributes["body"])["state"]
        settings = (attributes.get("body") or "").startswith("window.MathJax")
        address = str(getattr(script, "filename", ""))
        if not (app.dgm_setter and (settings or app.config.mathjax_path in address)):
            scripts.append(script)
    context["script_files"] = scripts


def mark_text(app, doctree, docname) -> None:
    """Mark the sections without a live figure, on a page that has one, for dgm.css.

    Found by ``:has()`` there, they would have to be found anew at every move of a slider. A page
    without a figure is laid out once, and places on it that links lead to stay where they are.
    """
    if not any(VIEW in raw.astext() for raw in doctree.findall(nodes.raw)):
        return
    for top in doctree.children:
        for section in top.children if isinstance(top, nodes.section) else ():
            raw = section.findall(nodes.raw)
            if isinstance(section, nodes.section) and not any(VIEW in r.astext() for r in raw):
                section["classes"].append("dgm-text")


def end(app, exception) -> None:
    """End what sets the formulas."""
    if getattr(app, "dgm_setter", None):
        app.dgm_setter.close()


def setup(app):
    app.connect("config-inited", prepare, priority=900)  # after book_assets
    app.connect("builder-inited", listen)
    app.connect("doctree-resolved", mark_text)
    app.connect("html-page-context", look_at_scripts, priority=950)  # after live_files
    app.connect("build-finished", end)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
