"""A pytest plugin: which tests need the book or a browser, and nothing handed on between tests.

And which go to one worker, where several test side by side.
"""

import os
import re
import signal
import sys

import pytest

BROWSER = {"browser"}  # fixtures, also those that a fixture asks for
BOOK = {"built_book", "html", *BROWSER}  # html: the small book of test_build.py


# Tests that share what is made once a session, and takes long: the page of the small book.
TOGETHER = {"tests/live/test_player.py": "tests/live/test_browser.py"}


def pytest_configure() -> None:
    """Let Ctrl-C be heard, by what tests start, too: whatever starts pytest may have muted it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items) -> None:
    """Mark what reads built pages or drives a browser, by the fixtures that it asks for."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))  # a notebook has none
        if fixtures & BOOK or item.path.suffix == ".ipynb":
            item.add_marker("book")
        if fixtures & BROWSER:
            item.add_marker("browser")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item) -> None:
    """Begin each test with the same random numbers, whichever ran before it.

    And with one thread, where several processes test side by side (pytest-xdist).
    """
    torch = sys.modules.get("torch")  # not imported for those that need none
    if torch:
        torch.manual_seed(0)
        if "PYTEST_XDIST_WORKER" in os.environ:
            torch.set_num_threads(1)


def group(nodeid: str) -> str:
    """Return what a test shares a worker with: its file, or its page where its id opens with one.

    An id that opens with a page has a colon behind it: ``test_page[vae/elbo:http:title]``.
    """
    file, _, test = nodeid.partition("::")
    page = re.match(r"\w+\[([^]:]+):", test)
    return f"{file} {page[1]}" if page else TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's
def pytest_xdist_make_scheduler(config, log):
    """Send a group to one worker; with ``--dist loadgroup`` and pytest 9.2, it would go to any."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    # As collected: what runs notebooks and builds books comes first, and many short files last.
    config.option.loadscopereorder = False
    return ByGroup(config, log)
