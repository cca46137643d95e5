"""The scripts of live figures: what each widget carries, and what Node tests."""

import json
import re
import shutil
import subprocess

import pytest
from browser import ROOT

from dgm_core import live
from dgm_core.live import base
from dgm_core.live.questions import Quiz

SCRIPTS = sorted(path.name for path in base.WEB.glob("*.js"))
WIDGETS = {
    live.Graph: "graph.js",
    live.Pixels: "pixels.js",
    live.Plane: "plane.js",
    live.Pad: "pad.js",
    live.Button: "button.js",
    live.Player: "player.js",
    live.Cloud: "cloud.js",
    live.Chart: "chart.js",
    live.Atlas: "atlas.js",
    Quiz: "quiz.js",
}


def run(*command: str, **options) -> None:
    """Run a command in the root; the test fails with what it says."""
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf8", **options
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-4000:]


@pytest.fixture
def node():
    if shutil.which("node") is None:
        pytest.skip("no node on this machine")


@pytest.mark.parametrize(("widget", "name"), WIDGETS.items())
def test_a_widget_carries_its_own_script_and_what_that_imports(widget, name):
    imported = re.findall(r'from "\./(.+?)"', (base.WEB / name).read_text(encoding="utf8"))
    first_lines = {n: (base.WEB / n).read_text(encoding="utf8").splitlines()[0] for n in SCRIPTS}
    carried = {n for n, line in first_lines.items() if line in widget._esm}
    assert {name, *imported} <= carried
    assert not carried & {*WIDGETS.values()} - {name}
    assert len(widget._esm.split(first_lines[name])) == 2  # once


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_a_script_imports_makes_one_module_with_it(name, node):
    text = base.module(name)
    assert "\nimport " not in text and text.count("export default") <= 1
    run("node", "--check", "--input-type=module", "-", input=text)


@pytest.mark.parametrize(
    "line",
    [
        'import { floats as numbers } from "./arrays.js";',
        'import * as arrays from "./arrays.js";',
        'import "./arrays.js";',
        'export * from "./arrays.js";',
    ],
)
def test_an_import_that_cannot_be_carried_out_is_refused(line, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "WEB", tmp_path)
    (tmp_path / "arrays.js").write_text("export const floats = 1;\n", encoding="utf8")
    (tmp_path / "view.js").write_text(f"{line}\nexport default {{}};\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"view\.js has .*write import { names }"):
        base.module("view.js")


def test_a_file_that_two_others_import_stands_once(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "WEB", tmp_path)
    (tmp_path / "c.js").write_text("export const c = 1;\n", encoding="utf8")
    (tmp_path / "b.js").write_text(
        'import { c } from "./c.js";\n\nexport async function b() {}\n', encoding="utf8"
    )
    lines = ['import { b } from "./b.js";', "import {", "  c,", '} from "./c.js";', ""]
    (tmp_path / "a.js").write_text(
        "\n".join([*lines, "export default { b, c };\n"]), encoding="utf8"
    )
    made = "const c = 1;\n\nasync function b() {}\n\nexport default { b, c };\n"
    assert base.module("a.js") == made


def test_a_notebook_on_its_own_takes_the_runtime_that_the_book_ships():
    asked = json.loads((ROOT / "package.json").read_text(encoding="utf8"))["dependencies"][
        "onnxruntime-web"
    ]
    assert f"/onnxruntime-web@{asked}/" in base.module("graph.js")


def test_what_is_pure_in_the_scripts(node):
    tests = sorted(map(str, (ROOT / "tests/live/web").glob("*.test.js")))
    run("node", "--test", *tests)


def sources() -> str:
    """Return what runs in the browser, and what writes scripts for it."""
    paths = [*base.WEB.glob("*.js"), *(ROOT / "book/_ext/web").glob("*.js")]
    paths += (ROOT / "book/_ext").glob("*.py")
    return "\n".join(path.read_text(encoding="utf8") for path in paths)


def test_the_contract_names_what_widgets_share_and_what_tests_read():
    contract = (base.WEB / "README.md").read_text(encoding="utf8")
    shared = set(re.findall(r"globalThis\.(dgm\w+)", sources()))
    shown = set(re.findall(r"[.\s](dgm[A-Z]\w+)(?=: | = )", sources())) - shared
    shown = {"data-" + re.sub("[A-Z]", lambda m: f"-{m[0].lower()}", name) for name in shown}
    assert len(shared) > 5 and len(shown) > 5
    assert {name for name in shared | shown if f"`{name}`" not in contract} == set()
    listed = set(re.findall(r"^\| `(dgm\w+)` \|", contract, re.MULTILINE))
    assert listed == shared
    types = (base.WEB / "types.d.ts").read_text(encoding="utf8")
    assert set(re.findall(r"var (dgm\w+)", types)) == shared


def test_the_contract_names_each_script():
    contract = (base.WEB / "README.md").read_text(encoding="utf8")
    assert [name for name in SCRIPTS if f"[{name}]({name})" not in contract] == []
