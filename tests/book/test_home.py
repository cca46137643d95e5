"""A build where the home directory can not be written to, and one that is done again."""

import shutil

import nbformat
import pytest
from browser import ROOT, build

pytestmark = pytest.mark.book

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
DRAW = """
import matplotlib, os
print("kept in", os.environ["MPLCONFIGDIR"], matplotlib.get_cachedir())
"""


@pytest.fixture
def folder(tmp_path):
    """A book of one notebook with our settings; nothing is built yet."""
    folder = tmp_path / "book"
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "_toc.yml").write_text("{format: jb-book, root: page}")
    return folder


def write(folder, text="# A page"):
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(DRAW)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, folder / "page.ipynb")


def test_no_home_is_needed_in_the_first_build_nor_in_the_second(folder, monkeypatch):
    (folder / "file").touch()  # within a file nobody can write, not even root
    monkeypatch.setenv("HOME", str(folder / "file/home"))
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    write(folder)
    for _ in range(2):
        run = build(folder)
        assert run.returncode == 0, run.stdout[-4000:]
        text = (folder / "_build/html/page.html").read_text("utf8")
        assert text.count(str(folder / "_build/matplotlib")) == 2
        assert "writable" not in text and "temporary" not in text
        write(folder, "# A page\n\nWith one more line.")


def test_the_second_of_two_builds_warns_of_what_the_first_has_warned_of(folder):
    write(folder, "# A page\n\n{ref}`nowhere`")
    for _ in range(2):
        run = build(folder)
        assert run.returncode != 0 and "nowhere" in run.stdout
    write(folder, "# A page")
    assert build(folder).returncode == 0
