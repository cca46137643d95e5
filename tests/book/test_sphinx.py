"""The book without Jupyter Book's own command: its settings as Sphinx's, then sphinx-build."""

import os
import shutil
import subprocess
import sys

import pytest
from browser import ROOT

pytestmark = pytest.mark.book


def test_sphinx_builds_what_jupyter_book_has_configured(tmp_path):
    shutil.copytree(ROOT / "book/_ext", tmp_path / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "_toc.yml").write_text("{format: jb-book, root: page}", encoding="utf8")
    (tmp_path / "page.md").write_text(
        "# A page\n\n$$\\E[x]$$ (one)\n\nSee {eq}`one`.\n", encoding="utf8"
    )
    program = "from jupyter_book.cli.main import main; main()"
    for command in (
        ["-c", program, "config", "sphinx", "."],
        ["-m", "sphinx", "-W", "-q", ".", "_build/html"],
    ):
        run = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tmp_path / 'book/_ext'}"},
            capture_output=True,
            text=True,
            encoding="utf8",
        )
        assert run.returncode == 0, (run.stdout + run.stderr)[-3000:]
    text = (tmp_path / "_build/html/page.html").read_text("utf8")
    assert "Version " in text and "(1)" in text
