"""Imports inside the package only go down one list, and every file stays short."""

import ast
from pathlib import Path

import pytest

import dgm_core

LAYERS = [  # a module may import those of the lines below its own
    ["live"],  # with every live_*
    ["pretrain", "pretrain_judge"],
    ["plotting", "pretrained"],
    ["evaluation", "classifier", "coarse_training"],
    ["training", "functional"],
    ["checkpoints", "console", "history"],
    ["estimators", "gradients"],
    ["objectives", "dequantization"],
    ["vae", "gan", "flow"],
    ["image_bijections", "coarse_to_fine"],
    ["couplings", "categorical_cdf", "monotone", "pyramid_nets"],
    ["bijections"],
    ["distributions"],
    ["nets"],
    ["data", "targets"],
    ["device"],
]
FILES = sorted(Path(dgm_core.__file__).parent.glob("*.py"))


def layer(module: str) -> int:
    """Return the line of a module: that of `live` for all of its family."""
    name = "live" if module.startswith("live_") else module
    return next(i for i, names in enumerate(LAYERS) if name in names)


def imports(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write imports in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("dgm_core.")}
    return found - {"__version__"}


@pytest.mark.parametrize("path", [f for f in FILES if f.stem != "__init__"], ids=lambda p: p.stem)
def test_imports_only_go_down(path):
    mine = layer(path.stem)
    for other in imports(path):
        both_live = layer(other) == mine == 0
        assert layer(other) > mine or both_live, f"{path.stem} imports {other}"


def test_the_package_re_exports_nothing():
    assert imports(Path(dgm_core.__file__)) == set()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= 250
