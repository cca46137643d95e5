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
from test_live_kernel import FIGURE

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab, at work in a folder that holds one notebook."""
    cells = [nbformat.v4.new_code_cell(FIGURE)]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "figure.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--port={port}"]
    private = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options, f"--notebook-dir={tmp_path}"],
        env={**os.environ, **private},
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail((tmp_path / "lab.log").read_text())
        yield address
    finally:
        server.terminate()
        server.wait(30)


def test_a_figure_in_jupyterlab_is_evaluated_by_the_kernel(lab, browser):
    page = browser.new_page()
    page.goto(f"{lab}/lab/tree/figure.ipynb")
    page.locator(".jp-CodeCell .cm-content").first.click(timeout=60_000)
    page.wait_for_function("document.querySelector('[data-status=idle]')", timeout=60_000)
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector("[data-dgm-state=ready]", state="attached", timeout=120_000)
    graph = page.locator("[data-dgm-state]")
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
    page.close()
