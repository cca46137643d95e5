"""What the package and its dependencies leave on a reader's machine, and whom they call: nothing.

A script runs with a home and a folder for temporary files that are new and empty. What it leaves
there is listed, and so are the addresses to which it connects: those that Python sees, and those
that only the system does, where strace is installed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from browser import ROOT

WATCH = """
import sys

def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        print("connects", *arguments[1][:2])

sys.addaudithook(watch)
"""
# Every module, a figure that is exported, and one that is drawn.
USE = """
import importlib, pkgutil
import dgm_core, matplotlib
matplotlib.use("agg")
for module in pkgutil.walk_packages(dgm_core.__path__, "dgm_core."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from dgm_core import live
assert live.Graph(lambda a: {"b": 2 * a}, {"a": 1.0})._onnx
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig("figure.png")
"""
# What is looked for, done on purpose.
LEAK = """
import os, socket
open(os.path.expanduser("~/.device-id"), "w").close()
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError:
    pass
"""
FONTS = re.compile(r"home/\.cache/matplotlib/fontlist-[\w.-]+\.json")


class Traces(NamedTuple):
    """What a script has left: files, by their paths; and the addresses that it connected to."""

    files: set[str]
    connected: set[str]


def traces(script: str, folder: Path) -> Traces:
    """Run a script at home in an empty folder, as one who has never set a variable."""
    for name in ("home", "tmp", "work"):
        (folder / name).mkdir()
    kept = {"PATH", "LANG", "VIRTUAL_ENV", "OMP_NUM_THREADS"}
    env = {name: value for name, value in os.environ.items() if name in kept}
    env |= {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT)}
    env["CUDA_VISIBLE_DEVICES"] = ""  # a driver keeps what it compiles at home
    log = folder / "strace.log"
    command = [sys.executable, "-B", "-c", WATCH + script]
    if strace := shutil.which("strace"):
        command = [strace, "-f", "-qq", "-e", "trace=connect", "-o", str(log), *command]
    run = subprocess.run(
        command, env=env, cwd=folder / "work", capture_output=True, text=True, encoding="utf8"
    )
    assert run.returncode == 0, run.stderr[-3000:]
    calls = log.read_text("utf8") if strace else ""
    connected = set(re.findall(r"^connects (.*)$", run.stdout, re.MULTILINE))
    connected |= set(re.findall(r"connect\(.*?(sin6?_port=\S+ .*)\}", calls))
    files = [path for name in ("home", "tmp") for path in (folder / name).rglob("*")]
    left = {path.relative_to(folder).as_posix() for path in files if path.is_file()}
    return Traces(left, connected)


@pytest.mark.book
def test_nothing_is_left_but_a_list_of_fonts_and_nobody_is_called(tmp_path):
    left = traces(USE, tmp_path)
    assert left.connected == set()
    assert {name for name in left.files if not FONTS.fullmatch(name)} == set()


def test_a_file_at_home_and_a_connection_would_be_seen(tmp_path):
    left = traces(LEAK, tmp_path)
    assert left.files == {"home/.device-id"}
    assert "127.0.0.1 9" in left.connected
    assert not shutil.which("strace") or len(left.connected) == 2
