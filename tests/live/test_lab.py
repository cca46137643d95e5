"""A live figure in a real JupyterLab: a slider moves, the kernel answers, pixels change."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
import torch
from browser import ROOT
from example_figures import FIGURE
from kernels import HANGS

pytestmark = pytest.mark.browser


PLAYER = """
import ipywidgets as widgets, torch
from dgm_core import live

graph = live.Graph(lambda by, total: {"total": total + by}, {"by": 1.0},
                   state={"total": torch.tensor(0.0)}, steps_per_tick=2)
widgets.VBox([live.Player(graph), graph])
"""

CHART = """
import torch
from dgm_core import live

graph = live.Graph(lambda a: {"x": torch.linspace(0, 1, 5), "y": a * torch.ones(5), "top": 2 * a},
                   {"a": 1.0})
chart = live.Chart("x", "height", ylim=(0, None))
graph.drive(chart.line(label="level"), x="x", y="y").drive(chart, ymax="top")
live.figure(chart, live.sliders(graph, a=("a", 1, 50, 1)), graph, caption="", name="fig-chart")
"""

QUIZ = r"""
from dgm_core import live
live.quiz(r"What is $\mathrm{KL}(p \,\Vert\, p)$?", answer=0, tolerance=0.1, why=r"$\log 1 = 0$")
"""

# A cell that runs until the test makes the file "go": no time is measured.
BUSY = """
import pathlib, time
while not pathlib.Path("go").exists():
    time.sleep(0.05)
"""
TWICE = """
import numpy as np
pad = live.Pad(np.zeros((1, 784)), names=["an empty one"])
box = widgets.VBox([live.Player(graph), pad, graph])
display(box)
box
"""
NOTEBOOKS = {
    "figure": [FIGURE],
    "player": [PLAYER],
    "chart": [CHART],
    "quiz": [QUIZ],
    "busy": [FIGURE, BUSY],
    "twice": [PLAYER.rsplit("widgets.VBox", 1)[0] + TWICE],
}
RUNTIME = "https://cdn.jsdelivr.net/npm/onnxruntime-web@*/dist/*"


class Lab(NamedTuple):
    """A JupyterLab at work."""

    address: str
    folder: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab, at work in a folder with the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    for name, sources in NOTEBOOKS.items():
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, folder / f"{name}.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--port={port}"]
    options += ["--expose-app-in-browser"]
    private = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options, f"--notebook-dir={folder}"],
        env={**os.environ, **private, "PYTHONPATH": str(ROOT)},  # the kernels' package, too
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:  # until it answers, or has ended
            try:
                urllib.request.urlopen(f"{address}/api", timeout=HANGS)
                break
            except OSError:
                assert server.poll() is None, (folder / "lab.log").read_text()
                time.sleep(0.5)
        yield Lab(address, folder)
    finally:
        server.terminate()
        server.wait(HANGS)
        log.close()


@pytest.fixture
def page(browser):
    """A page that is patient."""
    page = browser.new_page()
    page.set_default_timeout(1000 * HANGS)
    dist = ROOT / "node_modules/onnxruntime-web/dist"
    page.route(RUNTIME, lambda route: route.fulfill(path=dist / route.request.url.split("/")[-1]))
    yield page
    page.close()


def open_notebook(page, lab, name):
    """Open a notebook, in a workspace of its own, and wait for its kernel."""
    page.goto(f"{lab.address}/lab/workspaces/{name}/tree/{name}.ipynb")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.wait_for_function("document.querySelector('[data-status=idle]')")


def execute(page, lab, name):
    """Open a notebook, run its cell, and return the element of its graph when it is ready."""
    open_notebook(page, lab, name)
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector("[data-dgm-state=ready]", state="attached")
    return page.locator("[data-dgm-state]")


def command(page, name):
    """Start a command of JupyterLab, without waiting for its end."""
    page.evaluate(f"void jupyterapp.commands.execute('{name}')")


def says(page, words):
    """Wait until the graph says these words."""
    page.wait_for_function(
        "words => document.querySelector('.dgm-graph')?.innerText.includes(words)", arg=words
    )


def test_a_figure_waits_for_a_busy_kernel_and_never_runs_beside_it(lab, page):
    open_notebook(page, lab, "busy")
    command(page, "notebook:run-all-cells")
    says(page, "The Python kernel is busy")
    graph = page.locator(".dgm-graph")
    assert graph.get_attribute("data-dgm-backend") == ""
    assert graph.get_attribute("data-dgm-state") == "loading"
    (lab.folder / "go").touch()
    page.wait_for_selector("[data-dgm-state=ready]", state="attached")
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    assert page.evaluate("globalThis.dgmOrt") is None  # the page has not even loaded a runtime


def test_a_figure_whose_kernel_is_restarted_says_so_and_lives_on_in_the_page(lab, page):
    graph = execute(page, lab, "figure")
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    command(page, "notebook:restart-kernel")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    says(page, "no longer knows this figure")
    page.wait_for_selector("[data-dgm-state=ready][data-dgm-parity]", state="attached")
    assert graph.get_attribute("data-dgm-backend") == "browser"
    before = graph.get_attribute("data-dgm-output")
    page.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.dgm-graph').dataset.dgmOutput !== before", arg=before
    )
    command(page, "notebook:run-all-cells")  # and a figure made anew is the kernel's
    page.wait_for_selector("[data-dgm-backend=kernel][data-dgm-state=ready]", state="attached")
    assert page.locator("[data-dgm-backend]").count() == 1


def test_two_views_of_a_figure_are_one(lab, page):
    execute(page, lab, "twice")
    page.wait_for_function("document.querySelectorAll('.dgm-view-player').length === 2")
    first, second = page.locator(".dgm-view-player").all()
    ages = lambda: [view.get_attribute("data-dgm-age") for view in (first, second)]  # noqa: E731
    first.get_by_role("button", name="Play").click()
    page.wait_for_function(
        """[...document.querySelectorAll('.dgm-view-player')].every(
             ({ dataset }) => Number(dataset.dgmAge) > 20 && dataset.dgmPlaying === "true")"""
    )
    second.get_by_role("button", name="Pause").click()
    page.wait_for_function(
        """[...document.querySelectorAll('.dgm-view-player p')].every(
             (line) => line.textContent.startsWith("Paused"))"""
    )
    stopped = ages()
    assert stopped[0] == stopped[1]
    second.get_by_role("button", name="Step").click()
    page.wait_for_function(
        "age => document.querySelector('.dgm-view-player').dataset.dgmAge === age",
        arg=str(int(stopped[0]) + 1),
    )
    pads = page.locator(".dgm-pad")
    pads.nth(0).focus()
    for key in ("Space", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    pads.nth(1).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Space"):
        page.keyboard.press(key)
    page.evaluate("document.activeElement.blur()")  # the pen's place is each view's own
    pictures = pads.evaluate_all("pads => pads.map((pad) => pad.toDataURL())")
    assert pictures[0] == pictures[1]


def test_a_figure_in_jupyterlab_is_evaluated_by_the_kernel(lab, page):
    graph = execute(page, lab, "figure")
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    assert "kernel" in graph.inner_text()
    before = page.locator("canvas[role=img]").evaluate("canvas => canvas.toDataURL()")
    page.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('canvas[role=img]').toDataURL() !== before", arg=before
    )
    position = float(page.locator(".widget-readout").inner_text().replace("−", "-"))
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 784).half().float()
    total = float(net.weight.sum() * position)
    assert position > 0
    shown = json.loads(graph.get_attribute("data-dgm-output"))
    assert shown["total"] == pytest.approx(total, rel=1e-4)


def test_a_chart_in_jupyterlab_follows_the_kernel(lab, page):
    graph = execute(page, lab, "chart")
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    words = "document.querySelector('.dgm-chart desc').textContent"
    page.wait_for_function(f"{words} === 'level: 1 at 0, 1 at 0.25, 1 at 0.5, 1 at 0.75, 1 at 1.'")
    page.locator(".noUi-handle").focus()
    page.keyboard.press("End")
    page.wait_for_function(f"{words}.startsWith('level: 50 at 0, 50 at')")
    axis = "[...document.querySelectorAll('.dgm-chart text')].some((t) => t.textContent === '100')"
    page.wait_for_function(axis)  # its end is another trait, and comes with another message


def test_formulas_of_a_quiz_are_set_in_jupyterlab(lab, page):
    open_notebook(page, lab, "quiz")
    page.keyboard.press("Shift+Enter")
    form = page.locator(".dgm-quiz")
    form.locator("legend mjx-container").wait_for()
    assert "\\(" not in form.inner_text()
    form.locator("input").fill("0")
    form.get_by_role("button", name="Check").click()
    form.locator(".dgm-verdict mjx-container").wait_for()
    assert "\\" not in form.inner_text()


def test_a_player_in_jupyterlab_drives_the_kernel(lab, page):
    graph = execute(page, lab, "player")
    player = page.locator(".dgm-view-player")
    total = lambda: json.loads(graph.get_attribute("data-dgm-output"))["total"]  # noqa: E731

    def reaches(age):
        page.wait_for_function(
            f"Number(document.querySelector('.dgm-view-player').dataset.dgmAge) {age}"
        )

    player.get_by_role("button", name="Step").click()
    reaches("=== 1")
    assert total() == 1
    player.get_by_role("button", name="Play").click()
    reaches("> 20")
    player.get_by_role("button", name="Pause").click()
    page.wait_for_function(
        "document.querySelector('.dgm-view-player p').textContent.startsWith('Paused')"
    )
    assert total() == int(player.get_attribute("data-dgm-age")) > 20
    player.get_by_role("button", name="Reset").click()
    reaches("=== 0")
    assert total() == 1  # what the first step would put out
