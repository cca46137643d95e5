"""Executed notebooks: one cache for tests and pages, thrown away when the code has changed.

jupyter-cache itself looks only at a notebook's cells; the folder's name here adds what they call:
dgm_core and the libraries whose output ends up in a page. What runs is notebook_run's business.
"""

import hashlib
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
from filelock import FileLock
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, CacheBundleOut
from jupyter_client.jsonutil import parse_date
from nbformat.reader import NotJSONError

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "torch", "numpy", "matplotlib", "ipywidgets", "anywidget", "onnx", "onnxscript"
)  # fmt: skip


def fingerprint(package: Path = ROOT / "dgm_core") -> str:
    """Return 16 hex digits that change with any file of ``package`` or version of LIBRARIES.

    A README is no such file: nothing computes with it.
    """
    digest = hashlib.sha256(sys.version.encode())
    for name in LIBRARIES:
        digest.update(f"{name}=={version(name)};".encode())
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix != ".md" and "__pycache__" not in path.parts:
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(build: Path = ROOT / "_build") -> Path:
    """Return the cache of the present code under ``build``, and remove those of any other.

    Its tables are there when this returns. jupyter-cache makes them on first use, and two
    processes that did so at once would trip over each other.
    """
    caches = build / ".jupyter_cache"
    folder = caches / fingerprint()
    for other in caches.glob("*"):
        if other != folder and other.is_dir():
            shutil.rmtree(other, ignore_errors=True)  # another process may be removing it, too
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder):
        try:
            get_cache(folder).list_cache_records()
        except RuntimeError:  # tables that an interruption left half-made
            (folder / "global.db").unlink()
            get_cache(folder).list_cache_records()
    return folder


def writing(folder: Path) -> FileLock:
    """Return the lock that whoever changes the cache in ``folder`` holds."""
    return FileLock(folder / "writing.lock")


def running(folder: Path, path: Path) -> FileLock:
    """Return the lock that whoever executes the notebook at ``path`` holds."""
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return FileLock(folder / f"running-{name}.lock")


def kept(folder: Path, path: Path) -> CacheBundleOut | None:
    """Return the notebook at ``path`` as it was executed (``.nb``), or None if it has not been.

    ``.record.data`` holds the ``execution_seconds``. What an interruption left half-written
    counts as not executed.
    """
    with writing(folder):
        cache = get_cache(folder)
        try:
            record = cache.match_cache_notebook(nbformat.read(path, 4))
            return cache.get_cache_bundle(record.pk)
        except (KeyError, NotJSONError):
            return None


def keep(folder: Path, path: Path, notebook, seconds: float, threads: int | None = None) -> None:
    """Put a notebook that has been executed without an error into the cache in ``folder``.

    With how many ``threads`` is part of what makes its numbers: sums are added up in that order.
    """
    # Timings leave the cells, where jupyter-cache would hash them.
    times = [cell_seconds(cell.metadata.pop("execution", {})) for cell in notebook.cells]
    data = {"execution_seconds": seconds, "cell_seconds": times, "threads": threads}
    bundle = CacheBundleIn(notebook, str(path), data=data)
    with writing(folder):
        get_cache(folder).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def cell_seconds(execution: dict[str, str]) -> float:
    """Return how long a cell took, by the times of the messages that nbclient notes of it."""
    start, end = (execution.get(name) for name in ("iopub.execute_input", "shell.execute_reply"))
    if not (start and end):
        return 0.0  # text, or a notebook that was executed without timings
    return (parse_date(end) - parse_date(start)).total_seconds()
