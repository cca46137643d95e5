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
from browser import PATIENCE
from test_live_kernel import FIGURE

pytestmark = pytest.mark.browser


PLAYER = """
import ipywidgets as widgets, torch
from dgm_core import live

graph = live.Graph(lambda by, total: {"total": total + by}, {"by": 1.0},
                   state={"total": torch.tensor(0.0)}, steps_per_tick=2)
widgets.VBox([live.Player(graph), graph])
"""


@pytest.fixture
def lab(tmp_path, request):
    """The address of a JupyterLab, at work in a folder that holds one notebook."""
    cells = [nbformat.v4.new_code_cell(getattr(request, "param", FIGURE))]
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
        for _ in range(2 * PATIENCE // 1000):
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
        server.wait(PATIENCE / 1000)


# A figure takes a kernel that is silent for 8 seconds for none; a busy machine's may be.
PATIENT = f"""(() => {{
  const later = globalThis.setTimeout;
  globalThis.setTimeout = (work, ms, ...rest) =>
    later(work, ms === 8000 ? {PATIENCE} : ms, ...rest);
}})()"""


def execute(page, lab):
    """Open the notebook, run its cell, and return the element of its graph when it is ready."""
    page.add_init_script(PATIENT)
    page.goto(f"{lab}/lab/tree/figure.ipynb")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.wait_for_function("document.querySelector('[data-status=idle]')")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector("[data-dgm-state=ready]", state="attached")
    return page.locator("[data-dgm-state]")


def test_a_figure_in_jupyterlab_is_evaluated_by_the_kernel(lab, browser):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    graph = execute(page, lab)
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


@pytest.mark.parametrize("lab", [PLAYER], indirect=True)
def test_a_player_in_jupyterlab_drives_the_kernel(lab, browser):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    graph = execute(page, lab)
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
    page.close()
