"""The same notebook gives the same numbers when it is run again: seeds are set, nothing leaks.

The execution that made the page is the first run; only a second one is made here.
"""

import re
import time

import nbformat
import notebook_cache
import pytest
from browser import ROOT
from jupyter_cache import get_cache
from kernels import PATIENCE
from nbclient import NotebookClient

from dgm_core.device import default_device

# A cheap one of each part.
CHAPTERS = [
    path
    for name in ("vae/kl-divergence", "gan/minimax", "flow/change-of-variables")
    if (path := ROOT / f"book/{name}.ipynb").exists()
]
TIME = re.compile(r"(^|-)(seconds|minutes|milliseconds|times?|speed)(-|$)")


def execute(path):
    """Run a notebook in its folder, as nbmake does."""
    notebook = nbformat.read(path, 4)
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, **PATIENCE, resources=place, record_timing=False)
    return client.execute()


def first_run(path):
    """Return what the build executed; without a build, execute it for the build to find."""
    folder = notebook_cache.cache_folder()
    try:
        record = get_cache(folder).match_cache_notebook(nbformat.read(path, 4))
        return get_cache(folder).get_cache_bundle(record.pk).nb
    except KeyError:
        start = time.perf_counter()
        notebook = execute(path)
        notebook_cache.keep(folder, path, notebook, time.perf_counter() - start)
        return notebook


def numbers(notebook) -> dict[str, str]:
    """Return what a notebook glued, by name, without the times."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    glued = {}
    for output in outputs:
        name = output.get("metadata", {}).get("scrapbook", {}).get("name")
        if name and not TIME.search(name):
            glued[name] = output["data"]["application/papermill.record/text/plain"]
    return glued


@pytest.mark.book
@pytest.mark.skipif(
    default_device().type != "cpu", reason="an accelerator may add up in any order"
)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_second_run_gives_the_same_numbers(path):
    first, second = numbers(first_run(path)), numbers(execute(path))
    assert len(first) > 5 and set(first) == set(second)
    changed = {name: (first[name], second[name]) for name in first if first[name] != second[name]}
    assert changed == {}


def test_times_are_told_from_numbers():
    assert all(TIME.search(name) for name in ("kl-seconds", "tv-train-minutes", "bf-time-64"))
    assert not any(TIME.search(name) for name in ("kl-small", "mc-second-order", "cv-sometimes"))
