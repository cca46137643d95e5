"""One chapter built in its place, the others as text; an error that spoils its own page only."""

import shutil

import nbformat
import pytest
import yaml
from browser import ROOT, build

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
TEXT = "# Chapter {name}\n\nThe number is {{glue:text}}`n:.2f`."
GLUE = "from myst_nb import glue\nglue('n', {number}, display=False)\nprint({number} + 1)"
UNSEEN = "has not been run to its end"

pytestmark = pytest.mark.book


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A book of three notebooks with our settings; nothing is executed yet."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, folder / name)
    toc = {"format": "jb-book", "root": "book/a", "chapters": [{"file": "book/b"}]}
    toc["chapters"].append({"file": "book/c"})
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf8")
    write(folder, "a", GLUE.format(number=1.5))
    write(folder, "b", GLUE.format(number=2.5))
    write(folder, "c", GLUE.format(number=3.5), "raise ValueError('on purpose')")
    return folder


def write(folder, name, *sources):
    cells = [nbformat.v4.new_markdown_cell(TEXT.format(name=name))]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, folder / f"book/{name}.ipynb")


def shown(folder, name):
    return (folder / f"_build/html/book/{name}.html").read_text(encoding="utf8")


def test_one_page_then_all_then_a_mended_error(folder, monkeypatch):
    monkeypatch.setenv("DGM_PAGE", "book/b.ipynb")
    run = build(folder)
    assert run.returncode == 0, run.stdout
    assert "1 notebook(s) to execute" in run.stdout
    assert "2.50" in shown(folder, "b") and UNSEEN not in shown(folder, "b")
    assert "The number is …." in shown(folder, "a")
    assert UNSEEN in shown(folder, "a") and "make book PAGE=a" in shown(folder, "a")
    assert 'href="a.html"' in shown(folder, "b")  # in its place

    monkeypatch.setenv("DGM_PAGE", "")
    run = build(folder)
    assert run.returncode != 0
    assert "2 notebook(s) to execute" in run.stdout
    assert "FAILED  c, cell [2]" in run.stdout and "on purpose" in run.stdout
    assert run.stdout.count("on purpose") == run.stdout.count("FAILED") * 3  # told once
    assert "1.50" in shown(folder, "a") and UNSEEN not in shown(folder, "a")
    assert UNSEEN in shown(folder, "c")

    write(folder, "c", GLUE.format(number=3.5))
    run = build(folder)
    assert run.returncode == 0, run.stdout
    assert "1 notebook(s) to execute" in run.stdout
    assert "3.50" in shown(folder, "c") and UNSEEN not in shown(folder, "c")


def test_a_page_that_does_not_exist_is_told_with_those_that_do(folder, monkeypatch):
    monkeypatch.setenv("DGM_PAGE", "d")
    run = build(folder)
    assert run.returncode != 0
    assert "there is no page 'd'; there are: a, b, c" in run.stdout
