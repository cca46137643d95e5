"""Run notebooks for elsewhere (book/_ext/elsewhere.py) under the kernel of this environment.

    python tools/run_elsewhere.py FOLDER_OR_NOTEBOOK ...

Their cells that install the package are left out: it is installed here. Needs no more than the
package, nbclient and ipykernel. Exits with 1 where a notebook fails.
"""

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.append(str(Path(__file__).resolve().parents[1] / "book/_ext"))

from kernel_sockets import own_sockets

HANGS = 3600  # seconds of a cell after which it is taken to hang
LATE = 600  # seconds of a kernel's start, likewise


def run(path: Path) -> None:
    """Run a notebook to its end, in an empty folder.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, 4)
    cells = [cell for cell in notebook.cells if not cell.source.startswith("%pip install")]
    notebook.cells = cells
    with tempfile.TemporaryDirectory() as folder, own_sockets() as config:
        NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=HANGS,
            startup_timeout=LATE,
            iopub_timeout=HANGS,
            resources={"metadata": {"path": folder}},
            config=config,
        ).execute()


def main(arguments: list[str]) -> int:
    """Run what is named; return how many notebooks failed."""
    paths = []
    for path in map(Path, arguments):
        paths += sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]
    if not paths:
        raise SystemExit("name notebooks, or a folder that holds some")
    failed = 0
    for path in paths:
        start = time.perf_counter()
        try:
            run(path)
            said = "done"
        except Exception as error:  # the others are to run all the same
            failed += 1
            said = f"FAILED\n{type(error).__name__}: {error}"
        print(f"{path}: {said}, {time.perf_counter() - start:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
