"""Executed notebooks: one cache for tests and pages, thrown away when the code has changed.

A Sphinx extension (the build reads the cache) and a pytest plugin (`pytest --nbmake` fills it),
so that a notebook runs once for both. jupyter-cache itself looks only at a notebook's cells; the
folder's name here adds what they call: dgm_core and the libraries whose output ends up in a page.
"""

import hashlib
import os
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "torch", "numpy", "matplotlib", "ipywidgets", "anywidget", "bqplot", "onnx", "onnxscript"
)  # fmt: skip

# Kernels are children of pytest or of the build and inherit this: idle OpenMP threads that spin
# slow training down many times over when another process wants the core. Threads that sleep at
# once make it a quarter slower; so they spin, for some microseconds.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
# The kernel named python3 is this environment's, not one that the reader installed for all.
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")


def fingerprint(package: Path = ROOT / "dgm_core") -> str:
    """Return 16 hex digits that change with any file of ``package`` or version of LIBRARIES."""
    digest = hashlib.sha256(sys.version.encode())
    for name in LIBRARIES:
        digest.update(f"{name}=={version(name)};".encode())
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(build: Path = ROOT / "_build") -> Path:
    """Return the cache of the present code under ``build``, and remove those of any other."""
    caches = build / ".jupyter_cache"
    folder = caches / fingerprint()
    for other in caches.glob("*"):
        if other != folder:
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    return folder


def configure(app, config) -> None:
    """Let myst-nb read and fill that cache; a new one makes Sphinx read every page again."""
    config.nb_execution_cache_path = str(cache_folder(Path(app.outdir).parent))


def setup(app):
    app.connect("config-inited", configure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def keep(folder: Path, path: Path, notebook, seconds: float) -> None:
    """Put a notebook that has been executed without an error into the cache in ``folder``."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # timings, which jupyter-cache would hash
    bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
    get_cache(folder).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def pytest_configure(config) -> None:
    """Have nbmake keep what it executes, for the build to read."""
    if config.pluginmanager.hasplugin("nbmake"):
        from nbmake import pytest_items

        class KeepingRun(pytest_items.NotebookRun):
            def execute(self):
                folder = cache_folder()  # of the code as it is now, not when the run ends
                start = time.perf_counter()
                result = super().execute()
                if result.error is None and self.filename.is_relative_to(ROOT / "book"):
                    keep(folder, self.filename, result.nb, time.perf_counter() - start)
                return result

        pytest_items.NotebookRun = KeepingRun
