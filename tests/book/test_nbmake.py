"""``pytest --nbmake`` runs each notebook as a test, one after another or side by side."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from browser import ROOT

pytestmark = pytest.mark.book
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELLS = {"a": "print(1 + 1)", "b": "print(2 + 2)", "c": "raise ValueError('on purpose')"}


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "side by side"])
def test_an_error_fails_its_notebook_and_the_others_pass_and_are_kept(tmp_path, options):
    shutil.copytree(ROOT / "book/_ext", tmp_path / "book/_ext")
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['notebook_hooks']", encoding="utf8")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = book/_ext", encoding="utf8")
    for name, source in CELLS.items():
        cells = [nbformat.v4.new_code_cell(source)]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, tmp_path / f"book/{name}.ipynb")

    def run(*names):
        files = [f"book/{name}.ipynb" for name in names]
        command = [sys.executable, "-m", "pytest", "--nbmake", *options, *files]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, encoding="utf8"
        )
        return done.stdout + done.stderr

    told = run("a", "b", "c")
    assert re.search(r"\b1 failed, 2 passed\b", told), told
    assert "on purpose" in told
    bundles = list((tmp_path / "_build/.jupyter_cache").rglob("base.ipynb"))
    assert len(bundles) == 2  # the page build will read them
    stamps = [path.stat().st_mtime_ns for path in bundles]
    assert re.search(r"\b2 passed\b", run("a", "b"))
    assert [path.stat().st_mtime_ns for path in bundles] == stamps  # read, not executed again
