"""Sphinx extension: each chapter as a notebook that runs anywhere, with plain Markdown.

A chapter's source holds MyST's directives and roles, which JupyterLab, Colab and Binder show as
they are typed. What is written here has the words, numbers and references of the page in their
place, the code of the source, a first cell that installs what it needs, and links home. The
download button leads to it. Colab opens notebooks from a branch on GitHub only, and Binder builds
one: so the workflow that publishes the pages also pushes this folder to the branch BRANCH, and
both buttons lead there.

A kind of text that nothing here can write is an error of the build, never a gap.
"""

import json
import re
from collections.abc import Collection
from pathlib import Path

import nbformat
from plain_markdown import Markdown

FOLDER = "_notebooks"
BRANCH = "notebooks"
TO_INSTALL = (
    "It needs the package `dgm_core`, which `pip install .` installs in a clone of the book's "
    "repository."
)
#: Tags of cells that the page folds or leaves out, with what stands over their code instead.
FOLDED = {
    "hide-input": "Folded on the page: setting up, or drawing",
    "hide-cell": "What the build checks",
    "remove-input": "Questions",
    "remove-cell": "Checks, and numbers for the text",
    "solution": "Code of the solution",
}


def notebook(
    source,
    pieces: list[str | int],
    home: str,
    docname: str,
    install: str,
    solutions: Collection[int] = (),
):
    """Return a chapter as a notebook for elsewhere, without outputs.

    Args:
        source: the chapter, as nbformat reads it.
        pieces: of its page, by `Markdown`; code that no page shows keeps its place before the
            next cell that one does.
        home: address of the site, with a final slash, or nothing.
        docname: of its page.
        install: what the first cell runs, or nothing.
        solutions: which cells of the source belong to solutions.
    """
    cells = []
    code = [(k, cell) for k, cell in enumerate(source.cells) if cell.cell_type == "code"]
    opening = f"*[This chapter]({home}{docname}.html) is a page of a book, with live figures.*\n\n"
    opening = opening if home else ""
    opening += (
        "Each number in the text was computed when the page was made; yours may differ in the "
        "last digits."
    )
    if not install:
        opening += "\n\n" + TO_INSTALL
    cells.append(nbformat.v4.new_markdown_cell(opening))
    if install:
        cells.append(nbformat.v4.new_code_cell(install))
    waiting: list[str] = []

    def flush():
        if waiting:
            cells.append(nbformat.v4.new_markdown_cell("\n\n".join(waiting)))
            waiting.clear()

    for piece in [*pieces, len(source.cells)]:
        if isinstance(piece, str):
            waiting.append(piece)
            continue
        flush()
        while code and code[0][0] <= piece:
            k, cell = code.pop(0)
            cells.append(code_cell(cell, {"solution"} if k in solutions else set()))
    flush()
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # else drawn by chance: each build would differ
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def code_cell(cell, tags: Collection[str]):
    """Return a code cell, folded where the page hides it; it may have ``tags`` beside its own."""
    tags = {*cell.metadata.get("tags", []), *tags}
    title = next((words for tag, words in FOLDED.items() if tag in tags), "")
    if not title:
        return nbformat.v4.new_code_cell(cell.source)
    made = nbformat.v4.new_code_cell(f"# @title {title}\n{cell.source}")
    made.metadata["jupyter"] = {"source_hidden": True}  # JupyterLab
    made.metadata["cellView"] = "form"  # Colab, which shows the title
    return made


def install_line(options: dict) -> str:
    """Return the cell that installs the package, or nothing where no repository is known."""
    repository = (options.get("repository_url") or "").rstrip("/")
    branch = options.get("repository_branch") or "main"
    return f"%pip install -q git+{repository}@{branch}" if repository else ""


def convert(app, pagename, templatename, context, doctree) -> None:
    """Write the notebook of a chapter, and have its buttons lead to it."""
    path = Path(app.env.doc2path(pagename)) if doctree is not None else Path()
    if path.suffix != ".ipynb":
        return
    home = app.config.html_baseurl
    macros = (app.config.mathjax3_config or {}).get("tex", {}).get("macros", {})
    writer = Markdown(app.env, pagename, home, macros)
    pieces = writer.write(doctree)
    source = nbformat.read(path, 4)
    install = install_line(app.config.html_theme_options)
    made = notebook(source, pieces, home, pagename, install, writer.solutions)
    target = Path(app.outdir, FOLDER, f"{pagename}.ipynb")
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    target.write_text(text, encoding="utf8")
    address = context["pathto"](f"{FOLDER}/{pagename}.ipynb", resource=True)
    redirect(context.get("header_buttons", []), address, app.config.html_theme_options)


def redirect(buttons: list[dict], address: str, options: dict) -> None:
    """Have the buttons of a page lead to its notebook for elsewhere, in place.

    Args:
        buttons: the theme's; groups hold more of them.
        address: of the notebook, from the page.
        options: the theme's.
    """
    branch = options.get("repository_branch") or "main"
    for button in buttons:
        redirect(button.get("buttons", []), address, options)
        url = button.get("url", "")
        if "/_sources/" in f"/{url}" and url.endswith(".ipynb"):
            button["url"] = address
        elif "colab.research.google.com" in url:
            button["url"] = url.replace(f"/blob/{branch}/", f"/blob/{BRANCH}/")
        elif re.search(r"/v2/gh/", url):
            button["url"] = url.replace(f"/{branch}?", f"/{BRANCH}?")


def setup(app):
    app.connect("html-page-context", convert, priority=950)  # after the theme's buttons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
