"""One execution serves tests and pages, and only as long as the code is the same."""

import os
import subprocess
import sys

import nbformat
import notebook_cache
import pytest
from browser import ROOT
from jupyter_cache import get_cache
from kernels import execute_notebook

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "web").mkdir(parents=True)
    (folder / "a.py").write_text("A = 1\n", encoding="utf8")
    (folder / "web/view.js").write_text("export default {};\n", encoding="utf8")
    return folder


def test_the_fingerprint_sees_every_file_and_its_name(package):
    seen = [notebook_cache.fingerprint(package)]
    assert notebook_cache.fingerprint(package) == seen[0]
    (package / "a.py").write_text("A = 2\n", encoding="utf8")
    seen.append(notebook_cache.fingerprint(package))
    (package / "web/view.js").write_text("export default { render() {} };\n", encoding="utf8")
    seen.append(notebook_cache.fingerprint(package))
    (package / "a.py").rename(package / "b.py")
    seen.append(notebook_cache.fingerprint(package))
    assert len(set(seen)) == 4


def test_the_fingerprint_sees_neither_bytecode_nor_a_readme(package):
    before = notebook_cache.fingerprint(package)
    (package / "README.md").write_text("# Rooms\n", encoding="utf8")
    (package / "__pycache__").mkdir()
    (package / "__pycache__/a.cpython-311.pyc").write_bytes(b"\0")
    assert notebook_cache.fingerprint(package) == before


def test_the_fingerprint_sees_the_libraries(package, monkeypatch):
    before = notebook_cache.fingerprint(package)
    monkeypatch.setattr(notebook_cache, "version", lambda name: "0.0")
    assert notebook_cache.fingerprint(package) != before


def test_results_of_other_code_are_thrown_away(tmp_path, monkeypatch):
    old = notebook_cache.cache_folder(tmp_path)
    (old / "executed").mkdir(parents=True)
    assert notebook_cache.cache_folder(tmp_path) == old and (old / "executed").exists()
    monkeypatch.setattr(notebook_cache, "fingerprint", lambda: "other")
    assert notebook_cache.cache_folder(tmp_path) != old
    assert not old.exists()


# Forks of a process that has done nothing yet: what they need is imported once, not twelve times.
FILL = """
import multiprocessing, sys, nbformat, notebook_cache
from pathlib import Path

def fill(path, together):
    together.wait()
    folder = notebook_cache.cache_folder(path.parent)
    notebook_cache.keep(folder, path, nbformat.read(path, 4), 1.0)

fork = multiprocessing.get_context("fork")
for build in map(Path, sys.argv[1:]):
    together, writers = fork.Barrier(4), []
    for number in range(4):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{number}")])
        nbformat.write(notebook, build / f"{number}.ipynb")
        words = (build / f"{number}.ipynb", together)
        writers.append(fork.Process(target=fill, args=words))
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
"""


def test_a_fresh_cache_bears_several_writers_at_once(tmp_path):
    builds = [tmp_path / str(trial) for trial in range(3)]
    for build in builds:
        build.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", FILL, *map(str, builds)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "book/_ext")},
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf8",
    )
    assert (run.returncode, run.stderr) == (0, "")
    for build in builds:
        folder = notebook_cache.cache_folder(build)
        assert all(notebook_cache.kept(folder, build / f"{number}.ipynb") for number in range(4))


def test_what_an_interruption_left_half_written_counts_as_not_executed(tmp_path):
    folder = notebook_cache.cache_folder(tmp_path)
    path = tmp_path / "chapter.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), path)
    assert notebook_cache.kept(folder, path) is None
    notebook_cache.keep(folder, path, nbformat.read(path, 4), 2.0)
    assert notebook_cache.kept(folder, path).record.data["execution_seconds"] == 2.0
    (executed,) = folder.glob("executed/*/base.ipynb")
    executed.write_text(executed.read_text(encoding="utf8")[:40], encoding="utf8")
    assert notebook_cache.kept(folder, path) is None
    notebook_cache.keep(folder, path, nbformat.read(path, 4), 3.0)
    assert notebook_cache.kept(folder, path).record.data["execution_seconds"] == 3.0


def test_tables_that_an_interruption_left_half_made_are_made_anew(tmp_path):
    folder = notebook_cache.cache_folder(tmp_path)
    (folder / "global.db").write_bytes(b"")
    assert notebook_cache.cache_folder(tmp_path) == folder
    assert get_cache(folder).list_cache_records() == []


@pytest.mark.book
def test_what_is_kept_is_found_with_outputs_and_widgets_by_the_build(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell("import ipywidgets\nipywidgets.IntSlider(7)"),
        nbformat.v4.new_code_cell("6 * 7", metadata={"tags": ["hide-input"]}),
    ]
    source = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(source, tmp_path / "chapter.ipynb")
    executed = nbformat.from_dict(source)
    execute_notebook(executed, record_timing=True)  # as nbmake does
    notebook_cache.keep(tmp_path, tmp_path / "chapter.ipynb", executed, seconds=1.0)
    for cell in source.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    source.metadata.pop("widgets", None)
    source.metadata.pop("language_info", None)
    _, merged = get_cache(tmp_path).merge_match_into_notebook(source)
    assert merged.cells[2].outputs[0].data["text/plain"] == "42"
    assert "execution" not in merged.cells[2].metadata
    (record,) = get_cache(tmp_path).list_cache_records()
    text, *code = record.data["cell_seconds"]
    assert text == 0 and min(code) > 0
    state = merged.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert any(model["model_name"] == "IntSliderModel" for model in state.values())


@pytest.mark.book
def test_the_kernel_is_this_environment_s():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import sys\nprint(sys.prefix)")],
        metadata={"kernelspec": KERNEL},
    )
    execute_notebook(notebook)
    assert notebook.cells[0].outputs[0].text.strip() == sys.prefix
