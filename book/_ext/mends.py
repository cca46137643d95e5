"""Replacements in text that others wrote: each must find what it replaces, or the build says so.

A version that no longer needs a mend, or that has put it into other words, is then found out by
the build and not by a reader.
"""

import re
from importlib.metadata import version
from typing import NamedTuple

from sphinx.util import logging

logger = logging.getLogger(__name__)


class Mend(NamedTuple):
    """What is replaced (a regular expression), by what, and why."""

    old: str
    new: str
    why: str


def apply(mends: list[Mend], text: str, source: str) -> str:
    """Return the text with each mend made; warn of one that found nothing to replace.

    Args:
        mends: what to replace.
        text: what others wrote.
        source: where it comes from, with its version, for the warning.
    """
    for mend in mends:
        text, count = re.subn(mend.old, mend.new, text)
        if not count:
            missed(mend, source)
    return text


def missed(mend: Mend, source: str) -> None:
    """Warn that a mend found nothing; Sphinx's -W makes an error of it."""
    logger.warning(
        "%s: %r is not there to be replaced. If the flaw is gone, take the mend out of "
        "book/_ext/mends.py, else write it anew: %s.",
        source, mend.old, mend.why, type="book_assets", subtype="mend",
    )  # fmt: skip


def installed(package: str) -> str:
    """Return the name of a Python package with its version."""
    return f"{package} {version(package)}"


#: By the npm or Python package whose file is mended as it is laid into the book.
MODULES = {
    "anywidget": [
        Mend(
            r"AbortSignal\.timeout\(2e3\)",
            "AbortSignal.timeout(6e4)",
            "it gives up on a widget after two seconds, which a slow telephone may well need",
        )
    ],
    "@jupyter-widgets/html-manager": [
        Mend(
            r'"complete"===document\.readyState\?e\.renderWidgets\(\)',
            '"loading"!==document.readyState?e.renderWidgets()',
            "it waits until the last image is there, and needs no more than the page's text",
        ),
        Mend(
            r"\$\{(\w+)\.origin\}\$\{\1\.pathname\}",
            r"${\1.href}",
            "over file:// an address's origin is the word null, and no font is found there",
        ),
        Mend(
            r"(\w+)=new\(\w+\(\)\),([\w$]+)=\1\.compile\(\w+\),([\w$]+)=\1\.compile\(\w+\);",
            r"\2=()=>!0,\3=()=>!0;",
            "it compiles a check of the page's own widgets, and a host's policy may forbid eval",
        ),
        Mend(
            r"(\w+)=new\(\w+\(\)\);\1\.compile\(\w+\),\1\.compile\(\w+\);",
            r"\1=0;",
            "a second part of it does the same and throws the result away",
        ),
    ],
}

#: What no page needs of the widgets' manager, above all widgets of ipywidgets 7 (packed.py).
BALLAST = [
    Mend(
        r'(?s)define\("@jupyter-widgets/base7".*?(?=define\("@jupyter-widgets/html-manager",)',
        "",
        "the widgets of ipywidgets 7 are no page's",
    ),
    Mend(
        r'__webpack_require__\("1\.2\.0"===[^?]{1,60}\?\d+:(\d+)\)',
        r"__webpack_require__(\1)",
        "the manager asks for the old base",
    ),
    Mend(
        r'"1\.5\.0"===[^?]{1,60}\?\(.{1,250}?n\(__webpack_require__\(\d+\)\)\):(?=\()',
        "",
        "the manager asks for the old controls",
    ),
    Mend(
        r',\{version:3,sources:\[.{0,9000}?\],names:\[\],mappings:"[^"]*",'
        r'sourcesContent:\[(?s:.*?)\],sourceRoot:""\}\]\)',
        "])",
        "each of its styles stands there once more, as a source map",
    ),
]

#: By the Python package that writes it into pages: a text that shows that it did, and its mend.
PAGES = {
    "docutils": (
        '<div class="citation"',
        Mend(
            'role="doc-biblioentry"',
            'role="listitem"',
            "the entries of a list of citations have a role that no list may hold",
        ),
    ),
    "sphinx-exercise": (
        '<section id="solution-content">',
        Mend(
            '<section id="solution-content">',
            "<section>",
            "the solutions that hold cells all have one name, and a link finds only the first",
        ),
    ),
    "myst-nb": (
        '<details class="admonition hide ',
        Mend(
            '<summary aria-label="Toggle hidden content">',
            "<summary>",
            "the name of folded code says less than the words that it hides",
        ),
    ),
}

#: What the theme writes into a page when it is whole (whole_page.py); the first on every page.
WHOLE = [
    Mend(
        r'<script defer src="[^"]*scripts/fontawesome\.js[^"]*"></script>',
        "",
        "it draws icons that a font draws too, and is 1.5 MB long",
    ),
    Mend(
        r'<script src="[^"]*(?:/searchtools|/language_data|searchindex)\.js"></script>',
        "",
        "every page loads the whole book's words, for a search on another page",
    ),
]

#: What the reference page mends, signature by signature (reference.py).
SIGNATURES = Mend(
    "<d[ld]>", "<span>", "Sphinx puts the lines of a long signature into a list without a term"
)
