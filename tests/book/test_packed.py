"""What a page downloads is small: packed files, a manager without ballast, a font of few icons."""

import base64
import gzip
import json
import re
import shutil
from pathlib import Path

import mends
import packed
import pydata_sphinx_theme
import pytest
from browser import ROOT
from fontTools.ttLib import TTFont

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
MANAGER = ROOT / "node_modules/@jupyter-widgets/html-manager/dist/embed-amd.js"
BUNDLE = """
define("@jupyter-widgets/base7",["module"],(e=>e));
define("@jupyter-widgets/html-manager",["module"],((e)=>(()=>{var __webpack_modules__={
1:(e,t,n)=>{n(3)},2:(e,t,n)=>{n(4)},3:e=>{e.exports="}, 9:"},4:function(e,t,n){n(2)}
},__webpack_module_cache__={};
__webpack_require__("1.2.0"===(0,t.maxSatisfying)(["1.2.0"],i)?2:1)})()));
define("other",[],()=>{n(2)});
"""


def test_packing_is_the_same_in_every_build_and_lossless():
    data = bytes(range(256)) * 40
    assert packed.pack(data)[4:8] == bytes(4)  # no time of day
    assert gzip.decompress(packed.pack(data)) == data


def test_a_packed_file_is_there_for_a_host_and_for_a_disk(tmp_path):
    packed.write(tmp_path / "model.onnx", b"weights")
    file = (tmp_path / "model.onnx.gz").read_bytes()
    script = (tmp_path / "model.onnx.gz.js").read_text(encoding="utf8")
    name, text = re.search(r'\["(.+?)"\] = "(.+?)"', script).groups()
    assert gzip.decompress(file) == b"weights"
    assert name == "model.onnx" and base64.b64decode(text) == file


@pytest.mark.skipif(shutil.which("node") is None, reason="asks Node what asks for what")
def test_what_nothing_asks_for_leaves_the_manager(monkeypatch):
    monkeypatch.setattr(mends, "BALLAST", mends.BALLAST[:2])
    text = packed.shake(BUNDLE, "a bundle")
    assert 'define("@jupyter-widgets/base7"' not in text
    assert "1:(e,t,n)=>{n(3)}" in text and "3:e=>" in text  # asked for, and what that asks for
    assert "n(4)}" not in text and "4:function" not in text  # they ask for each other only
    assert text.endswith('define("other",[],()=>{n(2)});\n')


def test_the_installed_manager_loses_its_ballast(caplog):
    if not MANAGER.exists():
        pytest.skip("node_modules is not there: run npm ci")
    whole = MANAGER.read_text(encoding="utf8")
    text = packed.shake(whole, "html-manager")
    assert caplog.messages == []
    assert 'define("@jupyter-widgets/base7"' not in text and "sourcesContent:[" not in text
    assert len(text) < 0.62 * len(whole)


def test_the_icons_have_a_font_of_their_own_and_others_the_theme_s(tmp_path):
    packed.icons(THEME, tmp_path)
    style = (tmp_path / "dgm-icons.css").read_text(encoding="utf8")
    scope = {int(code, 16) for code in re.findall(r"U\+([0-9a-f]+)", style)}
    assert len(scope) == len(packed.ICONS)
    assert scope <= set(TTFont(tmp_path / "dgm-icons.woff").getBestCmap())
    assert (tmp_path / "dgm-icons.woff").stat().st_size < 6000
    theme = (THEME / "styles/pydata-sphinx-theme.css").read_text(encoding="utf8")
    assert packed.FAMILY in json.dumps(theme).replace("\\\\", "")
