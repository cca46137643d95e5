"""Every work that is cited is in the bibliography, and the other way round."""

import re

import nbformat
from browser import ROOT
from pybtex.database import parse_string

BIB = (ROOT / "book/references.bib").read_text(encoding="utf8")
KEYS = re.findall(r"^@\w+\{([^,\s]+),", BIB, re.MULTILINE)
PAGES = [*sorted((ROOT / "book").rglob("*.ipynb")), *sorted((ROOT / "book").rglob("*.md"))]


def words(path) -> str:
    """Return the text of a page, without its code."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf8")
    cells = nbformat.read(path, 4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def cited(text: str) -> set[str]:
    """Return the keys that a page cites, without the prefix that tells its labels from others'."""
    prefixes = re.findall(r"^:keyprefix: (\S+)$", text, re.MULTILINE)
    assert len(set(prefixes)) <= 1
    prefix = prefixes[0] if prefixes else ""
    lists = re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
    keys = {key.strip() for keys in lists for key in keys.split(",")}
    assert all(key.startswith(prefix) for key in keys), f"a key without the prefix {prefix}"
    return {key.removeprefix(prefix) for key in keys}


def test_every_entry_is_closed():
    """What Sphinx reads is every entry that the file begins, none swallowed by the one before."""
    begun = re.findall(r"^@\w+\{", BIB, re.MULTILINE)
    assert len(parse_string(BIB, "bibtex").entries) == len(begun)


def test_no_key_stands_twice():
    assert sorted(KEYS) == sorted(set(KEYS))


def test_every_work_is_cited_and_every_citation_is_a_work():
    everywhere = set().union(*(cited(words(path)) for path in PAGES))
    assert everywhere - set(KEYS) == set(), "cited, and not in book/references.bib"
    assert set(KEYS) - everywhere == set(), "in book/references.bib, and cited nowhere"


def test_a_page_that_cites_lists_its_references():
    for path in PAGES:
        text = words(path)
        assert not cited(text) or "```{bibliography}" in text, path.name


def test_a_work_can_be_found():
    for entry in re.split(r"^@", BIB, flags=re.MULTILINE)[1:]:
        fields = {name.lower() for name in re.findall(r"^\s*(\w+)\s*=", entry, re.MULTILINE)}
        assert {"author", "title", "year"} <= fields, entry[:60]
        places = {"doi", "url", "journal", "booktitle", "publisher", "institution"}
        assert fields & places, f"nowhere to look for it: {entry[:60]}"
