"""The source of every module of the package, and the public names in it."""

import ast
from pathlib import Path

import dgm_core

FOLDER = Path(dgm_core.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))


def module_name(path: Path) -> str:
    """Return the dotted name of a file within the package; that of a folder for its door."""
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "dgm_core"


TREES = {module_name(path): ast.parse(path.read_text(encoding="utf8")) for path in FILES}


def public(tree: ast.AST, prefix: str):
    """Yield (name, node) of the public classes, functions and methods, and of `__init__`s."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if node.name.startswith("_") and node.name != "__init__":
                continue
            yield f"{prefix}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{prefix}.{node.name}")


NODES = dict(pair for module, tree in TREES.items() for pair in public(tree, module))
