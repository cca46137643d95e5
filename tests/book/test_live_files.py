"""What live figures carry leaves the widget state of a page: their models and their scripts."""

import base64
import gzip
import json
import re
from types import SimpleNamespace

import live_files
import pytest
from sphinx.errors import ExtensionError


class Page:
    """A page with the widget state that is given; what Sphinx would write of it."""

    def __init__(self, folder, *widgets):
        attributes = {"type": live_files.STATE}
        attributes["body"] = json.dumps({"state": {str(i): w for i, w in enumerate(widgets)}})
        self.state, self.outdir, self.scripts = attributes, str(folder), {}
        self.setup = SimpleNamespace(filename="_static/dgm-setup.js", attributes={})
        context = {"script_files": [SimpleNamespace(attributes=attributes), self.setup]}
        live_files.lighten(self, "page", "page.html", context, None)

    def add_js_file(self, filename, *, body, type, id):
        assert filename is None and type == "text/plain"  # no browser runs it as it stands
        self.scripts[id] = body

    def widgets(self):
        return list(json.loads(self.state["body"])["state"].values())


def widget(script, style="", **buffers):
    parts = [{"path": [name], "data": data} for name, data in buffers.items()]
    return {"state": {"_esm": script, "_css": style, "value": 3}, "buffers": parts}


def test_a_script_stands_once_and_each_widget_refers_to_it(tmp_path):
    page = Page(tmp_path, widget("one;"), widget("two;"), widget("one;"), {"state": {"value": 1}})
    assert sorted(page.scripts.values()) == ["one;", "two;"]
    referred = [
        page.scripts["dgm-script-" + re.search(r'dgmScript\("(\w+)"\)', w["state"]["_esm"])[1]]
        for w in page.widgets()[:3]
    ]
    assert referred == ["one;", "two;", "one;"]
    assert page.widgets()[3] == {"state": {"value": 1}}
    assert all(w["state"]["value"] for w in page.widgets())


def test_a_style_stays_with_the_first_widget_that_has_it(tmp_path):
    styles = [".a{}", ".b{}", ".a{}"]
    page = Page(tmp_path, *(widget("", style) for style in styles))
    assert [w["state"]["_css"] for w in page.widgets()] == [".a{}", ".b{}", ""]


def test_a_large_model_becomes_a_file_and_a_small_one_stays(tmp_path):
    data = base64.b64encode(bytes(live_files.LARGE)).decode()
    page = Page(tmp_path, widget("", _onnx=data, _probe="AAAA"), widget("", _onnx="AAAA"))
    large, small = page.widgets()
    assert [part["path"] for part in large["buffers"]] == [["_probe"]]
    assert len(small["buffers"]) == 1 and "_onnx_file" not in small["state"]
    packed = tmp_path / f"_static/live/{large['state']['_onnx_file']}.onnx.gz"
    assert gzip.decompress(packed.read_bytes()) == bytes(live_files.LARGE)


def test_a_page_with_a_graph_says_from_its_beginning_what_it_will_want(tmp_path):
    data = base64.b64encode(bytes(live_files.LARGE)).decode()
    graphs = [widget("", _onnx=data), widget("", _onnx=data)]
    for graph in graphs:
        graph["state"]["_spec"] = {}
    page = Page(tmp_path, *graphs)
    name = page.widgets()[0]["state"]["_onnx_file"]
    assert page.setup.attributes == {"data-live": "true", "data-models": name}
    assert Page(tmp_path, widget("")).setup.attributes == {}


def test_words_in_the_state_cannot_end_the_script_that_holds_it(tmp_path):
    page = Page(tmp_path, {"state": {"value": "</script><b>"}})
    assert "</script" not in page.state["body"]
    assert page.widgets() == [{"state": {"value": "</script><b>"}}]


def test_a_script_that_would_end_itself_is_refused(tmp_path):
    with pytest.raises(ExtensionError, match="page"):
        Page(tmp_path, widget('x = "</script>";'))
