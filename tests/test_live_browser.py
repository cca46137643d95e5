"""What no chapter shows on purpose: state, noise and failures of a live figure, on a page."""

import json
import shutil
from contextlib import contextmanager

import nbformat
import pytest
import torch
from browser import ROOT, build, serve, settle

pytestmark = pytest.mark.browser

SETUP = """
import ipywidgets as widgets, numpy as np, torch
from dgm_core import live

def show(name, *parts):
    live.figure(widgets.VBox(list(parts)), caption=name, name=name)
"""
STATE = """
def oscillator(stiffness, x, v):
    v = v - 0.1 * stiffness * x
    return {"x": x + 0.1 * v, "v": v}

state = {"x": torch.tensor([1.0, 2.0]), "v": torch.zeros(2)}
graph = live.Graph(oscillator, {"stiffness": 1.0}, state=state, steps_per_tick=3)
tick, reset = live.Button("Tick"), live.Button("Reset")
widgets.jslink((tick, "clicks"), (graph, "ticks"))
widgets.jslink((reset, "clicks"), (graph, "resets"))
show("state", live.sliders(graph, stiffness=("stiffness", 0, 4, 1)), tick, reset, graph)
"""
NOISE = """
def moments(shift, normal, uniform, held):
    return {"mean": normal.mean() + shift, "var": normal.var(), "kurtosis": (normal**4).mean(),
            "low": uniform.min(), "high": uniform.max(), "middle": uniform.mean(), "held": held}

noise = {"normal": live.normal(20000), "uniform": live.uniform(20000),
         "held": live.normal(3, redraw="click")}
graph = live.Graph(moments, {"shift": 0.0}, noise)
again = live.Button("Again")
widgets.jslink((again, "clicks"), (graph, "draws"))
show("noise", live.sliders(graph, shift=("shift", 0, 5, 1)), again, graph)
"""
WORDS = """
def numbers(a):
    return {"tiny": a * 1e-9, "bad": torch.log(a - 5), "share": a / 8}

graph = live.Graph(numbers, {"a": 1.0})
label = widgets.Label()
graph.drive(label, value="{a:+.2f} {tiny:.1e} {share:.1%} {bad:.3f}")
show("words", live.sliders(graph, a=("a", 0, 4, 1)), label, graph)
"""
ORDER = """
graph = live.Graph(lambda b, a: {"difference": b - 2 * a}, {"b": 1.0, "a": 4.0})
show("order", live.sliders(graph, b=("b", 0, 4, 1)), graph)
"""
BROKEN = """
wrong = live.Graph(lambda a: {"b": 2 * a}, {"a": 1.0})
wrong._probe = np.float32([3.0, 7.0]).tobytes()
show("wrong", live.sliders(wrong, a=("a", 0, 4, 1)), wrong)
nonsense = live.Graph(lambda a: {"b": 3 * a}, {"a": 1.0})
nonsense._onnx = b"this is no graph"
show("nonsense", live.sliders(nonsense, a=("a", 0, 4, 1)), nonsense)
"""


@contextmanager
def book_of(folder, sources):
    """A book of one notebook with these cells, built as ours is, and served."""
    if not (ROOT / "node_modules/onnxruntime-web").exists():
        pytest.skip("the browser's files are not there: run npm ci")
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("node_modules", "dgm_core"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "_toc.yml").write_text("{format: jb-book, root: page}")
    cells = [nbformat.v4.new_markdown_cell("# Figures")]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}),
        folder / "page.ipynb",
    )
    run = build(folder)
    assert run.returncode == 0, run.stdout[-4000:]
    with serve(folder / "_build/html") as address:
        yield address


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    sources = [SETUP, STATE, NOISE, WORDS, ORDER, BROKEN]
    with book_of(tmp_path_factory.mktemp("book"), sources) as address:
        yield address


@pytest.fixture
def page(address, open_page):
    opened = open_page(f"{address}/page.html", wait=False)
    settle(opened)
    opened.wait_for_function(  # every graph has checked itself, or could not start
        """() => {
          const graphs = [...document.querySelectorAll("[data-dgm-state]")];
          const decided = (g) => g.dataset.dgmParity || g.dataset.dgmState === "error";
          return graphs.length === document.querySelectorAll(".dgm-caption").length
            && graphs.every(decided);
        }"""
    )
    return opened


def part(page, name):
    """The figure above the caption of this name, and what its graph says."""
    position = page.locator(".dgm-caption p").all_inner_texts().index(name)
    figure = page.locator(".dgm-figure").nth(position)
    return figure, lambda: json.loads(
        figure.locator(".dgm-graph").get_attribute("data-dgm-output")
    )


def settled(page, output, before):
    for _ in range(100):
        if output() != before:
            return output()
        page.wait_for_timeout(20)
    raise AssertionError("the figure's output did not change")


def oscillate(steps):
    x, v = torch.tensor([1.0, 2.0]), torch.zeros(2)
    for _ in range(steps):
        v = v - 0.1 * x
        x = x + 0.1 * v
    return pytest.approx(x.tolist(), rel=1e-5)


def test_state_advances_by_ticks_and_a_reset_starts_again(page):
    figure, output = part(page, "state")
    assert output()["x"] == oscillate(1)  # what the first step would put out
    for button, steps in (("Tick", 3), ("Tick", 6), ("Tick", 9), ("Reset", 1), ("Tick", 3)):
        before = output()
        figure.get_by_role("button", name=button).click()
        assert settled(page, output, before)["x"] == oscillate(steps)


def test_a_slider_alone_leaves_the_state_but_the_next_tick_obeys_it(page):
    figure, output = part(page, "state")
    before = output()
    figure.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowLeft")  # to a stiffness of 0
    page.wait_for_timeout(200)
    assert output() == before
    figure.get_by_role("button", name="Tick").click()
    assert settled(page, output, before) == {"x": [1.0, 2.0], "v": [0.0, 0.0]}


def test_noise_on_a_page_has_the_laws_that_it_should(page):
    _, output = part(page, "noise")
    moments = output()
    assert abs(moments["mean"]) < 0.04 and abs(moments["var"] - 1) < 0.06
    assert abs(moments["kurtosis"] - 3) < 0.5
    assert 0 <= moments["low"] < 0.005 and 0.995 < moments["high"] < 1
    assert abs(moments["middle"] - 0.5) < 0.012


def test_a_slider_renews_only_the_noise_that_is_drawn_on_every_run(page):
    figure, output = part(page, "noise")
    before = output()
    figure.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    moved = settled(page, output, before)
    assert moved["held"] == before["held"] and moved["var"] != before["var"]
    figure.get_by_role("button", name="Again").click()
    assert settled(page, output, moved)["held"] != moved["held"]


def test_numbers_in_words_look_as_python_writes_them(page):
    figure, output = part(page, "words")
    shown = lambda: figure.locator(".widget-label").last.inner_text()  # noqa: E731
    values = {"a": 1.0, "tiny": 1e-9, "share": 0.125, "bad": float("nan")}
    template = "{a:+.2f} {tiny:.1e} {share:.1%} {bad:.3f}"
    assert shown() == template.format(**values)
    assert output()["bad"] is None  # not a number, and not hidden
    before = output()
    figure.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    settled(page, output, before)
    assert shown() == template.format(**values | {"a": 2.0, "tiny": 2e-9, "share": 0.25})


@pytest.mark.parametrize(
    ("name", "words"), [("wrong", "differ from PyTorch"), ("nonsense", "This figure stopped")]
)
def test_a_figure_that_cannot_be_trusted_says_so(page, name, words):
    figure, _ = part(page, name)
    graph = figure.locator(".dgm-graph")
    page.wait_for_function(
        "name => document.querySelectorAll('[data-dgm-state=error]').length >= 2", arg=name
    )
    assert graph.get_attribute("data-dgm-state") == "error"
    assert words in graph.inner_text() and "Reload the page" in graph.inner_text()


def test_a_graph_agrees_with_pytorch_in_whatever_order_its_inputs_were_named(page):
    figure, _ = part(page, "order")
    graph = figure.locator(".dgm-graph[data-dgm-parity]")
    assert float(graph.get_attribute("data-dgm-parity")) <= 1e-4
