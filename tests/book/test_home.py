"""A build where nothing can be written to the home directory: twice, and alike."""

import shutil

import nbformat
import pytest
from browser import ROOT, build

pytestmark = pytest.mark.book

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# matplotlib, and onnxruntime, which checks the export: each would complain on the page.
DRAW = """
import matplotlib.pyplot as plt
plt.plot([1, 2])
print("kept in", plt.matplotlib.get_cachedir())
"""
EXPORT = """
from dgm_core import live
print(len(live.Graph(lambda a: {"b": 2 * a}, {"a": 1.0})._onnx) > 0)
"""


@pytest.fixture
def folder(tmp_path):
    """A book of one notebook with our settings; nothing is built yet."""
    folder = tmp_path / "book"
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "_toc.yml").write_text("{format: jb-book, root: page}", encoding="utf8")
    return folder


def write(folder, text="# A page", *more):
    cells = [nbformat.v4.new_markdown_cell(text)]
    cells += [nbformat.v4.new_code_cell(source) for source in (DRAW, EXPORT, *more)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, folder / "page.ipynb")


@pytest.fixture
def no_home(folder, monkeypatch):
    """A home below a file, where nobody can write, not even root."""
    (folder / "file").touch()
    monkeypatch.setenv("HOME", str(folder / "file/home"))
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_no_home_is_needed_in_the_first_build_nor_in_the_second(folder, no_home):
    write(folder)
    for _ in range(2):
        run = build(folder)
        assert run.returncode == 0, run.stdout[-4000:]
        text = (folder / "_build/html/page.html").read_text("utf8")
        assert f"kept in {folder / '_build/matplotlib'}" in text and "True" in text
        assert 'class="output stderr' not in text
        write(folder, "# A page\n\nWith one more line.")


def test_a_page_with_stderr_fails_the_first_build_and_the_second(folder, no_home):
    write(folder, "# A page", "import sys\nprint('a complaint', file=sys.stderr)")
    for _ in range(2):
        run = build(folder)
        assert run.returncode != 0 and "stderr" in run.stdout
