"""The built book in headless Chromium with the network cut: finding it, serving, reading pages.

Fixtures that hand these out are in conftest.py; what a page must satisfy is in the tests.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OUTSIDE = re.compile(r"^(?!file:|data:|blob:|about:|https?://127\.0\.0\.1[:/])")
ARGUMENTS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # the network, cut
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDGET_VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]'


def miss(reason: str) -> None:
    """Skip the test for want of a tool; fail it on CI, where half of the tests would go unseen."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def build(folder: Path) -> subprocess.CompletedProcess:
    """Build the book in ``folder`` as `jupyter-book build` does, every warning an error."""
    program = "from jupyter_book.cli.main import main; main()"
    arguments = ["build", ".", "-W", "-n", "--keep-going"]
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def pages_of_the_book() -> list[str]:
    """Return the addresses of the pages that _toc.yml names, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [toc["root"]]
    for part in toc["parts"]:
        files += [chapter["file"] for chapter in part["chapters"]]
    return [f"{file}.html" for file in files]


def find_chromium(playwright) -> str | None:
    """Return the path of a Chromium of this machine, or None."""
    paths = [*map(shutil.which, CHROMIUMS), playwright.chromium.executable_path]
    return next((path for path in paths if path and Path(path).exists()), None)


def launch(playwright, path: str):
    """Start the Chromium at ``path``, unable to resolve any host but this one."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if root else [])]  # Chromium refuses root's
    return playwright.chromium.launch(executable_path=path, args=arguments)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files as a static host does, without a line in the log for each."""

    extensions_map = {  # noqa: RUF012 (as the base class has it)
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format, *args):
        pass


class QuietServer(ThreadingHTTPServer):
    """Says nothing when a browser leaves before its answer is there."""

    def handle_error(self, request, client_address):
        pass


@contextmanager
def serve(folder: Path):
    """Serve ``folder`` on a free port of 127.0.0.1; yields the address, without a final slash."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with QuietServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def record_problems(page) -> list[str]:
    """Return a list that fills with what goes wrong on ``page``: errors, failed requests."""
    problems = []
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on(
        "console",
        lambda message: (
            message.type == "error"
            and problems.append(f"console: {message.text} ({message.location.get('url')})")
        ),
    )
    page.on(
        "requestfailed",  # ERR_ABORTED: the page itself was left
        lambda r: (
            r.failure != "net::ERR_ABORTED" and problems.append(f"failed: {r.url} ({r.failure})")
        ),
    )
    page.on(
        "response", lambda r: r.status >= 400 and problems.append(f"status {r.status}: {r.url}")
    )
    page.on(
        "request", lambda r: OUTSIDE.match(r.url) and problems.append(f"outside request: {r.url}")
    )
    return problems


def settle(page, timeout_s: float = 30.0) -> None:
    """Wait until mathematics is set, every widget is drawn and every live figure has decided.

    Raises playwright's TimeoutError when that takes over ``timeout_s`` seconds.
    """
    page.wait_for_function(
        f"""() => {{
          const typeset = !document.querySelector(".math") || window.MathJax?.startup?.promise;
          const views = [...document.querySelectorAll('{WIDGET_VIEW}')];
          const drawn = views.every((view) => view.parentElement.querySelector(
            ".jupyter-widgets, .lm-Widget, [data-dgm-state]"));
          return typeset && drawn && !document.querySelector('[data-dgm-state="loading"]');
        }}""",
        timeout=1000 * timeout_s,
    )
    page.evaluate("() => window.MathJax?.startup?.promise?.then(() => true)")
    page.wait_for_timeout(150)  # names are given to new controls 50 ms after they appear


def reveal(page) -> None:
    """Lay out every section of ``page``, those that are out of sight, too (dgm.css skips some)."""
    page.add_style_tag(content="section { content-visibility: visible !important; }")


def axe(page, *, exclude=()) -> list[dict]:
    """Return axe-core's serious and critical WCAG 2 A and AA findings on ``page``."""
    reveal(page)
    page.evaluate(AXE.read_text())
    result = page.evaluate(
        """(exclude) => axe.run({exclude: exclude.map((selector) => [selector])}, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
          resultTypes: ["violations"],
          preload: false,  // it would fetch the styles, which a page on file:// must not
        })""",
        list(exclude),
    )
    return [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
