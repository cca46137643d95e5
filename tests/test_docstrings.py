"""Every public name explains itself: a sentence, its arguments, shapes and errors."""

import ast
import re

import pytest
from package_source import NODES, TREES

FUNCTIONS = {name: node for name, node in NODES.items() if isinstance(node, ast.FunctionDef)}


def document(name: str) -> str:
    """Return the docstring of a public name, with its class's for an `__init__`."""
    text = ast.get_docstring(NODES[name]) or ""
    if name.endswith(".__init__"):
        text += "\n" + (ast.get_docstring(NODES[name.removesuffix(".__init__")]) or "")
    return text


def arguments(node: ast.FunctionDef) -> set[str]:
    """Return the names of the arguments, without self."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    every += [a for a in (node.args.vararg, node.args.kwarg) if a]
    return {a.arg for a in every} - {"self", "cls"}


@pytest.mark.parametrize("module", TREES)
def test_a_module_says_in_a_sentence_what_lives_there(module):
    text = ast.get_docstring(TREES[module])
    assert text and text.split("\n\n")[0].endswith(".")


@pytest.mark.parametrize("name", NODES)
def test_a_docstring_opens_with_a_sentence_on_one_line(name):
    text = document(name).strip()
    assert text, "no docstring"
    assert re.match(r"[A-Z\"'`*:].*[.]$", text.splitlines()[0]), text.splitlines()[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_arguments_described_are_those_there_are(name):
    """A docstring names no argument that is gone, and a function leaves none out."""
    section = document(name).partition("Args:")[2].split("\n\n")[0]
    described = ", ".join(re.findall(r"^    ([*\w][*\w, ]*):", section, re.MULTILINE))
    described = {n.strip("* ") for n in described.split(",")} - {""}
    there = arguments(FUNCTIONS[name])
    assert described <= there
    if len(there) > 1 and not name.endswith(".__init__"):
        for argument in there:
            assert re.search(rf"\b{argument}\b", document(name)), f"{argument} is not described"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_tensor_has_a_shape(name):
    """In the annotation, which the tests check, or in words, or as `(N, 28, 28)`."""
    node = FUNCTIONS[name]
    annotations = [a.annotation for a in (*node.args.args, *node.args.kwonlyargs)]
    if any(isinstance(a, ast.Name) and a.id == "Tensor" for a in [*annotations, node.returns]):
        assert re.search(r"\bshape\b|\((\w+|\.\.\.|\*\w+),[^)]*\)", document(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_errors_that_are_raised_are_documented(name):
    raised = {
        node.exc.func.id
        for node in ast.walk(FUNCTIONS[name])
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    }
    for error in raised:
        assert error in document(name).partition("Raises:")[2], f"raises {error}"
