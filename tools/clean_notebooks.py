"""Bring the chapters into the form that is committed: no outputs, one kernel, formatted code.

With --check, only say which notebooks are not in that form, and fail. Paths are optional.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import nbformat

# Not nbstripout, which leaves the kernel of the machine that a notebook was saved on: a chapter
# would then ask for a kernel that others do not have. What else it takes out is two lines here.
BOOK = Path(__file__).resolve().parents[1] / "book"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def cleaned(path: Path) -> str:
    """Return the text of a notebook without outputs and counts, its metadata normalised."""
    notebook = nbformat.read(path, 4)
    notebook.nbformat_minor = 5
    aside = {"orphan": True} if notebook.metadata.get("orphan") else {}  # in no table of contents
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, **aside})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    _, notebook = nbformat.validator.normalize(notebook, version=4, version_minor=5)
    return nbformat.writes(notebook) + "\n"


def main() -> int:
    """Clean or check the notebooks; return the exit status, 1 where one is not clean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="all of book/ by default")
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()
    paths = options.paths or sorted(BOOK.rglob("*.ipynb"))
    if options.check:
        dirty = [path for path in paths if path.read_text(encoding="utf8") != cleaned(path)]
        for path in dirty:
            print(f"{path}: run make clean-notebooks")
        return int(bool(dirty))
    for path in paths:
        path.write_text(cleaned(path), encoding="utf8")
    for command in (["check", "--fix"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *map(str, paths)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
