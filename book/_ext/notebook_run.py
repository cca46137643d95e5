"""Executes notebooks side by side: the longest first, each alone in a kernel of its own.

What has been executed goes to the cache (notebook_cache) at once. So an error, or Ctrl-C, costs
the notebooks that had not ended, and no other; two processes at work on one book share it out.
"""

import atexit
import contextlib
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import notebook_cache
import psutil
from filelock import Timeout
from kernel_sockets import own_sockets
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

ROOT = notebook_cache.ROOT
MEMORY = 1.5e9  # bytes that a kernel may need
EXPECTED = json.loads(Path(__file__).with_name("notebook_seconds.json").read_text("utf8"))
STARTS = 3  # times that a kernel is started which dies before it answers
HANGS = 3600  # seconds of one cell after which it is taken to hang
LATE = 600  # seconds of a kernel's start, likewise

# Kernels inherit this. Idle OpenMP threads that spin slow training down many times over when
# another process wants the core. Threads that sleep at once make it a quarter slower; so they
# spin, for some microseconds.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
# No library reports home from a machine that builds the book.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# The kernel named python3 is this environment's, not one that the reader installed for all.
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")


def settle_without_home(build: Path = ROOT / "_build") -> None:
    """Give matplotlib a folder under ``build`` where it may not write into the home directory.

    It would complain in the outputs of each notebook, and so on the pages.
    """
    if "MPLCONFIGDIR" in os.environ:
        return
    try:
        with tempfile.TemporaryFile(dir=Path.home()):
            return
    except (OSError, RuntimeError):  # not there, not writable, or nobody knows where
        folder = build / "matplotlib"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["MPLCONFIGDIR"] = str(folder)


@dataclass
class Run:
    """What became of a notebook.

    Attributes:
        path: of the notebook.
        notebook: with the outputs of the cells that were executed.
        seconds: from the start of its kernel to the end; of an earlier run if `kept`.
        kept: whether it was in the cache already.
        cell: the number in brackets of the cell that failed, as Jupyter shows it.
        trace: what failed, with its traceback; empty if nothing did.
    """

    path: Path
    notebook: nbformat.NotebookNode
    seconds: float
    kept: bool = False
    cell: int | None = None
    trace: str = ""


class Stopped(Exception):
    """The notebook was not executed to its end, because the pool was stopped."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def kernels() -> int:
    """Return how many kernels this machine carries at once: by its cores and its free memory.

    The environment variable ``DGM_KERNELS`` overrides the number.

    Raises:
        ValueError: ``DGM_KERNELS`` is no number of at least 1.
    """
    asked = os.environ.get("DGM_KERNELS")
    if asked is not None:
        if not asked.isdigit() or int(asked) < 1:
            raise ValueError(f"DGM_KERNELS={asked!r}: give the number of kernels, 1 or more")
        return int(asked)
    return max(1, min(cores(), int(psutil.virtual_memory().available // MEMORY)))


def name_of(path: Path) -> str:
    """Return what a reader calls a chapter: its path below book/, without its ending."""
    inside = path.is_relative_to(ROOT / "book")
    return (path.relative_to(ROOT / "book") if inside else path).with_suffix("").as_posix()


def expected(path: Path) -> float:
    """Return the seconds that a notebook took elsewhere; an unknown one may be the longest."""
    return EXPECTED.get(name_of(path), max(EXPECTED.values(), default=60.0))


class Pool:
    """Executes notebooks in the background, and tells what it does.

    Attributes:
        runs: a future of the `Run` of each notebook.
        at_once: how many kernels work side by side.
        threads: how many threads each of them has.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        folder: Path,
        say: Callable[[str], None],
        threads: int | None = None,
    ):
        """Start to execute what is not in the cache.

        Args:
            paths: the notebooks.
            folder: the cache.
            say: is given each line for the reader, from any thread.
            threads: for each kernel; by default they share the cores.
        """
        self.runs: dict[Path, Future] = {}
        self._folder, self._say, self._lock = folder, say, threading.RLock()
        self._clients: dict[Path, NotebookClient] = {}
        self._stopping = False
        self._rest: dict[
            Path, float
        ] = {}  # seconds that those which have not ended need elsewhere
        self._took = [0.0, 0.0]  # seconds of those that have ended, here and elsewhere
        for path in paths:
            bundle = notebook_cache.kept(folder, path)
            if bundle is None:
                self._rest[path] = expected(path)
            else:
                self.runs[path] = Future()
                self.runs[path].set_result(_kept_run(path, bundle))
        self._total = len(self._rest)
        self.at_once = max(1, min(kernels(), self._total))
        self.threads = threads or max(1, cores() // self.at_once)
        if self._total:
            say(
                f"{self._total} notebook(s) to execute, {self.at_once} at a time, each with "
                f"{self.threads} thread(s); {self._left()}. DGM_KERNELS sets how many at a time."
            )
        self._workers = ThreadPoolExecutor(self.at_once, "notebook")
        for path in sorted(self._rest, key=self._rest.get, reverse=True):
            self.runs[path] = self._workers.submit(self._one, path)

    def wait(self) -> list[Run]:
        """Wait for all notebooks. Ctrl-C, and a request to terminate, end what runs."""
        try:
            with _terminated_is_interrupted():
                return [future.result() for future in self.runs.values()]
        finally:
            self.stop()

    def stop(self) -> None:
        """End what runs and begin nothing more. When this returns, no kernel is left."""
        self._stopping = True
        for future in self.runs.values():
            future.cancel()
        while not all(future.done() for future in self.runs.values()):
            with self._lock:
                for client in self._clients.values():
                    _kill(client)
            time.sleep(0.05)
        self._workers.shutdown()

    def _left(self) -> str:
        here, there = self._took
        pace = here / there if there else 1.0
        seconds = max(sum(self._rest.values()) / self.at_once, max(self._rest.values(), default=0))
        return f"about {max(1, round(pace * seconds / 60))} min left"

    def _one(self, path: Path) -> Run:
        """Execute a notebook, unless another process does: then wait for what it makes of it."""
        while True:
            if self._stopping:
                raise Stopped(path)
            try:
                with notebook_cache.running(self._folder, path).acquire(timeout=1):
                    bundle = notebook_cache.kept(self._folder, path)
                    run = _kept_run(path, bundle) if bundle else self._execute(path)
                    break
            except Timeout:
                continue
        self._tell_end(run)
        return run

    def _execute(self, path: Path) -> Run:
        run = Run(path, nbformat.read(path, 4), 0.0)
        with self._lock:
            beside = ", ".join(map(name_of, self._clients))
        self._say(f"  begins  {name_of(path)}" + (f", beside {beside}" if beside else ""))
        threads = os.environ.get("OMP_NUM_THREADS", str(self.threads))
        start = time.perf_counter()
        try:
            for rest in reversed(range(STARTS)):
                if self._attempt(path, run.notebook, threads, again=rest > 0):
                    break
        except CellExecutionError:
            run.cell, run.trace = _failure(run.notebook)
        except Exception as error:  # a kernel that died or never came, a cell that hangs
            run.trace = f"{type(error).__name__}: {error}"
        run.seconds = time.perf_counter() - start
        if run.trace and self._stopping:
            raise Stopped(path)
        if not run.trace:
            notebook_cache.keep(self._folder, path, run.notebook, run.seconds, int(threads))
        return run

    def _attempt(self, path: Path, notebook, threads: str, *, again: bool) -> bool:
        """Execute a notebook; return False if its kernel never answered and may come again.

        Over ports, another process may have taken one since it was free to be chosen.
        """
        with own_sockets() as config:
            client = NotebookClient(
                notebook,
                timeout=HANGS,
                startup_timeout=LATE,
                iopub_timeout=HANGS,  # by default an output that is four seconds late is lost
                resources={"metadata": {"path": str(path.parent)}},
                record_timing=True,
                extra_arguments=["--IPKernelApp.log_level=ERROR"],  # else each warns of ports
                config=config,
            )
            with self._lock:
                self._clients[path] = client
            try:
                client.execute(env={**os.environ, "OMP_NUM_THREADS": threads})
            except RuntimeError as error:
                silent = any(words in str(error) for words in ("died before", "didn't respond"))
                if isinstance(error, DeadKernelError) or not silent:
                    raise  # it had begun
                _kill(client)
                atexit.unregister(client._cleanup_kernel)  # which nbclient forgets then
                if self._stopping or not again:
                    raise
                return False
            finally:
                with self._lock:
                    del self._clients[path]
        return True

    def _tell_end(self, run: Run) -> None:
        name = name_of(run.path)
        with self._lock:
            there = self._rest.pop(run.path)
            if not (run.kept or run.trace):
                self._took = [self._took[0] + run.seconds, self._took[1] + there]
            rest = f"{self._total - len(self._rest)} of {self._total}"
            rest += f", {self._left()}" if self._rest else ""
        if run.trace:
            told = f"  FAILED  {name}, cell [{run.cell}], after {run.seconds:.0f} s; {rest}"
            self._say(f"{told}\n{run.trace}")
        elif run.kept:
            self._say(f"  done    {name}, by another process; {rest}")
        else:
            self._say(f"  done    {name} in {run.seconds:.0f} s; {rest}")


def _kept_run(path: Path, bundle) -> Run:
    return Run(path, bundle.nb, bundle.record.data["execution_seconds"], kept=True)


def _failure(notebook) -> tuple[int, str]:
    """Return the number of the cell that failed, its source and the traceback."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return cell.execution_count, "\n".join([cell.source, "-" * 75, *output.traceback])
    raise ValueError("no cell has failed")


def _kill(client: NotebookClient) -> None:
    """End the kernel of a client and all that it started; nbclient then removes its files."""
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    with contextlib.suppress(psutil.NoSuchProcess, AttributeError):
        kernel = psutil.Process(process.pid)
        for each in [*kernel.children(recursive=True), kernel]:
            each.kill()


@contextlib.contextmanager
def _terminated_is_interrupted():
    """Let SIGTERM do what Ctrl-C does, so that kernels are ended, too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
