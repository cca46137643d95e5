"""Bring the chapters into the form that is committed: no outputs, one kernel, formatted code."""

import subprocess
import sys
from pathlib import Path

import nbformat

BOOK = Path(__file__).resolve().parents[1] / "book"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

paths = sorted(BOOK.rglob("*.ipynb"))
for path in paths:
    notebook = nbformat.read(path, 4)
    notebook.nbformat_minor = 5
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    _, notebook = nbformat.validator.normalize(notebook, version=4, version_minor=5)
    nbformat.write(notebook, path)
for command in (["check", "--fix"], ["format"]):
    subprocess.run([sys.executable, "-m", "ruff", *command, *map(str, paths)], check=True)
