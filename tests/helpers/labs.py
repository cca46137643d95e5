"""A real JupyterLab in a browser: notebooks that are written, opened, run and closed.

Nothing here waits for a time: a page is asked until it is as it should be.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import nbformat
from browser import ROOT
from kernels import HANGS

READY = "[data-dgm-state=ready]"
RUN = "notebook:run-all-cells"
RUNTIME = "https://cdn.jsdelivr.net/npm/onnxruntime-web@*/dist/*"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PANEL = """[...(globalThis.jupyterapp?.shell.widgets("main") ?? [])].find(
  (each) => each.sessionContext && each.isVisible)"""
# The notebook is there, and its kernel, where it has one, has nothing to do.
IDLE = f"""() => {{
  const panel = {PANEL};
  const {{ isReady, session }} = panel?.sessionContext ?? {{}};
  return isReady && panel.context.isReady && panel.content.widgets.length > 0
    && (session?.kernel ?? {{ status: "idle" }}).status === "idle";
}}"""
COMMAND = f"""([name, options]) => {{
  const {{ commands, shell }} = jupyterapp;
  const panel = {PANEL};
  shell.activateById(panel.id);
  if (shell.currentWidget !== panel || !commands.isEnabled(name, options)) return false;
  void commands.execute(name, options);
  return true;
}}"""


class Lab(NamedTuple):
    """A JupyterLab at work, in a folder."""

    address: str
    folder: Path

    def write(self, name: str, *sources: str) -> None:
        """Write a notebook of code cells."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, self.folder / f"{name}.ipynb")


@contextmanager
def start(folder: Path) -> Iterator[Lab]:
    """Start a JupyterLab in a folder; it is there when this yields, and ends after."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--port={port}"]
    options += ["--expose-app-in-browser"]
    private = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    log = (folder / "lab.log").open("w", encoding="utf8")
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
                assert server.poll() is None, (folder / "lab.log").read_text(encoding="utf8")
                time.sleep(0.5)
        yield Lab(address, folder)
    finally:
        server.terminate()
        server.wait(HANGS)
        log.close()


@contextmanager
def visit(browser) -> Iterator:
    """Open a page that is patient, for a JupyterLab; its kernels end with it."""
    page = browser.new_page()
    page.set_default_timeout(1000 * HANGS)
    dist = ROOT / "node_modules/onnxruntime-web/dist"
    page.route(RUNTIME, lambda route: route.fulfill(path=dist / route.request.url.split("/")[-1]))
    yield page
    page.evaluate("globalThis.jupyterapp?.serviceManager.sessions.shutdownAll()")
    page.close()


def open_notebook(page, lab: Lab, name: str) -> None:
    """Open a notebook, in a workspace of its own, and wait for its kernel."""
    page.goto(f"{lab.address}/lab/workspaces/{name}/tree/{name}.ipynb")
    page.wait_for_function(IDLE)


def execute(page, lab: Lab, name: str, *sources: str):
    """Write a notebook, open and run it; return the element of its graph when it is ready."""
    lab.write(name, *sources)
    open_notebook(page, lab, name)
    command(page, RUN)
    page.wait_for_selector(READY, state="attached")
    return page.locator(".dgm-graph")


def command(page, name: str, **options) -> None:
    """Start a command of JupyterLab on the notebook that is seen, without waiting for its end.

    It does nothing while another part of JupyterLab is the current one, as at the beginning; nor
    would a key, which goes where the focus is.
    """
    page.wait_for_function(COMMAND, arg=[name, options])


def says(page, words: str) -> None:
    """Wait until the first graph says these words."""
    page.wait_for_function(
        "words => document.querySelector('.dgm-graph')?.innerText.includes(words)", arg=words
    )
