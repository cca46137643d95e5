"""The PDF of a book of two pages: contents, bookmarks, links, pictures, numbers, edition."""

import shutil
import subprocess
import sys

import edition
import make_pdf
import nbformat
import pytest
import yaml
from browser import ROOT, build
from pypdf import PdfReader

import dgm_core

pytestmark = [pytest.mark.book, pytest.mark.browser]

FIRST = r"""
# The first page

To {ref}`the second section <second-section>`, and [outside](https://example.org/).

$$\E[x] = 0$$ (first-equation)
"""
SECOND = """
# The second page

## A section before it

By {eq}`first-equation`.

(second-section)=
## The section that is meant

A text.
"""
FIGURE = """
import ipywidgets as widgets
from dgm_core import live
parts = [widgets.HTML("only on the page"), live.Pixels(alt="A square.")]
live.figure(widgets.VBox(parts), caption="A square.", name="f")
"""
FOLDED = "print(6 * 7)  # folded"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, browser, own_libraries):
    """The built book, and its PDF made."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "_toc.yml").write_text(
        "{format: jb-book, root: first, chapters: [{file: second}]}", encoding="utf8"
    )
    (folder / "first.md").write_text(FIRST, encoding="utf8")
    cells = [nbformat.v4.new_markdown_cell(SECOND), nbformat.v4.new_code_cell(FIGURE)]
    cells.append(nbformat.v4.new_code_cell(FOLDED))
    for cell, tag in zip(cells[1:], ("remove-input", "hide-input"), strict=True):
        cell.metadata["tags"] = [tag]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, folder / "second.ipynb")
    run = build(folder)
    assert run.returncode == 0, run.stdout[-4000:]
    before = (folder / "_build/html/first.html").read_text("utf8")
    assert 'class="dgm-pdf" hidden' in before
    command = [sys.executable, ROOT / "tools/make_pdf.py", folder]
    made = subprocess.run(command, capture_output=True, text=True, encoding="utf8")
    assert made.returncode == 0, made.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def pdf(folder):
    title = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))["title"]
    return PdfReader(folder / "_build/html" / edition.pdf_name(title))


def bookmarks(pdf, items=None, level=0):
    for item in pdf.outline if items is None else items:
        if isinstance(item, list):
            yield from bookmarks(pdf, item, level + 1)
        else:
            yield level, item.title, pdf.get_destination_page_number(item)


def links(pdf, number):
    """Yield where each link of a page leads: (page, points from below), or an address."""
    pages = [page.indirect_reference.idnum for page in pdf.pages]
    for reference in pdf.pages[number]["/Annots"]:
        link = reference.get_object()
        if "/Dest" in link:
            yield pages.index(link["/Dest"][0].idnum), link["/Dest"][3]
        else:
            yield link["/A"]["/URI"], None


def test_bookmarks_lead_to_pages_and_sections(pdf):
    assert list(bookmarks(pdf)) == [
        (0, "Contents", 0),
        (0, "The first page", 1),
        (0, "The second page", 2),
        (1, "A section before it", 2),
        (1, "The section that is meant", 2),
    ]


def test_the_contents_number_the_pages_and_lead_there(pdf):
    lines = pdf.pages[0].extract_text().splitlines()
    assert [line.split()[-1] for line in lines if "page" in line and "PDF" not in line] == [
        "2",
        "3",
    ]
    assert [page for page, _ in links(pdf, 0)][-2:] == [1, 2]


def test_links_between_pages_lead_within(pdf):
    (page, top), (outside, _) = links(pdf, 1)
    assert page == 2 and 0 < float(top) < 700  # below the page's title
    assert outside == "https://example.org/"
    assert [page for page, _ in links(pdf, 2)] == [1]


def test_a_figure_is_its_still_picture(pdf):
    assert len(pdf.pages[2].images) == 1
    text = pdf.pages[2].extract_text()
    assert "A square." in text and "only on the page" not in text


def test_folded_code_is_there_and_nothing_says_how_to_unfold_it(pdf):
    text = pdf.pages[2].extract_text()
    assert FOLDED in text and "42" in text
    assert "Details" not in text and "code cell" not in text


def test_letters_of_formulas_have_no_outline(pdf):
    drawn = pdf.pages[1].get_contents().get_data()
    assert drawn.split().count(b"f") > 3  # MathJax's letters are areas
    assert not {b"S", b"s", b"B", b"B*", b"b", b"b*"} & set(drawn.split())


def test_each_page_has_its_number_and_the_edition(pdf, folder):
    words = edition.edition(folder)
    assert words.startswith(f"Version {dgm_core.__version__}, ")
    assert words in pdf.pages[0].extract_text() and pdf.metadata.subject == words
    for number in (2, 3):
        text = pdf.pages[number - 1].extract_text()
        assert words in text and str(number) in text.split()


def test_the_title_page_offers_it_now_and_after_the_next_build(folder):
    for _ in range(2):
        text = (folder / "_build/html/first.html").read_text("utf8")
        assert text.count("The whole book as PDF") == 1
        (folder / "first.md").write_text(FIRST + "\nOne more line.\n", encoding="utf8")
        assert build(folder).returncode == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "not built: first.html. Run make book"),
        ('<script src="https://cdn.jsdelivr.net/npm/a.js"></script>', "from a CDN: run npm ci"),
    ],
)
def test_what_cannot_be_printed_is_said_in_words(tmp_path, text, words):
    (tmp_path / "_toc.yml").write_text("{format: jb-book, root: first}", encoding="utf8")
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_build/html").mkdir(parents=True)
    if text:
        (tmp_path / "_build/html/first.html").write_text(text, encoding="utf8")
    with pytest.raises(FileNotFoundError, match=words):
        make_pdf.make_pdf(tmp_path)
