"""Chapters are committed as text to compare: no outputs, one kernel, short cells."""

import json
import re
import subprocess
import sys

import nbformat
import pytest
from browser import ROOT, pages_aside

CHAPTERS = sorted((ROOT / "book").rglob("*.ipynb"))
ASIDE = [(ROOT / page).with_suffix(".ipynb") for page in pages_aside()]
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

pytestmark = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_no_outputs_and_no_counts(path):
    for cell in code_cells(path):
        assert cell.outputs == [] and cell.execution_count is None, "run: make clean-notebooks"


def test_metadata_is_normalised(path):
    notebook = nbformat.read(path, 4)
    aside = {"orphan": True} if path in ASIDE else {}
    assert notebook.metadata == {"kernelspec": KERNEL, **aside}, "run: make clean-notebooks"
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


def test_the_format_is_valid_and_ids_are_unique(path):
    raw = json.loads(path.read_text(encoding="utf8"))
    nbformat.validate(raw)
    ids = [cell["id"] for cell in raw["cells"]]
    assert len(set(ids)) == len(ids)


HIDDEN = {"hide-input", "hide-cell", "remove-cell", "remove-input"}


def tags(cell):
    return set(cell.metadata.get("tags", []))


def test_few_and_short_cells(path):
    cells = code_cells(path)
    assert 0 < len([cell for cell in cells if "remove-cell" not in tags(cell)]) <= 25
    for cell in cells:
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= (30 if HIDDEN & tags(cell) else 15), cell.source


def test_no_visible_line_is_wider_than_the_page(path):
    for cell in code_cells(path):
        if not HIDDEN & tags(cell):
            assert [line for line in cell.source.splitlines() if len(line) > 77] == []


def test_no_absolute_path(path):
    for cell in nbformat.read(path, 4).cells:
        assert not re.search(r"/(home|root|work|tmp|Users)/|[A-Z]:\\", cell.source)


@pytest.fixture(scope="module")
def complaints():
    """What ruff says of all chapters, a line each that names its chapter."""
    lines = []
    for command in (["check", "--output-format=concise"], ["format", "--check"]):
        words = [sys.executable, "-m", "ruff", *command, *map(str, CHAPTERS)]
        run = subprocess.run(words, text=True, capture_output=True, cwd=ROOT, encoding="utf8")
        said = [line for line in (run.stdout + run.stderr).splitlines() if ".ipynb" in line]
        assert said or run.returncode == 0, run.stdout + run.stderr  # ruff itself failed
        lines += said
    return lines


def test_ruff_is_content(path, complaints):
    name = path.relative_to(ROOT).as_posix()
    assert [line for line in complaints if name in line] == []
