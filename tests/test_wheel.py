"""The package alone is enough: its wheel, in an environment that holds only what it declares."""

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import nbformat
import pytest
from bare_environment import build_wheel, make_environment
from browser import ROOT
from example_figures import FIGURE
from package_source import TREES
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tested_versions import project, required

PROJECT = project()
CHAPTERS = sorted((ROOT / "book").rglob("*.ipynb"))
ONE_OF_EACH_PART = ["vae/kl-divergence", "gan/minimax", "flow/change-of-variables"]
# In the kernel, behind the chapter: nothing is there that the wheel does not ask for.
ALONE = f"""
import importlib.util, dgm_core
assert not dgm_core.__file__.startswith({str(ROOT / "dgm_core")!r})
for name in ("onnx", "onnxscript", "onnxruntime", "myst_nb", "sphinx"):
    assert importlib.util.find_spec(name) is None, name
"""

MOVE = """
print(label.value)
graph.z1 = 2.0
print(label.value, len(graph._onnx) > 0)
"""


def import_lines(tree: ast.AST) -> set[str]:
    """Return the imports of a source, anywhere in it, each as a line of its own."""
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                one = type(node)(**{**vars(node), "names": [alias]})
                lines.add(ast.unparse(one))
    return lines


def top_level(line: str) -> str:
    """Return the outermost module that an import line names."""
    return re.split(r"[ .]", line)[1]


def code(path) -> ast.AST:
    """Return what a notebook runs, without IPython's own commands."""
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    lines = [line for cell in cells for line in cell.source.splitlines()]
    return ast.parse("\n".join("" if re.match(r"\s*[%!]", line) else line for line in lines))


def run(python, script: str, **variables: str) -> list[str]:
    """Run a script, alone, from nowhere near the sources; return the lines that it prints."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env["OMP_NUM_THREADS"] = "1"  # two threads beside another test are several times slower
    result = subprocess.run(
        [python, "-I", "-c", script],
        capture_output=True,
        text=True,
        cwd="/",
        env=env | variables,
        encoding="utf8",
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout.splitlines()


def names(requirements) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def test_what_the_package_imports_it_declares():
    everything = {line for tree in TREES.values() for line in import_lines(tree)}
    modules = {top_level(line) for line in everything} - sys.stdlib_module_names - {"dgm_core"}
    owners = packages_distributions()
    found = {canonicalize_name(owners[module][0]) for module in modules}
    pages = names(PROJECT["optional-dependencies"]["pages"])
    assert found - pages <= names(PROJECT["dependencies"])
    at_once = [node for tree in TREES.values() for node in tree.body]
    at_once = [node for node in at_once if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert pages.isdisjoint(map(top_level, import_lines(ast.Module(at_once, []))))


def test_the_tested_versions_are_ones_that_the_requirements_allow():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines()
    tested = dict(line.split("==") for line in lines if not line.startswith("#"))
    for text in required():
        wanted = Requirement(text)
        assert wanted.specifier.contains(tested[canonicalize_name(wanted.name)]), text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of an environment where the bare package was installed."""
    return make_environment(tmp_path_factory.mktemp("bare"), wheel)


@pytest.mark.book
def test_every_import_of_every_chapter_works(python):
    lines = {line for path in CHAPTERS for line in import_lines(code(path))}
    assert any("dgm_core" in line for line in lines)
    run(python, "\n".join(sorted(lines)))


@pytest.fixture(scope="module")
def python_with_kernel(wheel, tmp_path_factory):
    """The Python of an environment with the bare package, and with what runs notebooks."""
    folder = tmp_path_factory.mktemp("kernel")
    return make_environment(folder, wheel, beside=["ipykernel", "nbclient"])


@pytest.mark.book
@pytest.mark.parametrize("chapter", ONE_OF_EACH_PART)
def test_a_plain_kernel_runs_a_whole_chapter(python_with_kernel, chapter, tmp_path):
    made = nbformat.read(ROOT / f"book/{chapter}.ipynb", 4)
    made.cells.append(nbformat.v4.new_code_cell(ALONE))
    nbformat.write(made, tmp_path / "chapter.ipynb")
    script = f"import sys; sys.path.append({str(ROOT / 'tools')!r}); import run_elsewhere\n"
    script += f"print(run_elsewhere.main([{str(tmp_path / 'chapter.ipynb')!r}]))"
    lines = run(python_with_kernel, script, HOME=str(tmp_path))
    assert lines[-1] == "0", lines


@pytest.mark.book
def test_a_figure_follows_its_slider_where_nothing_can_be_exported(python):
    before, after = run(python, FIGURE + MOVE)[-2:]
    assert before.startswith("total ") and after.endswith(" False")
    assert after.split()[:2] != before.split()
    with pytest.raises(AssertionError, match="No module named 'onnx'"):
        run(python, "import onnx")


@pytest.mark.book
def test_the_extra_for_pages_exports(wheel, tmp_path):
    python = make_environment(tmp_path, wheel, extra="pages")
    assert run(python, FIGURE + MOVE)[-1].endswith(" True")


@pytest.mark.book
def test_data_and_weights_come_with_the_wheel(python):
    script = """
from dgm_core.data import mnist
from dgm_core.pretrained import digit_flow, digit_judge
print(len(mnist("test")[0]))
digit_judge(), digit_flow()
"""
    assert run(python, script) == ["10000"]
