"""Where a Jupyter kernel listens: at files of its own, which no other process can want.

Ports are chosen while they are free, and taken later. Of many kernels that start at once, two now
and then choose the same: then one of them dies, or waits for ever.
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from traitlets.config import Config

LONGEST = 100  # letters of a socket's path: macOS takes 103, Linux 107


@contextlib.contextmanager
def own_sockets() -> Iterator[Config]:
    """Yield the configuration of a kernel: files of its own, or ports where these do not work."""
    with tempfile.TemporaryDirectory(prefix="dgm", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "k.json"
        if sys.platform == "win32" or len(str(file)) > LONGEST:
            yield Config()
        else:
            yield Config(KernelManager={"transport": "ipc", "connection_file": str(file)})
