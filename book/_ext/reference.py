"""Sphinx extension: the reference of dgm_core, and a link wherever a chapter names a part of it.

The page ``book/api`` is written from the docstrings by autodoc, one section for each module and
each room, which is a folder of modules. What a room hands on goes by its door, as chapters import
it; signatures are taken from the source, where the shapes stand as a reader would write them.
Names in the text and in the code cells of every page become links to it, with nothing to be marked
in a chapter: an inline name when only one thing in the package is called so, a name in a code cell
when that page imports it.
"""

import ast
import builtins
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import mends
from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import make_refnode

PACKAGE = "dgm_core"
PAGE = "book/api"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def trees() -> dict[str, ast.Module]:
    """Return the source of each module by its name in the package, in alphabetical order.

    A room, which is a folder, goes by the folder's name; its source is its door, `__init__`.
    """
    folder, found = Path(find_spec(PACKAGE).origin).parent, {}
    for path in folder.rglob("*.py"):
        *rooms, stem = path.relative_to(folder).with_suffix("").parts
        name = ".".join(rooms if stem == "__init__" else [*rooms, stem])
        if name and (stem == "__init__" or not stem.startswith("_")):
            found[name] = ast.parse(path.read_text(encoding="utf8"))
    return dict(sorted(found.items()))


@cache
def doors() -> dict[str, str]:
    """Return the name by which a room hands on what its modules define, by the name there."""
    found = {}
    for room, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module.startswith(f"{PACKAGE}.{room}."):
                for alias in node.names:
                    found[f"{node.module}.{alias.name}"] = f"{PACKAGE}.{room}.{alias.name}"
    return found


@cache
def homes() -> dict[str, str]:
    """Return the full name of each public function, class and method by where it is defined.

    A full name is the one that a chapter imports: that at the door of a room, if there is one.
    """
    return {home: name for home, name, _ in places()}


@cache
def definitions() -> dict[str, ast.AST]:
    """Return the public functions, classes and methods by their full names."""
    return {name: node for _, name, node in places()}


@cache
def places() -> list[tuple[str, str, ast.AST]]:
    """Return where each function, class or method is defined, its full name, and its source."""
    found = []

    def visit(tree, home, name):
        for node in public(tree):
            there = f"{home}.{node.name}"
            full = doors().get(there, f"{name}.{node.name}")
            found.append((there, full, node))
            if isinstance(node, ast.ClassDef):
                visit(node, there, full)

    for module, tree in trees().items():
        visit(tree, f"{PACKAGE}.{module}", f"{PACKAGE}.{module}")
    return found


def public(tree: ast.AST) -> list[ast.AST]:
    """Return the public functions and classes in a module, or methods in a class."""
    nodes = [node for node in tree.body if isinstance(node, (*FUNCTIONS, ast.ClassDef))]
    return [node for node in nodes if not node.name.startswith("_")]


@cache
def spellings() -> dict[str, str]:
    """Return what a text may call things, with their full names; nothing that is ambiguous."""
    called = {}
    for module in trees():
        full = f"{PACKAGE}.{module}"
        for spelling in {full, module} if "." in module else {full}:  # a word alone is a word
            called.setdefault(spelling, set()).add(full)
    for home, name in homes().items():
        module = max((m for m in trees() if home.startswith(f"{PACKAGE}.{m}.")), key=len)
        short = home.removeprefix(f"{PACKAGE}.{module}.")
        for place in (f"{PACKAGE}.{module}", name.removesuffix(f".{short}")):
            words = place.split(".")
            for k in range(len(words) + 1):
                called.setdefault(".".join([*words[k:], short]), set()).add(name)
    return {spelling: names.pop() for spelling, names in called.items() if len(names) == 1}


@cache
def foreign() -> set[str]:
    """Return names in annotations that nothing here describes: those of other libraries."""
    found = set(dir(builtins)) | {"None"}
    for tree in trees().values():
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
                found.add((getattr(node, "module", None) or "").split(".")[0])
            elif isinstance(node, ast.Assign):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found - {PACKAGE, ""}


def write_sections(app, docname, source) -> None:
    """Add to the page a table of the rooms and modules, and a section for each."""
    if docname != PAGE:
        return
    rows, sections = ["", "| Module | What lives there |", "| --- | --- |"], []
    for module, tree in trees().items():
        sentence = " ".join(ast.get_docstring(tree).split("\n\n")[0].split())
        anchor = f"api-{module.replace('.', '-')}"
        rows.append(f"| [{module}](#{anchor}) | {sentence} |")
        heading = "#" * (2 + module.count("."))
        sections.append(f"\n({anchor})=\n{heading} {module}\n\n{described(module)}")
    source[0] = "\n".join([source[0].rstrip(), *rows, *sections])


def described(module: str) -> str:
    """Return the directives that describe a module: its docstring, then each name where it is."""
    lines = [f".. automodule:: {PACKAGE}.{module}", ""]
    for node in public(trees()[module]):
        kind, options = "function", []
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            kind = "exception" if any(base.endswith("Error") for base in bases) else "class"
            options = ["   :members:"]
            if not spellings().keys().isdisjoint(bases):  # what it inherits is described there
                options += ["   :show-inheritance:"]
        lines += [f".. auto{kind}:: {homes()[f'{PACKAGE}.{module}.{node.name}']}"]
        lines += [*options, ""]
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


def skip(app, what, name, obj, skip, options) -> bool | None:
    """Leave out what the source does not define: traits, what a base class of others brings."""
    source = getattr(obj, "fget", None) or obj
    full = f"{getattr(source, '__module__', '')}.{getattr(source, '__qualname__', '')}"
    return None if full in homes() else True


def signature(node: ast.AST) -> tuple[str, str | None]:
    """Return the arguments and the result of a function or class as its source has them."""
    if isinstance(node, ast.ClassDef):
        inits = [n for n in node.body if isinstance(n, FUNCTIONS) and n.name == "__init__"]
        if inits:
            return signature(inits[0])[0], None
        if not any("dataclass" in ast.unparse(d) for d in node.decorator_list):
            return "", None
        fields = [ast.unparse(n) for n in node.body if isinstance(n, ast.AnnAssign)]
        return f"({tidy(', '.join(fields))})", None
    # A copy, without self and with no shape's leading space.
    arguments = ast.parse(ast.unparse(node)).body[0].args
    if arguments.args and arguments.args[0].arg in ("self", "cls"):
        del arguments.args[0]
    result = tidy(ast.unparse(node.returns)) if node.returns else None
    return f"({tidy(ast.unparse(arguments))})", result


def tidy(text: str) -> str:
    """Remove the space that opens a jaxtyping shape, for the linter's sake alone."""
    return re.sub(r"(['\"]) (?=\S)", r"\1", text)


def from_source(app, what, name, obj, options, arguments, result):
    """Give autodoc the signature as it is written."""
    node = definitions().get(name)
    if node is None:
        return None
    if any(ast.unparse(d) == "property" for d in node.decorator_list):
        return None
    return signature(node)


KEPT = re.compile(r"``[^`]+``|:\w+:`[^`]+`|(?<![\w*])\*\w[\w -]*\*(?!\w)|(?<!`)`[^`]+`(?![`_])")


def mark_code(app, what, name, obj, options, lines) -> None:
    """Take a name between single backquotes for code, and a bare ``*`` or ``|`` for what it is."""
    text, parts, end = "\n".join(lines), [], 0
    for match in [*KEPT.finditer(text), None]:
        between = text[end : match.start() if match else None]
        parts.append(re.sub(r"([*|])", r"\\\1", between))
        if match:
            kept, end = match.group(), match.end()
            parts.append(f"`{kept}`" if re.match(r"`[^`]", kept) else kept)
    lines[:] = "".join(parts).split("\n")
    if what == "property":  # napoleon takes what stands before a colon for a type
        lines[0] = lines[0].replace(": ", "; ")


def join_names(app, what, name, obj, options, lines) -> None:
    """Keep several attributes of one description together: Sphinx takes the first for a type."""
    several = re.compile(r"^(\s*:ivar )(\w+(?:, \w+)+):")
    lines[:] = [several.sub(lambda m: f"{m[1]}{m[2].replace(', ', ',')}:", line) for line in lines]


def resolve(app, env, node, contnode):
    """Find a type that another module defines; accept those of other libraries as they are."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    full = spellings().get(target)
    entry = env.get_domain("py").objects.get(full)
    if entry:
        return make_refnode(
            app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, full
        )
    return contnode if target.split(".")[0] in foreign() else None


def link_text(app, doctree, docname) -> None:
    """Make a link of each inline name that means one thing, and is not the page's own."""
    objects = app.env.get_domain("py").objects
    blocks = [block.astext() for block in doctree.findall(nodes.literal_block)]
    own = set(
        re.findall(r"^ *(?:def|class) (\w+)|^ *(\w+)(?=[\w, ]* = )", "\n".join(blocks), re.M)
    )
    own = {name for pair in own for name in pair}
    for strong in list(doctree.findall(addnodes.literal_strong)):
        if "," in strong.astext():  # what join_names has joined
            strong.children = [nodes.Text(strong.astext().replace(",", ", "))]
    for literal in list(doctree.findall(nodes.literal)):
        text = literal.astext().removesuffix("()")
        entry = objects.get(spellings().get(text))
        plain = text.isalpha() and text.islower()  # in a docstring, an argument
        if entry is None or text in own or (docname == PAGE and plain) or inside(literal):
            continue
        link = make_refnode(
            app.builder, docname, entry.docname, entry.node_id, literal.deepcopy(), text
        )
        literal.replace_self(link)


def inside(node: nodes.Node) -> bool:
    """Tell whether a link would stand in a link, a heading or a signature."""
    while (node := node.parent) is not None:
        if isinstance(node, (nodes.reference, nodes.title, addnodes.desc_signature)):
            return True
    return False


IMPORT = re.compile(
    rf'(<span class="nn">({PACKAGE}[\w.]*)</span>(?:<[^>]*>|\s)*?<span class="kn">import</span>)'
    r'((?:<span class="w">)?\s*(?:</span>)?<span class="p">\(</span>.*?<span class="p">\)</span>'
    r"|[^\n]*)",
    re.DOTALL,
)
NAME = re.compile(r'<span class="n">(\w+)</span>')
ATTRIBUTE = re.compile(
    r'(<span class="n">(\w+)</span><span class="o">\.</span>)<span class="n">(\w+)</span>'
)


# Not sphinx-codeautolink: it makes a link of every mention, 124 in chapter 1.4 where these are 25,
# each of them a stop for who reads by keyboard, and writes the whole page anew to do so.
def link_code(app, pagename, templatename, context, doctree) -> None:
    """Make links in the code cells: what a page imports, and its first ``module.name``."""
    if doctree is None or PACKAGE not in context.get("body", ""):
        return
    objects, modules, seen = app.env.get_domain("py").objects, {}, set()

    def link(name, html):
        entry = objects.get(spellings().get(name))
        if entry is None:
            return html
        address = app.builder.get_relative_uri(pagename, entry.docname)
        return f'<a class="dgm-name" href="{address}#{entry.node_id}">{html}</a>'

    def in_import(match):
        head, module, names = match.groups()
        for name in NAME.findall(names):
            if f"{module}.{name}".removeprefix(f"{PACKAGE}.") in trees():
                modules[name] = f"{module}.{name}"
        return head + NAME.sub(lambda n: link(f"{module}.{n[1]}", n[0]), names)

    def as_attribute(match):
        name = f"{modules.get(match[2])}.{match[3]}"
        if match[2] not in modules or name in seen:
            return match[0]
        seen.add(name)
        return match[1] + link(name, match[0].removeprefix(match[1]))

    context["body"] = ATTRIBUTE.sub(as_attribute, IMPORT.sub(in_import, context["body"]))


def mend_signatures(app, pagename, templatename, context, doctree) -> None:
    """Let the lines of a long signature be lines, not Sphinx's list without a term."""
    if pagename == PAGE and "body" in context:
        for old, new in (("<dl>", '<span class="dgm-lines">'), ("<dd>", "<span>")):
            closing = old.replace("<", "</")

            def mend(match, old=old, new=new, closing=closing):
                return match[0].replace(old, new).replace(closing, "</span>")

            mended = SIGNATURE.sub(mend, context["body"])
            if mended == context["body"]:
                mends.missed(mends.SIGNATURES, mends.installed("Sphinx"))
            context["body"] = mended


SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)


def setup(app):
    app.connect("source-read", write_sections)
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-signature", from_source)
    app.connect("autodoc-process-docstring", mark_code, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", join_names, priority=600)  # after it
    app.connect("missing-reference", resolve)
    app.connect("doctree-resolved", link_text)
    app.connect("html-page-context", link_code)
    app.connect("html-page-context", mend_signatures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
