"""Sphinx extension: what is done to a page when it is whole, as its last reader before the writer.

Scripts of the theme that no page needs go (mends.WHOLE), and formulas are set (formulas).
"""

import json
from pathlib import Path

import formulas
import live_files
import mends
from docutils import nodes

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
    if app.dgm_setter:
        page = formulas.set_all(page, app.dgm_setter, context.get("dgm_formulas", set()))
    return page


def prepare(app, config) -> None:
    """Start what sets the formulas, where that is possible, and write their style."""
    root, app.dgm_setter = Path(app.confdir), None
    if formulas.possible(root):
        app.dgm_setter = formulas.Setter(root / "node_modules/mathjax", config.mathjax3_config)
        (Path(app.outdir).parent / "assets/dgm-formulas.css").write_text(app.dgm_setter.style)
        app.add_css_file("dgm-formulas.css", priority=899)


def without_mathjax(app, pagename, templatename, context, doctree) -> None:
    """Leave MathJax and its settings out of a page, and note which formulas its widgets show."""
    if not app.dgm_setter:
        return
    scripts = []
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") == live_files.STATE:
            widgets = json.loads(attributes["body"])["state"].values()
            context["dgm_formulas"] = formulas.of_widgets([w["state"] for w in widgets])
        ours = "MathJax" in (attributes.get("body") or "")[:20]
        if not ours and app.config.mathjax_path not in str(getattr(script, "filename", "")):
            scripts.append(script)
    context["script_files"] = scripts


def mark_text(app, doctree, docname) -> None:
    """Mark the sections without a live figure, for dgm.css.

    Found by ``:has()`` there, they would have to be found anew at every move of a slider.
    """
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
    app.connect("html-page-context", without_mathjax, priority=950)  # after live_files
    app.connect("build-finished", end)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
