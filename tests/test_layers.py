"""Imports inside the package go down one list, and whoever stands outside a room uses its door.

The list is in pyproject.toml, in import-linter's words; dgm_core/README.md has it in ours.
"""

import ast
import re
from importlib import import_module

import nbformat
import pytest
from browser import ROOT
from importlinter.cli import lint_imports
from package_source import FOLDER, TREES

CHAPTERS = sorted((ROOT / "book").rglob("*.ipynb"))
DOORS = sorted(
    f"dgm_core.{path.parent.relative_to(FOLDER).as_posix().replace('/', '.')}"
    for path in FOLDER.glob("*/**/__init__.py")
)


def imports(tree: ast.AST) -> set[tuple[str, str]]:
    """Return (module, name) of what a source imports from the package, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full"
            found |= {(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
    return {(module, name) for module, name in found if module.split(".")[0] == "dgm_core"}


def behind(door: str, module: str, name: str) -> bool:
    """Tell whether an import reaches past a door, to a module that is no room itself."""
    full = f"{module}.{name}" if f"{module}.{name}".removeprefix("dgm_core.") in TREES else module
    return full.startswith(f"{door}.") and full not in DOORS


def test_imports_only_go_down(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0  # it prints what goes up


@pytest.mark.parametrize("module", TREES)
def test_the_package_uses_doors(module):
    for door in DOORS:
        if not f"dgm_core.{module}.".startswith(f"{door}."):
            reached = [pair for pair in imports(TREES[module]) if behind(door, *pair)]
            assert reached == [], f"import from {door}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_uses_doors(path):
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    lines = [line for cell in cells for line in cell.source.splitlines()]
    source = "\n".join("" if re.match(r"\s*[%!]", line) else line for line in lines)
    for module, name in imports(ast.parse(source)):
        assert not any(behind(door, module, name) for door in DOORS), f"{module}.{name}"
        if module in DOORS:
            assert name in import_module(module).__all__ or f"{module}.{name}" in DOORS


@pytest.mark.parametrize("door", DOORS)
def test_a_door_lists_what_it_hands_on(door):
    tree = TREES[door.removeprefix("dgm_core.")]
    handed = [name for module, name in imports(tree)]
    assert sorted(import_module(door).__all__) == sorted(handed)
    assert all(isinstance(node, (ast.Expr, ast.ImportFrom, ast.Assign)) for node in tree.body)


def test_no_module_has_the_name_of_what_its_door_hands_on():
    """Else `live.figure` would be a function or a module, by what was imported before."""
    for door in DOORS:
        modules = {m.rpartition(".")[2] for m in TREES if f"dgm_core.{m}".startswith(f"{door}.")}
        assert modules.isdisjoint(import_module(door).__all__)


def test_the_package_re_exports_nothing():
    assert imports(TREES["dgm_core"]) == set()
