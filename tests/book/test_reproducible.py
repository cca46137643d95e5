"""The same notebook gives the same numbers when it is run again: seeds are set, nothing leaks.

The execution that made the page is the first run; only a second one is made here,
with as many threads: they decide in which order a sum is added up.
"""

import re

import notebook_cache
import notebook_run
import pytest
from browser import ROOT

from dgm_core.device import default_device

# The cheapest of each part.
CHAPTERS = [
    ROOT / f"book/{name}.ipynb"
    for name in ("vae/kl-divergence", "gan/minimax", "flow/change-of-variables")
]
TIME = re.compile(r"(^|-)(seconds|minutes|milliseconds|times?|speed)(-|$)")


def run(path, folder, threads=None):
    """Return a notebook from the cache in `folder`, executed first if it is not there."""
    (result,) = notebook_run.Pool([path], folder, print, threads).wait()
    assert result.trace == ""
    return result.notebook


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
def test_a_second_run_gives_the_same_numbers(path, tmp_path, monkeypatch):
    folder = notebook_cache.cache_folder()
    first = numbers(run(path, folder))
    threads = notebook_cache.kept(folder, path).record.data.get("threads")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    second = numbers(run(path, notebook_cache.cache_folder(tmp_path), threads))
    assert len(first) > 5 and set(first) == set(second)
    changed = {name: (first[name], second[name]) for name in first if first[name] != second[name]}
    assert changed == {}


def test_times_are_told_from_numbers():
    assert all(TIME.search(name) for name in ("kl-seconds", "tv-train-minutes", "bf-time-64"))
    assert not any(TIME.search(name) for name in ("kl-small", "mc-second-order", "cv-sometimes"))
