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
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

FOLDER = "_notebooks"
BRANCH = "notebooks"
LANGUAGES = {"ipython3": "python", "ipython": "python", "none": "", "text": ""}
#: What a page shows and Markdown need not: they hold no text of their own.
SKIPPED = (
    nodes.comment, nodes.substitution_definition, nodes.target, nodes.raw, addnodes.index,
    addnodes.highlightlang, addnodes.toctree, nodes.meta, nodes.system_message,
)  # fmt: skip
#: What only groups; its parts speak for themselves.
BLOCKS = (nodes.document, nodes.compound, nodes.container, nodes.definition)
INLINE = (nodes.inline, nodes.generated, nodes.abbreviation)
#: Admonitions with a title of their own, by the name of their node: sphinx-proof, sphinx-exercise.
TITLED = re.compile(
    r"(?:proof|theorem|lemma|algorithm|definition|remark|conjecture|corollary|criterion|example|"
    r"property|observation|proposition|unenumerable|assumption|notation|exercise|"
    r"exercise_enumerable|solution)_node"
)


class Unknown(ExtensionError):
    """A node that has no Markdown here."""


class Markdown:
    """Writes a resolved doctree as Markdown, in pieces between code cells.

    Attributes:
        pieces: in the order of the page, texts, and the indices of code cells that are shown.
    """

    def __init__(self, env, docname: str, home: str, macros: dict):
        """Prepare for a page.

        Args:
            env: Sphinx's, which knows the numbers.
            docname: of the page.
            home: address of the site, with a final slash, or nothing; links lead there.
            macros: of MathJax, which a notebook elsewhere does not know.
        """
        self.env, self.docname, self.home, self.macros = env, docname, home, macros
        self.pieces: list[str | int] = []
        self.level = 0

    def write(self, doctree) -> list[str | int]:
        """Return the pieces of a page."""
        for child in doctree.children:
            self.top(child)
        return self.pieces

    def top(self, node) -> None:
        """Write a node that may hold code cells."""
        if isinstance(node, nodes.section):
            self.level += 1
            for child in node.children:
                self.top(child)
            self.level -= 1
        elif isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
            self.pieces.append(node["cell_index"])
            for figure in node.findall(nodes.figure):
                self.pieces += filter(None, [self.caption(figure)])
        elif text := self.block(node):
            self.pieces.append(text)

    def caption(self, figure) -> str:
        """Return what stands under a figure that a cell draws."""
        words = " ".join(self.inline(c.children) for c in figure.findall(nodes.caption))
        number = self.number("figure", figure)
        return f"*Fig. {number}*: {words}" if words and number else words

    # ---- Blocks ------------------------------------------------------------------------------

    def blocks(self, children) -> str:
        """Return blocks, one under the other."""
        return "\n\n".join(filter(None, map(self.block, children)))

    def block(self, node) -> str:
        """Return a block without code cells as Markdown.

        Raises:
            Unknown: it is of no kind that this class can write.
        """
        name = type(node).__name__
        if isinstance(node, SKIPPED):
            return ""
        if TITLED.fullmatch(name):
            return self.titled(node)
        if isinstance(node, nodes.title):
            return f"{'#' * max(self.level, 1)} {self.inline(node.children)}"
        if isinstance(node, (nodes.paragraph, nodes.rubric, nodes.caption)):
            return self.inline(node.children)
        if isinstance(node, nodes.math_block):
            return self.equation(node)
        if isinstance(node, nodes.literal_block):
            language = node.get("language", "").replace("default", "")
            return f"```{LANGUAGES.get(language, language)}\n{node.astext()}\n```"
        if isinstance(node, (nodes.bullet_list, nodes.enumerated_list)):
            return self.items(node)
        if isinstance(node, nodes.definition_list):
            return "\n\n".join(map(self.definition, node.children))
        if isinstance(node, nodes.block_quote):
            return quoted(self.blocks(node.children))
        if isinstance(node, nodes.Admonition):
            title, *rest = node.children
            if not isinstance(title, nodes.title):  # its kind is its title; a proof has neither
                if isinstance(node, nodes.admonition):
                    return quoted(self.blocks(node.children))
                title, rest = nodes.title("", name.title()), node.children
            return quoted(f"**{self.inline(title.children)}**\n\n{self.blocks(rest)}")
        if isinstance(node, nodes.table):
            return self.table(node)
        if isinstance(node, nodes.figure):
            return self.blocks(node.children)
        if isinstance(node, nodes.image):
            return self.image(node)
        if isinstance(node, nodes.transition):
            return "---"
        if isinstance(node, nodes.citation):
            label, *rest = node.children
            return f"- [{label.astext()}] {self.blocks(rest)}"
        if isinstance(node, nodes.section):  # below a block, as in a box
            return self.blocks(node.children)
        if isinstance(node, BLOCKS):
            return self.blocks(node.children)
        if isinstance(node, (nodes.TextElement, nodes.Text, nodes.Inline)):
            return self.inline([node])
        raise Unknown(
            f"{self.docname}: no Markdown is known for a {name}; see {Path(__file__).name}"
        )

    def titled(self, node) -> str:
        """Return a theorem, proof, exercise or solution, named and numbered as on the page."""
        kind, rest = node.get("realtype") or node.get("type") or "", list(node.children)
        title = ""
        if rest and isinstance(rest[0], nodes.title):
            title = self.inline(rest.pop(0).children).strip()
        counter = node.get("countertype")
        if counter and title.startswith(counter):  # sphinx-proof writes the name itself
            title = title.removeprefix(counter).strip()
        number = self.number(counter or kind, node)
        if kind and not title.lower().startswith((kind, "solution", "exercise")):
            title = f"{kind.title()} {number}{' ' if number and title else ''}{title}"
        elif type(node).__name__ == "proof_node":
            return self.blocks(rest)
        if not title:
            return self.blocks(rest)
        return quoted(f"**{title.strip()}**\n\n{self.blocks(rest)}")

    def number(self, kind: str, node) -> str:
        """Return the number of a node of a numbered kind, or nothing."""
        known = self.env.toc_fignumbers.get(self.docname, {}).get(kind, {})
        for name in node.get("ids", ()):
            if name in known:
                return ".".join(map(str, known[name]))
        return ""

    def equation(self, node) -> str:
        """Return a displayed formula with its number."""
        text = self.math(node.astext().strip())
        if node.get("number"):
            tag = rf"\tag{{{self.number('displaymath', node) or node['number']}}}"
            text = f"{text} {tag}"
        if text.startswith(r"\begin{") and re.match(
            r"\\begin\{(?:align|gather|equation)\*?\}", text
        ):
            return text
        return f"$$\n{text}\n$$"

    def items(self, node) -> str:
        """Return a list."""
        numbered, lines = isinstance(node, nodes.enumerated_list), []
        for count, item in enumerate(node.children, node.get("start", 1)):
            mark = f"{count}. " if numbered else "- "
            text = self.blocks(item.children)
            lines.append(mark + text.replace("\n", "\n" + " " * len(mark)))
        return "\n".join(lines)

    def definition(self, item) -> str:
        """Return an entry of a list of definitions."""
        term = ", ".join(self.inline(t.children) for t in item.findall(nodes.term))
        return f"**{term}**: " + self.blocks(
            [child for child in item.children if isinstance(child, nodes.definition)]
        )

    def table(self, node) -> str:
        """Return a table."""
        rows = []
        for row in node.findall(nodes.row):
            cells = [self.blocks(entry.children).replace("\n", " ") for entry in row.children]
            rows.append(
                "| "
                + " | ".join(
                    cell.replace("|", r"\|") if "$" not in cell else cell.replace("|", r"\vert ")
                    for cell in cells
                )
                + " |"
            )
        rule = "|" + " --- |" * len(next(node.findall(nodes.row)).children)
        return "\n".join([rows[0], rule, *rows[1:]])

    def image(self, node) -> str:
        """Return a picture of the site."""
        if not self.home:
            return f"*({node.get('alt', 'a picture, on the page')})*"
        return f"![{node.get('alt', '')}]({self.home}_images/{Path(node['uri']).name})"

    # ---- Within a line -----------------------------------------------------------------------

    def inline(self, children) -> str:
        """Return what stands in a line.

        Raises:
            Unknown: something in it is of no kind that this class can write.
        """
        return "".join(map(self.word, children))

    def word(self, node) -> str:
        """Return a node within a line as Markdown."""
        if isinstance(node, nodes.Text):
            return re.sub(r"(?<!\w)([*_])(?=\w)", r"\\\1", node.astext())
        if isinstance(node, SKIPPED):
            return ""
        if isinstance(node, nodes.math):
            return f"${self.math(node.astext())}$"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.strong):
            return f"**{self.inline(node.children)}**"
        if isinstance(node, (nodes.emphasis, nodes.title_reference)):
            return f"*{self.inline(node.children)}*"
        if isinstance(node, nodes.reference):
            return self.link(node)
        if isinstance(node, addnodes.number_reference):
            return self.link(node)
        if isinstance(node, nodes.image):
            return self.image(node)
        if isinstance(node, (*INLINE, nodes.label, nodes.problematic)):
            return self.inline(node.children)
        raise Unknown(
            f"{self.docname}: no Markdown is known for a {type(node).__name__} within a line; see "
            f"{Path(__file__).name}"
        )

    def link(self, node) -> str:
        """Return a link; one within the book leads home, or is mere words without a site."""
        words = self.inline(node.children)
        address = node.get("refuri") or ""
        if not address and node.get("refid"):
            address = f"#{node['refid']}"
        if re.match(r"[a-z]+:", address):
            return f"[{words}]({address})"
        if not self.home or not words:
            return words
        page, _, anchor = address.partition("#")
        here = Path(self.docname).parent
        parts: list[str] = []
        for part in (
            (here / page).as_posix().split("/") if page else f"{self.docname}.html".split("/")
        ):
            parts = parts[:-1] if part == ".." else [*parts, part]
        target = self.home + "/".join(parts) + (f"#{anchor}" if anchor else "")
        return f"[{words}]({target})"

    def math(self, text: str) -> str:
        """Return a formula with the book's macros replaced by what they stand for."""
        for _ in range(5):  # macros within macros
            before = text
            for name, meaning in self.macros.items():
                text = expanded(text, name, meaning)
            if text == before:
                break
        return text


def quoted(text: str) -> str:
    """Return a text as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def expanded(text: str, name: str, meaning: str | list) -> str:
    r"""Return a formula in which the macro ``\name`` is replaced by its meaning.

    Args:
        text: the formula.
        name: of the macro.
        meaning: its text, or its text with ``#1`` and so on, and how many arguments it has.
    """
    body, count = (meaning, 0) if isinstance(meaning, str) else meaning[:2]
    pattern = re.compile(rf"\\{name}(?![A-Za-z])")
    position = 0
    while match := pattern.search(text, position):
        end, arguments = match.end(), []
        for _ in range(count):
            argument, end = braced(text, end)
            arguments.append(argument)
        result = body
        for number, argument in enumerate(arguments, 1):
            result = result.replace(f"#{number}", argument)
        if count == 0 and end < len(text) and text[end].isalpha():
            result += " "
        text = text[: match.start()] + result + text[end:]
        position = match.start() + len(result)
    return text


def braced(text: str, start: int) -> tuple[str, int]:
    """Return the argument of a macro that begins at ``start``, and where it ends."""
    while text[start].isspace():
        start += 1
    if text[start] != "{":
        return text[start], start + 1
    depth = 0
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0) * (text[end - 1] != "\\")
        if depth == 0:
            return text[start + 1 : end], end + 1
    raise Unknown(f"a brace is never closed in {text!r}")


# ---- The notebook ---------------------------------------------------------------------------


def notebook(source, pieces: list[str | int], home: str, docname: str, install: str):
    """Return a chapter as a notebook for elsewhere, without outputs.

    Args:
        source: the chapter, as nbformat reads it.
        pieces: of its page, by `Markdown`; code that no page shows keeps its place before the
            next cell that one does.
        home: address of the site, with a final slash, or nothing.
        docname: of its page.
        install: what the first cell runs, or nothing.
    """
    cells = []
    code = [(k, cell) for k, cell in enumerate(source.cells) if cell.cell_type == "code"]
    opening = f"*[This chapter]({home}{docname}.html) is a page of a book, with live figures.*\n\n"
    opening = opening if home else ""
    opening += (
        "Each number in the text was computed when the page was made; yours may differ in the "
        "last digits."
    )
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
            cells.append(code_cell(code.pop(0)[1]))
    flush()
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # else drawn by chance: each build would differ
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def code_cell(cell):
    """Return a code cell, folded where the page hides it."""
    made = nbformat.v4.new_code_cell(cell.source)
    if {"hide-input", "remove-input", "remove-cell"} & set(cell.metadata.get("tags", [])):
        made.metadata["jupyter"] = {"source_hidden": True}
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
    pieces = Markdown(app.env, pagename, home, macros).write(doctree)
    source = nbformat.read(path, 4)
    install = install_line(app.config.html_theme_options)
    made = notebook(source, pieces, home, pagename, install)
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
