"""A notebook served by Voila, where that is installed: its figure is whole, and alive."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time

import nbformat
import pytest
from browser import ROOT
from kernels import HANGS
from labs import KERNEL, READY

pytestmark = pytest.mark.browser

CELL = """
import torch
from dgm_core import live

graph = live.Graph(lambda a: {"x": torch.linspace(0, 1, 5), "y": a * torch.ones(5)}, {"a": 1.0})
chart = live.Chart("x", "height", ylim=(0, None))
graph.drive(chart.line(label="level"), x="x", y="y")
live.figure(chart, live.sliders(graph, a=("a", 1, 50, 1)), graph, caption="", name="fig-chart")
"""
WHOLE = """() => {
  const chart = document.querySelector(".dgm-view-chart");
  const { bottom } = chart.querySelector("svg").getBoundingClientRect();
  return bottom <= chart.getBoundingClientRect().bottom;
}"""


def listens(port: int) -> bool:
    """Tell whether somebody answers at a port of this machine."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def voila(tmp_path):
    """Address of a notebook that Voila serves, without a final slash."""
    if importlib.util.find_spec("voila") is None:
        pytest.skip("no Voila: the book does not need it; pip install voila, to test with it")
    cells = [nbformat.v4.new_code_cell(CELL)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}"]
    private = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    log = (tmp_path / "voila.log").open("w", encoding="utf8")
    server = subprocess.Popen(
        [sys.executable, "-m", "voila", str(tmp_path / "chapter.ipynb"), *options],
        env={**os.environ, **private, "PYTHONPATH": str(ROOT)},
        stdout=log,
        stderr=log,
    )
    while not listens(port):
        assert server.poll() is None, (tmp_path / "voila.log").read_text(encoding="utf8")
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(HANGS)
    log.close()


def test_a_figure_that_voila_serves_is_whole_and_alive_by_the_kernel(voila, browser):
    page = browser.new_page()
    page.set_default_timeout(1000 * HANGS)
    page.goto(voila, timeout=1000 * HANGS)
    page.wait_for_selector(READY, state="attached")
    graph = page.locator(".dgm-graph")
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    page.wait_for_function(WHOLE)
    page.locator(".noUi-handle").press("ArrowRight")
    page.wait_for_function(
        "() => JSON.parse(document.querySelector('.dgm-graph').dataset.dgmOutput).y[0] === 2"
    )
    assert json.loads(graph.get_attribute("data-dgm-output"))["y"] == [2] * 5
    page.close()
