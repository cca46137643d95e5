"""A live figure in a real JupyterLab: a slider moves, the kernel answers, pixels change."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
import torch
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

# A figure that hears nothing from a kernel for eight seconds runs in the page. A busy kernel may
# take longer; the one of this test is there, however late it answers.
LATE = f"""
const wait = setTimeout;
globalThis.setTimeout = (work, after, ...rest) =>
  wait(work, after === 8000 ? {1000 * HANGS} : after, ...rest);
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab, at work in a folder with a notebook of each cell above."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    for name, source in (("figure", FIGURE), ("player", PLAYER), ("chart", CHART)):
        cells = [nbformat.v4.new_code_cell(source)]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, folder / f"{name}.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--port={port}"]
    private = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options, f"--notebook-dir={folder}"],
        env={**os.environ, **private},
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
        yield address
    finally:
        server.terminate()
        server.wait(HANGS)
        log.close()


@pytest.fixture
def page(browser):
    """A page that is patient."""
    page = browser.new_page()
    page.set_default_timeout(1000 * HANGS)
    page.add_init_script(LATE)
    yield page
    page.close()


def execute(page, lab, name):
    """Open a notebook, run its cell, and return the element of its graph when it is ready."""
    page.goto(f"{lab}/lab/workspaces/{name}/tree/{name}.ipynb")  # a workspace of its own
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.wait_for_function("document.querySelector('[data-status=idle]')")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector("[data-dgm-state=ready]", state="attached")
    return page.locator("[data-dgm-state]")


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
