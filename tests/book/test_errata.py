"""The corrections and the chapters' boxes of mistakes name each other, all of them."""

import re
from functools import cache

import nbformat
import pytest
from browser import ROOT, pages_of_the_book
from chapter_links import numbers

CHAPTERS = [(ROOT / page).with_suffix(".ipynb") for page in pages_of_the_book()]
CHAPTERS = sorted(path for path in CHAPTERS if path.exists())
BOX = re.compile(
    r"^[`:]{3,}\{admonition\} (?P<title>.+)\n:class: warning\n(?::name: (?P<name>\S+)\n)?",
    re.MULTILINE,
)
LINK = re.compile(r"\{ref\}`([^`<]+?) <([^`>]+)>`")


def words(path) -> str:
    """Return the text of a chapter, without its code."""
    cells = nbformat.read(path, 4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@cache
def boxes() -> dict[str, list[str]]:
    """Return the name of each box of a mistake, with the numbers of its chapter."""
    found = {}
    for path in CHAPTERS:
        text = words(path)
        title = re.search(r"^# (.+)$", text, re.MULTILINE)[1]
        for box in BOX.finditer(text):
            assert box["name"], f"{path.name}: the box {box['title']!r} needs a :name:"
            assert box["name"] not in found, f"{path.name}: {box['name']} names another box, too"
            found[box["name"]] = numbers(title) or [title.split(":")[0]]
    return found


def lines() -> list[str]:
    """Return the corrections, a line each."""
    text = (ROOT / "book/errata.md").read_text(encoding="utf8")
    return [line for line in text.splitlines() if line.startswith("- ")]


def test_every_box_is_listed():
    listed = {name for line in lines() for _, name in LINK.findall(line)}
    assert set(boxes()) - listed == set(), "add them to book/errata.md"


@pytest.mark.parametrize("line", lines(), ids=lambda line: line[2:40])
def test_a_correction_leads_to_its_box_in_its_chapter(line):
    links = LINK.findall(line)
    assert links, "no link to a box"
    for number, name in links:
        assert name in boxes(), f"no chapter has a box named {name}"
        assert number in boxes()[name], f"{name} stands in {boxes()[name]}, not in {number}"


def test_a_chapter_s_numbers_are_read_from_its_title():
    assert numbers("1.3 KL divergence") == ["1.3"]
    assert numbers("1.4, 1.5 The ELBO") == ["1.4", "1.5"]
    assert numbers("3.3 a, b Dequantization") == ["3.3a", "3.3b"]
    assert numbers("3.3a, b A density") == ["3.3a", "3.3b"]
    assert numbers("3.3ab Dequantization") == ["3.3a", "3.3b"]
    assert numbers("3.3 c Training a flow") == ["3.3c"]
    assert numbers("3.1 The change of variables for x^3") == ["3.1"]
    assert numbers("Notation") == []
