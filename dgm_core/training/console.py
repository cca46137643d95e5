"""What a loop owes the person who watches it: a progress bar, and a stop that is clean."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def interrupt_deferred() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no step is left half done; a second acts.

    Example:
        >>> with interrupt_deferred() as interrupted:
        ...     interrupted.is_set()  # True after Ctrl-C
        False
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread is ever interrupted
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def note(signum, frame):
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


def progress_bar(total: int, done: int, progress: bool | None) -> tqdm:
    """Make a progress bar, on standard output: on a page, standard error is an error.

    Args:
        total: steps in all.
        done: steps done before.
        progress: whether it shows; None shows it to a person who waits.

    Example:
        >>> with progress_bar(total=500, done=20, progress=False) as bar:
        ...     bar.n, bar.total
        (20, 500)
    """
    show = _someone_waits() if progress is None else progress
    return tqdm(total=total, initial=done, disable=not show, file=sys.stdout, unit="step")


def _someone_waits() -> bool:
    """Tell whether a person watches: a terminal, or a notebook that could ask a question."""
    if os.environ.get("CI") or os.environ.get("DGM_QUIET"):
        return False
    if sys.stdout.isatty():
        return True
    if "ipykernel" not in sys.modules:
        return False
    kernel = getattr(sys.modules["IPython"].get_ipython(), "kernel", None)
    return getattr(kernel, "_allow_stdin", False)  # what executes a notebook for a page says no
