"""How tests run a Jupyter kernel: over sockets of its own, and with patience until it hangs."""

from collections.abc import Iterator
from contextlib import contextmanager

from kernel_sockets import own_sockets
from nbclient import NotebookClient

HANGS = 600  # seconds
#: Options of nbclient's NotebookClient. By default it gives up on a kernel that takes a minute to
#: start, and on outputs that are four seconds late.
PATIENCE = {"timeout": HANGS, "startup_timeout": HANGS, "iopub_timeout": HANGS}


@contextmanager
def client(notebook, **options) -> Iterator[NotebookClient]:
    """Yield what executes a notebook in place; options are those of nbclient's NotebookClient."""
    with own_sockets() as config:
        yield NotebookClient(notebook, **PATIENCE, config=config, **options)


def execute_notebook(notebook, **options) -> None:
    """Execute a notebook in place."""
    with client(notebook, **options) as runs:
        runs.execute()
