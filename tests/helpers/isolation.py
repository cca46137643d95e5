"""A pytest plugin: which tests need the book or a browser, and nothing handed on between tests."""

import os
import signal
import sys

import pytest

BROWSER = {"browser"}  # fixtures, also those that a fixture asks for
BOOK = {"built_book", "html", *BROWSER}  # html: the small book of test_build.py


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
