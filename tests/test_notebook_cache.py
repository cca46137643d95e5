"""One execution serves tests and pages, and only as long as the code is the same."""

import sys

import nbformat
import notebook_cache
import pytest
from jupyter_cache import get_cache
from kernels import PATIENCE
from nbclient import NotebookClient

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "web").mkdir(parents=True)
    (folder / "a.py").write_text("A = 1\n")
    (folder / "web/view.js").write_text("export default {};\n")
    return folder


def test_the_fingerprint_sees_every_file_and_its_name(package):
    seen = [notebook_cache.fingerprint(package)]
    assert notebook_cache.fingerprint(package) == seen[0]
    (package / "a.py").write_text("A = 2\n")
    seen.append(notebook_cache.fingerprint(package))
    (package / "web/view.js").write_text("export default { render() {} };\n")
    seen.append(notebook_cache.fingerprint(package))
    (package / "a.py").rename(package / "b.py")
    seen.append(notebook_cache.fingerprint(package))
    assert len(set(seen)) == 4


def test_the_fingerprint_does_not_see_bytecode(package):
    before = notebook_cache.fingerprint(package)
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


@pytest.mark.book
def test_what_is_kept_is_found_with_outputs_and_widgets_by_the_build(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell("import ipywidgets\nipywidgets.IntSlider(7)"),
        nbformat.v4.new_code_cell("6 * 7", metadata={"tags": ["hide-input"]}),
    ]
    source = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    executed = nbformat.from_dict(source)
    NotebookClient(executed, **PATIENCE, record_timing=True).execute()  # as nbmake does
    notebook_cache.keep(tmp_path, tmp_path / "chapter.ipynb", executed, seconds=1.0)

    for cell in source.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    source.metadata.pop("widgets", None)
    source.metadata.pop("language_info", None)
    _, merged = get_cache(tmp_path).merge_match_into_notebook(source)
    assert merged.cells[2].outputs[0].data["text/plain"] == "42"
    state = merged.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert any(model["model_name"] == "IntSliderModel" for model in state.values())


@pytest.mark.book
def test_the_kernel_is_this_environment_s():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import sys\nprint(sys.prefix)")],
        metadata={"kernelspec": KERNEL},
    )
    NotebookClient(notebook, **PATIENCE).execute()
    assert notebook.cells[0].outputs[0].text.strip() == sys.prefix
