"""Formulas, set while the book is built: a reader's browser neither loads nor runs MathJax.

The text then stands where it stays, with scripts and without. Where there is no npm, or no Node,
this module has nothing to do, and pages take MathJax along (`book_assets`, dgm-math.js).
"""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

#: What Sphinx and MyST write for a formula: in a sentence, displayed, an environment of its own.
INLINE = re.compile(r'(<span class="math[^>]*>)\\\((.*?)\\\)(</span>)', re.DOTALL)
DISPLAYED = re.compile(
    r'(<div class="math[^>]*>(?:\s*<span class="eqno">(?:(?!</span>).)*</span>)?)\s*'
    r"\\\[(.*?)\\\]\s*(</div>)",
    re.DOTALL,
)
ENVIRONMENT = re.compile(r'(<div class="amsmath math[^>]*>)(.*?)(</div>)', re.DOTALL)
GLYPH = re.compile(r'<path data-c="([0-9A-F]+)" d="([^"]+)"([^>]*)></path>')
IN_WORDS = re.compile(r"\$([^$]+)\$")


class Setter:
    """A process that sets formulas, for as long as a build wants some.

    Attributes:
        style: what the formulas need of a style sheet.
    """

    def __init__(self, mathjax: Path, settings: dict):
        """Start it; ``settings`` are those of MathJax on the pages."""
        script = Path(__file__).with_name("formulas.mjs")
        command = ["node", script, str(mathjax.resolve()), json.dumps(settings)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf8")
        self.style = self._answer()
        self._known: dict[tuple[str, bool], str] = {}

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("formulas.mjs ended without an answer")
        return json.loads(line)

    def __call__(self, tex: str, display: bool = False) -> str:
        """Return a formula as HTML.

        Raises:
            ValueError: MathJax cannot read it.
        """
        key = (tex.strip(), display)
        if key not in self._known:
            self._process.stdin.write(json.dumps([key]) + "\n")
            self._process.stdin.flush()
            answer = self._answer()
            if "error" in answer:
                raise ValueError(answer["error"])
            self._known[key] = answer[0]
        return self._known[key]

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def possible(root: Path) -> bool:
    """Tell whether there are MathJax and Node to set formulas with."""
    return (root / "node_modules/mathjax/es5/node-main.js").exists() and bool(shutil.which("node"))


def set_all(page: str, setter: Callable[..., str], in_widgets: set[str]) -> str:
    """Return a page with its formulas set, and those of its widgets beside it.

    Args:
        page: HTML of the whole page.
        setter: sets a formula.
        in_widgets: TeX of formulas that widgets show; scripts find them in ``#dgm-formulas``.
    """

    def put(display: bool):
        return lambda found: found[1] + setter(html.unescape(found[2]), display) + found[3]

    page = ENVIRONMENT.sub(put(True), page)
    page = DISPLAYED.sub(put(True), page)
    page = INLINE.sub(put(False), page)
    glyphs: dict[str, str] = {}

    def once(found: re.Match) -> str:
        name = glyphs.setdefault(found[2], f"g{len(glyphs)}")
        return f'<use href="#dgm-{name}"{found[3]}></use>'

    page = GLYPH.sub(once, page)
    rest = ""
    if in_widgets:
        ready = {tex: GLYPH.sub(once, setter(tex)) for tex in sorted(in_widgets)}
        text = json.dumps(ready).replace("</", r"<\/")
        rest = f'<script type="application/json" id="dgm-formulas">{text}</script>\n'
    if glyphs:
        paths = "".join(f'<path id="dgm-{name}" d="{d}"/>' for d, name in glyphs.items())
        rest += f'<svg style="display: none" aria-hidden="true"><defs>{paths}</defs></svg>\n'
    before, _, after = page.rpartition("</body>")
    return f"{before}{rest}</body>{after}" if rest else page


def of_widgets(states: list[dict]) -> set[str]:
    """Return the TeX between dollars in what widgets show."""
    found: set[str] = set()

    def look(value) -> None:
        if isinstance(value, str):
            found.update(IN_WORDS.findall(value))
        elif isinstance(value, dict | list):
            for part in value.values() if isinstance(value, dict) else value:
                look(part)

    for state in states:
        look({name: value for name, value in state.items() if name not in ("_esm", "_css")})
    return found
