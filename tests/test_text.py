"""Text in files and pipes is UTF-8 on every machine, not what its region or code page says."""

import ast
import codecs
import subprocess

import pytest
from browser import ROOT

PROCESSES = {"run", "Popen", "call", "check_call", "check_output", "keep"}
OTHERS = {"gzip", "webbrowser", "Image", "self", "browser", "os"}  # their `open` is no text file's


def reads_or_writes_text(call: ast.Call) -> bool:
    """Tell whether a call opens a file or a pipe as text, which then has an encoding."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    words = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in PROCESSES:
        return any(getattr(words.get(k), "value", False) for k in ("text", "universal_newlines"))
    if name != "open":
        return name in {"read_text", "write_text", "TextIOWrapper"}
    built_in = isinstance(call.func, ast.Name)
    if not built_in and ast.unparse(call.func.value).split(".")[0] in OTHERS:
        return False
    mode = words.get("mode", [*call.args, None, None][1 if built_in else 0])
    return mode is None or not (isinstance(mode, ast.Constant) and "b" in mode.value)


def in_the_machines_encoding(source: str) -> list[str]:
    """Return the calls of a source that read or write text, and do not say that it is UTF-8."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and reads_or_writes_text(node):
            said = [k.value.value for k in node.keywords if k.arg == "encoding"]
            place = {"read_text": 0, "write_text": 1}.get(getattr(node.func, "attr", ""), 9)
            said += [argument.value for argument in node.args[place : place + 1]]
            if not said or codecs.lookup(said[0]).name != "utf-8":
                found.append(ast.unparse(node))
    return found


def test_every_text_of_every_program_is_utf_8():
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, encoding="utf8", check=True
    )
    wrong = {
        path: calls
        for path in listed.stdout.splitlines()
        if (calls := in_the_machines_encoding((ROOT / path).read_text(encoding="utf8")))
    }
    assert len(listed.stdout.splitlines()) > 100 and wrong == {}, 'add encoding="utf8"'


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("path.read_text()", True),
        ('path.read_text("latin-1")', True),
        ("path.read_text('utf8')", False),
        ("path.write_text(text, encoding='cp1252')", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("open(path)", True),
        ("open(path, 'rb')", False),
        ("(folder / 'log').open('w')", True),
        ("path.open(mode='wb')", False),
        ("subprocess.run(words, text=True)", True),
        ("subprocess.run(words, text=True, encoding='utf8')", False),
        ("subprocess.run(words)", False),
    ],
)
def test_what_the_machine_would_decide_is_found(source, wrong):
    assert bool(in_the_machines_encoding(source)) == wrong
