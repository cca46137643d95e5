"""The built book in Firefox and in WebKit: what a reader with another browser than Chromium has.

Each page is opened once in each browser. What is seen on that visit is kept, check by check, and
each check is a test of its own.
"""

import re

import pytest
from browser import miss, pages_of_the_book
from engine_checks import CHECKS
from engines import Firefox, Missing, WebKit, until

pytestmark = pytest.mark.browser
PAGES = pages_of_the_book()
FROM_DISK = ["book/vae/elbo.html", "book/flow/training-a-flow.html"]
IN_WEBKIT = [  # the title page, one of each part, the conclusion
    "book/index.html",
    "book/vae/training-a-vae.html",
    "book/gan/minimax.html",
    "book/flow/building-a-flow.html",
    "book/comparison.html",
]


class Visits:
    """Opens each address once in its browser, and remembers what each check found there."""

    def __init__(self, browser):
        self.browser = browser
        self.records = {}

    def findings(self, url: str, check) -> list[str]:
        if url not in self.records:
            self.records[url] = self.visit(url)
        return self.records[url][check.__name__]

    def visit(self, url: str) -> dict[str, list[str]]:
        try:
            self.browser.open(url)
        except RuntimeError as error:
            return {check.__name__: [f"the page did not open: {error}"] for check in CHECKS}
        record = {}
        for check in CHECKS:
            try:
                record[check.__name__] = check(self.browser)
            except RuntimeError as error:
                record[check.__name__] = [f"the browser could not tell: {error}"]
        return record


def visits(start):
    try:
        browser = start()
    except Missing as missing:
        miss(str(missing))
    try:
        yield Visits(browser)
    finally:
        browser.close()


@pytest.fixture(scope="module")
def firefox(own_libraries, tmp_path_factory):
    yield from visits(lambda: Firefox(tmp_path_factory.mktemp("firefox")))


@pytest.fixture(scope="module")
def webkit(own_libraries, built_book, tmp_path_factory):
    yield from visits(lambda: WebKit(built_book, tmp_path_factory.mktemp("webkit")))


def each(pages):
    """Parameters ``page`` and ``check``: every check on each of these pages."""

    def decorate(test):
        names = [page.removeprefix("book/").removesuffix(".html") for page in pages]
        test = pytest.mark.parametrize("page", pages, ids=names)(test)
        return pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)(test)

    return decorate


@each(PAGES)
def test_firefox(firefox, http_base, page, check):
    assert firefox.findings(f"{http_base}/{page}", check) == []


@each(FROM_DISK)
def test_firefox_from_disk(firefox, file_base, page, check):
    assert firefox.findings(f"{file_base}/{page}", check) == []


# Each of these must be noticed, or a page with an error would pass.
MISHAPS = [
    'console.error("mishap 1")',
    'setTimeout(() => { throw new Error("mishap 2"); })',
    'Promise.reject(new Error("mishap 3"))',
    'fetch("mishap-4.json")',
    'fetch("https://mishap-5.example/").catch(() => {})',
]


@pytest.mark.parametrize("page", ["book/notation.html"])
@pytest.mark.parametrize("engine", ["firefox", "webkit"])
def test_every_mishap_is_noticed(request, http_base, engine, page):
    browser = request.getfixturevalue(engine).browser
    browser.open(f"{browser.base if engine == 'webkit' else http_base}/{page}")
    for mishap in MISHAPS:
        browser.evaluate(f"void ({mishap})")

    def unnoticed():
        told = "\n".join(browser.problems())
        return [n for n in range(1, 1 + len(MISHAPS)) if not re.search(f"mishap.{n}", told)]

    until(lambda: not unnoticed())
    assert unnoticed() == []


@each(IN_WEBKIT)
def test_webkit(webkit, page, check):
    assert webkit.findings(f"{webkit.browser.base}/{page}", check) == []
