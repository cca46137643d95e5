"""Every name that a chapter uses has an example in its docstring, and what it prints is true."""

import ast
import doctest
import re
from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from browser import ROOT
from IPython.core.interactiveshell import InteractiveShell
from package_source import NODES, TREES

CHAPTERS = sorted((ROOT / "book").rglob("*.ipynb"))
NUMBER = re.compile(r"-?\b\d+(?:\.\d*)?(?:e[+-]?\d+)?")


def examples(name: str) -> list[doctest.Example]:
    """Return the examples in the docstring of a public name of the package."""
    return doctest.DocTestParser().get_examples(ast.get_docstring(NODES[name]) or "")


def used_by(path: Path) -> set[str]:
    """Return which functions and classes of the package a notebook names, as NODES names them."""
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    lines = [line for cell in cells for line in cell.source.splitlines()]
    source = "\n".join("" if re.match(r"\s*[%!]", line) else line for line in lines)
    nodes = list(ast.walk(ast.parse(source)))
    modules, objects = {}, []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "dgm_core":
            for alias in node.names:
                module = f"{node.module}.{alias.name}".removeprefix("dgm_core.")
                if module in TREES:
                    modules[alias.asname or alias.name] = import_module(f"dgm_core.{module}")
                else:
                    objects.append(getattr(import_module(node.module), alias.name))
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            objects.append(getattr(modules.get(node.value.id), node.attr, None))
    found = {f"{o.__module__}.{o.__name__}" for o in objects if hasattr(o, "__name__")}
    return {name.removeprefix("dgm_core.") for name in found} & NODES.keys()


USED = sorted(set().union(*map(used_by, CHAPTERS)))


class Checker(doctest.OutputChecker):
    """Numbers may differ in the last digits that are shown, as they do between machines."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if super().check_output(want, got, optionflags):
            return True
        texts = ["".join(NUMBER.sub("#", text).split()) for text in (want, got)]
        numbers = [np.array(NUMBER.findall(text), float) for text in (want, got)]
        return texts[0] == texts[1] and np.allclose(*numbers, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", USED)
def test_a_name_that_a_chapter_uses_has_an_example(name):
    assert any(example.want for example in examples(name)), "add an Example: to its docstring"


@pytest.mark.parametrize("name", [name for name in NODES if examples(name)])
def test_an_example_prints_what_it_says(name):
    """It may use the names of its module and torch; it imports what else it needs.

    It prints what a plain Python prints, whatever tests before it have made of this process.
    """
    InteractiveShell.clear_instance()
    module = next(m for m in sorted(TREES, key=len, reverse=True) if name.startswith(f"{m}."))
    names = {**vars(import_module(f"dgm_core.{module}")), "torch": torch}
    test = doctest.DocTest(examples(name), names, name, None, 0, ast.get_docstring(NODES[name]))
    report = []
    doctest.DocTestRunner(Checker(), verbose=False, optionflags=doctest.ELLIPSIS).run(
        test, out=report.append
    )
    plt.close("all")
    assert not report, "".join(report)


def test_numbers_are_compared_in_the_digits_that_are_shown():
    same = Checker().check_output
    assert same("tensor([2.0000])\n", "tensor([2.])\n", 0)
    assert same("(0.92, True)\n", "(0.9201, True)\n", 0)
    assert not same("tensor([2.0000])\n", "tensor([2.1])\n", 0)
    assert not same("(0.92, True)\n", "(0.92, False)\n", 0)
