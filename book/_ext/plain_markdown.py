"""A page of the book as plain Markdown, which JupyterLab, Colab and Binder show; see elsewhere.py.

Words, numbers and references are those of the page, in the places of MyST's directives and roles.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

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
        solutions: those of these cells that belong to a solution, which the page folds.
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
        self.solutions: set[int] = set()
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
        elif element_of(node) == "cell_code":
            self.cell(node)
        elif text := self.block(node):
            self.pieces.append(text)
            for cell in code_cells(node):  # of a solution, whose text has the code as well
                self.solutions.add(cell["cell_index"])
                self.cell(cell)

    def cell(self, node) -> None:
        """Write a code cell, and what stands under the figures that it draws."""
        self.pieces.append(node["cell_index"])
        for figure in node.findall(nodes.figure):
            self.pieces += filter(None, [self.caption(figure)])

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
        if isinstance(node, SKIPPED) or element_of(node) == "cell_code_output":
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
            if "dropdown" in node["classes"]:
                return folded(self.inline(title.children), self.blocks(rest))
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
        if type(node).__name__ == "solution_node":
            return folded(title, self.blocks(rest))
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
            return f"${' '.join(self.math(node.astext()).split())}$"
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


def element_of(node) -> str:
    """Return which part of a notebook a node is, by MyST-NB's name for it; nothing for others."""
    return node.get("nb_element", "") if isinstance(node, nodes.container) else ""


def code_cells(node) -> Iterator[nodes.container]:
    """Yield the code cells in a node."""
    yield from node.findall(lambda part: element_of(part) == "cell_code")


def quoted(text: str) -> str:
    """Return a text as a quotation.

    Each formula in one line: JupyterLab would take the marks of further ones for part of it.
    """
    formula = r"\$\$.*?\$\$|\\begin\{(align|gather|equation)(\*?)\}.*?\\end\{\1\2\}"
    text = re.sub(formula, lambda match: one_line(match[0]), text, flags=re.DOTALL)
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def one_line(formula: str) -> str:
    """Return a formula without line ends, and without comments, which one would have ended."""
    return " ".join(re.sub(r"(?<!\\)%.*", "", formula).split())


def folded(title: str, text: str) -> str:
    """Return a text that opens at a click on its title, which is shown without markup."""
    words = html.escape(re.sub(r"[`*]", "", title), quote=False)
    return f"<details>\n<summary><b>{words}</b></summary>\n\n{text}\n\n</details>"


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
