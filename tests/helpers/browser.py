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
from collections.abc import Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
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
# Whether every widget is drawn and every graph of the page's widgets has decided.
SETTLED = f"""() => {{
  const views = [...document.querySelectorAll('{WIDGET_VIEW}')];
  const drawn = views.every((view) => view.parentElement.querySelector(
    ".jupyter-widgets, .lm-Widget, [data-dgm-state]"));
  const state = document.querySelector('script[type*="widget-state"]');
  globalThis.graphsOfThePage ??= Object.values(JSON.parse(state?.textContent ?? '{{"state":{{}}}}')
    .state).filter((widget) => widget.state._spec).length;
  const decided = ({{ dataset }}) => dataset.dgmParity || dataset.dgmState === "error";
  const graphs = [...document.querySelectorAll("[data-dgm-state]")];
  return drawn && graphs.length >= globalThis.graphsOfThePage && graphs.every(decided);
}}"""
# Formulas that are TeX still.
UNSET = """() => [...document.querySelectorAll(".math")]
  .filter((formula) => !formula.querySelector("mjx-container"))"""
# Milliseconds after which what has not come is given up. So long that a machine which does ten
# other things is no failure: no test asks how soon something comes (benchmarks/pages.py does).
PATIENCE = 180_000


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
        encoding="utf8",
    )


def pages_of_the_book() -> list[str]:
    """Return the addresses of the pages that _toc.yml names, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    files = [toc["root"]]
    for part in toc["parts"]:
        files += [chapter["file"] for chapter in part["chapters"]]
    return [f"{file}.html" for file in files]


def pages_aside() -> list[str]:
    """Return the addresses of the pages of notebooks that _toc.yml does not name: no chapters."""
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / "book").rglob("*.ipynb"))]
    pages = [path.with_suffix(".html").as_posix() for path in paths]
    return [page for page in pages if page not in pages_of_the_book()]


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
    """Serves files as a static host does, without a line in the log for each.

    It knows the types that nginx 1.22 knows, as Debian ships it: neither modules nor WebAssembly.
    """

    headers_sent: Mapping[str, str] = {}
    gz_is_an_encoding = False  # as some hosts take it
    extensions_map = {  # noqa: RUF012 (as the base class has it)
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "application/octet-stream",
        ".wasm": "application/octet-stream",
    }

    def end_headers(self):
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        if self.gz_is_an_encoding and self.path.partition("?")[0].endswith(".gz"):
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()

    def log_message(self, format, *args):
        pass


class QuietServer(ThreadingHTTPServer):
    """Says nothing when a browser leaves before its answer is there."""

    def handle_error(self, request, client_address):
        pass


@contextmanager
def serve(folder: Path, headers: Mapping[str, str] | None = None, encoded: bool = False):
    """Serve ``folder`` on a free port of 127.0.0.1; yields the address, without a final slash.

    Each answer carries ``headers``, such as a policy, beside those that any server sends; where
    .gz is an encoding (``encoded``), a browser inflates such a file before a page has it.
    """
    attributes = {"headers_sent": headers or {}, "gz_is_an_encoding": encoded}
    kind = type("Handler", (QuietHandler,), attributes)
    handler = functools.partial(kind, directory=str(folder))
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


def open_context(chromium, **options):
    """Return a new context of the browser; options are those of playwright's ``new_context``."""
    options = {"viewport": {"width": 1280, "height": 900}} | options
    context = chromium.new_context(service_workers="block", **options)
    context.set_default_timeout(PATIENCE)
    context.route(OUTSIDE, lambda route: route.abort())
    return context


def settle(page) -> None:
    """Wait until every widget is drawn and every live figure has checked itself or has stopped.

    And until mathematics is set. Raises playwright's TimeoutError when that takes longer than
    PATIENCE.
    """
    page.wait_for_function(SETTLED, timeout=PATIENCE)
    page.wait_for_function(f"() => !({UNSET})().length", timeout=PATIENCE)
    # New controls get their names 50 ms after they appear: a later timer comes after that.
    page.evaluate("() => new Promise((ok) => setTimeout(ok, 100))")


def reveal(page) -> None:
    """Lay out every section of ``page``, those that are out of sight, too (dgm.css skips some)."""
    page.add_style_tag(content="section { content-visibility: visible !important; }")


def axe(page, *, exclude=()) -> list[dict]:
    """Return axe-core's serious and critical WCAG 2 A and AA findings on ``page``."""
    reveal(page)
    page.evaluate(AXE.read_text(encoding="utf8"))
    result = page.evaluate(
        """(exclude) => axe.run({exclude: exclude.map((selector) => [selector])}, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
          resultTypes: ["violations"],
          preload: false,  // it would fetch the styles, which a page on file:// must not
        })""",
        list(exclude),
    )
    return [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
