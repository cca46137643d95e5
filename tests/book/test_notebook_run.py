"""Notebooks run side by side: an error, or an interruption, costs no other notebook its result."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import notebook_cache
import notebook_run
import psutil
import pytest
from browser import ROOT

pytestmark = pytest.mark.book
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Says that it is there, then waits for the other; alone it would wait for ever.
MEET = """
import pathlib, time
pathlib.Path({mine!r}).touch()
while not pathlib.Path({other!r}).exists():
    time.sleep(0.02)
"""
STOP = """
import sys
from pathlib import Path
import notebook_run
paths = [Path(name) for name in sys.argv[2:]]
say = lambda line: print(line, flush=True)
notebook_run.Pool(paths, Path(sys.argv[1]), say).wait()
"""


@pytest.fixture
def folder(tmp_path):
    return notebook_cache.cache_folder(tmp_path / "_build")


@pytest.fixture
def write(tmp_path):
    def write(name, *sources):
        path = tmp_path / f"{name}.ipynb"
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, path)
        return path

    return write


def execute(paths, folder):
    """What became of the notebooks, by name, and the lines that were said."""
    said = []
    runs = notebook_run.Pool(paths, folder, said.append).wait()
    return {run.path.stem: run for run in runs}, said


def printed(run, cell=-1):
    return run.notebook.cells[cell].outputs[0].text.strip()


def test_as_many_run_at_once_as_are_asked_for(folder, write, monkeypatch):
    monkeypatch.setenv("DGM_KERNELS", "2")
    paths = [write(m, MEET.format(mine=m, other=o), "print(1)") for m, o in ("ab", "ba")]
    runs, said = execute(paths, folder)
    assert printed(runs["a"]) == printed(runs["b"]) == "1"
    assert "2 notebook(s) to execute, 2 at a time" in said[0]


def test_the_longest_come_first_and_one_at_a_time_if_that_is_wanted(folder, write, monkeypatch):
    monkeypatch.setenv("DGM_KERNELS", "1")
    expected = {"short": 1.0, "long": 9.0, "middle": 5.0}
    monkeypatch.setattr(notebook_run, "expected", lambda path: expected[path.stem])
    paths = [write(name, "import time\nprint(time.time())") for name in expected]
    runs, said = execute(paths, folder)
    assert sorted(runs, key=lambda name: float(printed(runs[name]))) == ["long", "middle", "short"]
    assert not any("beside" in line for line in said)


def test_kernels_share_the_cores(folder, write, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(notebook_run, "cores", lambda: 6)
    monkeypatch.setenv("DGM_KERNELS", "2")
    ask = "import os\nprint(os.environ['OMP_NUM_THREADS'])"
    runs, _ = execute([write("a", ask), write("b", ask)], folder)
    assert printed(runs["a"]) == printed(runs["b"]) == "3"


def test_the_number_of_kernels_follows_cores_and_memory(monkeypatch):
    monkeypatch.delenv("DGM_KERNELS", raising=False)
    memory = type("Memory", (), {"available": 4e9})
    monkeypatch.setattr(notebook_run.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(notebook_run, "cores", lambda: 8)
    assert notebook_run.kernels() == 2
    memory.available = 99e9
    assert notebook_run.kernels() == 8
    memory.available = 1e8
    assert notebook_run.kernels() == 1
    monkeypatch.setenv("DGM_KERNELS", "none")
    with pytest.raises(ValueError, match="DGM_KERNELS='none': give the number of kernels"):
        notebook_run.kernels()


def test_an_error_is_told_with_its_cell_and_the_others_go_on(folder, write, monkeypatch):
    monkeypatch.setenv("DGM_KERNELS", "1")
    monkeypatch.setattr(
        notebook_run, "expected", lambda path: {"bad": 2.0, "good": 1.0}[path.stem]
    )
    bad = write("bad", "x = 0", "1 / x", "print('never')")
    runs, said = execute([bad, write("good", "print('fine')")], folder)
    assert printed(runs["good"]) == "fine" and runs["good"].trace == ""
    assert runs["bad"].cell == 2 and "ZeroDivisionError" in runs["bad"].trace
    told = next(i for i, line in enumerate(said) if "FAILED" in line)
    assert "bad, cell [2]" in said[told] and "1 / x" in said[told]
    assert told < next(i for i, line in enumerate(said) if "good" in line)  # at once
    assert notebook_cache.kept(folder, bad) is None


def test_what_has_been_executed_is_not_executed_again(folder, write, tmp_path):
    count = f"with open({str(tmp_path / 'count')!r}, 'a') as f: f.write('x')"
    path = write("a", count, "print(7)")
    (first,), (second,) = (execute([path], folder)[0].values() for _ in range(2))
    assert (tmp_path / "count").read_text(encoding="utf8") == "x"
    assert not first.kept and second.kept and printed(second) == "7"
    assert second.seconds == first.seconds


def test_a_kernel_that_dies_is_an_error_of_its_notebook(folder, write):
    path = write("dies", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    runs, _ = execute([path], folder)
    assert "DeadKernelError" in runs["dies"].trace


class Unlucky(notebook_run.NotebookClient):
    """Its kernels die before they answer, as where another process has taken their ports."""

    deaths = 0

    async def async_start_new_kernel_client(self):
        if type(self).deaths > 0:
            type(self).deaths -= 1
            notebook_run._kill(self)
        return await super().async_start_new_kernel_client()


@pytest.mark.parametrize("deaths", [1, notebook_run.STARTS - 1, notebook_run.STARTS])
def test_a_kernel_that_dies_at_its_start_is_started_again(folder, write, monkeypatch, deaths):
    monkeypatch.setattr(notebook_run, "NotebookClient", Unlucky)
    monkeypatch.setattr(Unlucky, "deaths", deaths)
    runs, said = execute([write("late", "print(7)")], folder)
    assert Unlucky.deaths == 0
    if deaths < notebook_run.STARTS:
        assert printed(runs["late"]) == "7" and not runs["late"].trace
    else:
        assert "died before" in runs["late"].trace and "FAILED" in said[-1]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=lambda sign: sign.name)
def test_an_interruption_keeps_what_is_finished_and_leaves_nothing_behind(
    folder, write, tmp_path, sign
):
    quick = write("quick", "print('done')")
    waits = f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    slow = write("slow", waits + "time.sleep(9999)")
    later = write("later", "print('never begun')")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    program = [sys.executable, "-c", STOP, str(folder), str(quick), str(slow), str(later)]
    env = {**os.environ, "DGM_KERNELS": "1", "PYTHONPATH": str(ROOT / "book/_ext")}
    env |= {"TMPDIR": str(temporary), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf8"}
    process = subprocess.Popen(program, env=env, **pipes)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(encoding="utf8"))
    kernel = int((tmp_path / "pid").read_text(encoding="utf8"))
    process.send_signal(sign)
    said = process.communicate()[0]
    assert process.returncode != 0 and "KeyboardInterrupt" in said
    assert not psutil.pid_exists(kernel)
    assert notebook_cache.kept(folder, quick) and not notebook_cache.kept(folder, slow)
    assert "begins  later" not in said
    left = [p for place in (temporary, tmp_path / "runtime") for p in place.rglob("*")]
    assert [p for p in left if p.is_file()] == []


def test_two_processes_share_the_work(folder, write, tmp_path):
    count = f"with open({str(tmp_path / 'count')!r}, 'a') as f: f.write('x')"
    paths = [write(name, count, f"{name!r}") for name in "abc"]
    program = [sys.executable, "-c", STOP, str(folder), *map(str, paths)]
    env = {**os.environ, "DGM_KERNELS": "1", "PYTHONPATH": str(ROOT / "book/_ext")}
    both = [subprocess.Popen(program, env=env) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert (tmp_path / "count").read_text(encoding="utf8") == "xxx"


def test_a_chapters_name_is_what_a_reader_calls_it():
    assert notebook_run.name_of(ROOT / "book/vae/elbo.ipynb") == "vae/elbo"
    assert notebook_run.name_of(Path("elsewhere/a.ipynb")) == "elsewhere/a"


def until(condition):
    """Wait for something that must come; only a hang ends this otherwise."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")
