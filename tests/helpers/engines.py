"""Firefox and WebKit for the tests: each starts once, shows one page at a time, leaves nothing.

Both have the same four verbs: ``open``, ``evaluate``, ``press``, ``problems``; and ``announces``,
which asks the browser's own accessibility tree. What a page must satisfy is in test_engines.py.
Firefox is driven by firefox.mjs, WebKit by Debian's WebKitWebDriver, on a display of its own.
Nothing outside 127.0.0.1 is reached by either.
"""

import functools
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from browser import ROOT, QuietHandler, QuietServer

PATIENCE = 300.0  # seconds for an answer; only what hangs takes as long
LOOKS = 1200  # at a page that has not done yet what it should
FIREFOXES = ("firefox-esr", "firefox")
KEYS = {"Tab": "\ue004", "f": "f", "ArrowLeft": "\ue012", "ArrowRight": "\ue014"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # what WebDriver calls an element's name
LISTENER = """<script>{
  const errors = (globalThis.errorsOfThisPage = []);
  addEventListener("error", ({ message, target }) =>
    errors.push(`page error: ${message ?? target.outerHTML.slice(0, 99)}`), true);
  addEventListener("unhandledrejection", ({ reason }) => errors.push(`page error: ${reason}`));
  const { error } = console;
  console.error = (...words) => {
    errors.push(`console: ${words.join(" ")}`);
    error.apply(console, words);
  };
}</script>"""


class Missing(Exception):
    """What a browser needs is not on this machine."""


def find(*names: str) -> str:
    """Return the path of the first of these programs that is there; Missing where none is."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise Missing(f"no {' or '.join(names)} on PATH")
    return path


def until(holds) -> bool:
    """Look LOOKS times, a twentieth of a second apart, whether ``holds()``; True once it does.

    Looks and not seconds are counted, as the page answers each: one that gets little of a busy
    machine answers late, and so is given longer.
    """
    for _ in range(LOOKS):
        if holds():
            return True
        time.sleep(0.05)
    return False


class Firefox:
    """Headless Firefox over WebDriver BiDi; its profile goes below ``home``."""

    def __init__(self, home: Path):
        firefox = find(*FIREFOXES)
        node = find("node")
        if not (ROOT / "node_modules/puppeteer-core").exists():
            raise Missing("no puppeteer-core: run npm ci")
        self.process = subprocess.Popen(
            [node, ROOT / "tests/helpers/firefox.mjs", firefox, str(round(1000 * PATIENCE))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf8",
            env=os.environ | dict.fromkeys(("TMPDIR", "TEMP"), str(home)),
            start_new_session=True,  # Ctrl-C is for the tests, which then close it
        )
        try:
            self.answer()
        except RuntimeError as error:
            self.close()
            raise Missing(f"{firefox} did not start: {error}") from None

    def answer(self):
        hung = threading.Timer(2 * PATIENCE, self.process.terminate)
        hung.start()
        line = self.process.stdout.readline()
        hung.cancel()
        answer = json.loads(line) if line else {"error": "firefox.mjs ended, or hung"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def call(self, name: str, argument=None):
        self.process.stdin.write(json.dumps([name, argument]) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def open(self, url: str) -> None:
        self.call("open", url)

    def evaluate(self, expression: str):
        return self.call("evaluate", expression)

    def press(self, key: str) -> None:
        self.call("press", key)

    def announces(self, role: str, name: str) -> bool:
        return self.call("announces", [role, name])

    def problems(self) -> list[str]:
        return self.call("problems")

    def close(self) -> None:
        self.process.stdin.close()
        hung = threading.Timer(2 * PATIENCE, self.process.terminate)  # it then ends Firefox first
        hung.start()
        self.process.wait()
        hung.cancel()
        self.process.stdout.close()


class Witness(QuietHandler):
    """Serves the book, and is the proxy to which a browser turns for anything outside.

    Its server's ``problems`` are the requests that failed, or led outside. WebDriver tells of no
    error on a page: a first script on each, which this server adds, writes them down.
    """

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix != ".html" or not path.is_file():
            return super().do_GET()
        page = path.read_bytes().replace(b"<head>", b"<head>" + LISTENER.encode(), 1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_CONNECT(self):
        self.send_error(502)

    def translate_path(self, path):
        # A proxy is asked for a whole address.
        return super().translate_path(path) if path.startswith("/") else "/nowhere"

    def send_error(self, code, *arguments, **options):
        self.server.problems.append(f"status {code}: {self.requestline}")
        super().send_error(code, *arguments, **options)


def keep(*command: str, **options) -> subprocess.Popen:
    """Start a program that ends, children and all, when stdin is closed, or this process ends."""
    script = """
        exec 3<&0 </dev/null
        (cat <&3; kill 0) >/dev/null &
        "$@" 3<&-
        kill 0
    """
    return subprocess.Popen(
        ["sh", "-c", script, "sh", *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
        **options,
    )


class WebKit:
    """WebKitGTK's MiniBrowser over WebDriver, for the pages of ``folder``; writes to ``home``."""

    def __init__(self, folder: Path, home: Path):
        driver, screen = find("WebKitWebDriver"), find("Xvfb")
        self.kept = []
        witness = functools.partial(Witness, directory=str(folder))
        self.server = QuietServer(("127.0.0.1", 0), witness)
        self.server.problems = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        try:
            self.start(driver, screen, home)
        except (OSError, RuntimeError) as error:
            self.close()
            raise Missing(f"{driver} did not start: {error}") from None

    def start(self, driver: str, screen: str, home: Path) -> None:
        display = keep(
            *(screen, "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf8",
        )
        self.kept.append(display)
        number = display.stdout.readline().strip()
        if not number:
            raise RuntimeError("Xvfb has no display for it")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folders = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
        own = dict.fromkeys(folders, str(home)) | {"DISPLAY": f":{number}", "GDK_BACKEND": "x11"}
        self.kept.append(keep(driver, f"--port={port}", env=os.environ | own))
        self.address = f"http://127.0.0.1:{port}"

        def answers():
            try:
                return self.call("GET", "/status")["ready"]
            except OSError:
                return False

        if not until(answers):
            raise RuntimeError("it does not answer")
        options = ["--automation", f"--proxy={self.base}", "--ignore-host=127.0.0.1"]
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": {"args": options}}}
        session = self.call("POST", "/session", capabilities=wanted)["sessionId"]
        self.address += f"/session/{session}"
        patience = round(1000 * PATIENCE)
        self.call("POST", "/timeouts", script=patience, pageLoad=patience)
        self.call("POST", "/window/rect", x=0, y=0, width=1280, height=1000)

    def call(self, method: str, path: str, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()}") from None

    def open(self, url: str) -> None:
        self.server.problems.clear()
        self.call("POST", "/url", url=url)

    def evaluate(self, expression: str):
        return self.call("POST", "/execute/sync", script=f"return ({expression})", args=[])

    def press(self, key: str) -> None:
        strokes = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": strokes}
        self.call("POST", "/actions", actions=[keyboard])

    def announces(self, role: str, name: str) -> bool:
        """Tell whether what has the focus has this role and name in the accessibility tree."""
        element = f"/element/{self.call('GET', '/element/active')[ELEMENT]}"
        found = [self.call("GET", f"{element}/computed{what}") for what in ("role", "label")]
        return found == [role, name]

    def problems(self) -> list[str]:
        return self.evaluate("errorsOfThisPage") + self.server.problems

    def close(self) -> None:
        for process in reversed(self.kept):
            process.stdin.close()
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.server.shutdown()
        self.server.server_close()
