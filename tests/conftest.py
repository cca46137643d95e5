"""Fixtures of the tests that read the built book in a browser; see helpers/browser.py."""

import json
import os
import uuid
from pathlib import Path

import book_assets
import browser as helpers
import filelock
import jaxtyping
import pytest
import small_book
from browser import miss
from hypothesis import settings

pytest.register_assert_rewrite("contracts", "page_checks", "trainings")  # as in the tests

# The same examples on every machine and in every run; a slow machine is no failure.
settings.register_profile("book", derandomize=True, deadline=None)
settings.load_profile("book")


@pytest.fixture
def as_a_reader_calls():
    """Check no annotations, as outside of tests: what is wrong then is the function's to say."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def built_book() -> Path:
    """Folder of the built pages. Any warning of the build fails the tests that ask for it.

    Workers of one run (pytest-xdist) share one build: the first makes it while others wait.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    folder = helpers.ROOT / "_build"
    folder.mkdir(exist_ok=True)
    made = folder / "tested.json"  # by which run the pages were built, and what went wrong
    with filelock.FileLock(folder / "tested.lock"):
        if not made.exists() or json.loads(made.read_text(encoding="utf8"))["run"] != run:
            build = helpers.build(helpers.ROOT)
            error = build.stdout[-6000:] if build.returncode else ""
            made.write_text(json.dumps({"run": run, "error": error}), encoding="utf8")
        error = json.loads(made.read_text(encoding="utf8"))["error"]
    if error:
        pytest.fail(f"jupyter-book build . -W failed:\n{error}", pytrace=False)
    return folder / "html"


@pytest.fixture(scope="session")
def http_base(built_book):
    """Address of a local server of the built book, without a final slash."""
    with helpers.serve(built_book) as address:
        yield address


@pytest.fixture(scope="session")
def file_base(built_book) -> str:
    """Address of the built book on disk, without a final slash."""
    return built_book.as_uri()


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium with the network cut; the test is skipped where there is none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = helpers.find_chromium(playwright)
        if path is None:
            miss("no Chromium: none on PATH (chromium, google-chrome), none of playwright's")
        chromium = helpers.launch(playwright, path)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def own_libraries():
    """Skip the test where the pages need a CDN, which a browser without network never reaches."""
    if not book_assets.shipped(helpers.ROOT):
        miss("the pages take their libraries from a CDN: run npm ci")


@pytest.fixture
def open_page(browser, own_libraries):
    """Function ``open_page(url, **options)`` that opens a page and waits until it has settled.

    Options are those of playwright's ``new_context`` (``viewport``, ``color_scheme``,
    ``java_script_enabled`` ...), and ``wait=False`` to return as soon as the page is loaded.
    ``page.problems`` is a list of what went wrong so far: errors, failed or outside requests.
    """
    contexts = []

    def open_one(url: str, *, wait: bool = True, **options):
        context = helpers.open_context(browser, **options)
        contexts.append(context)
        page = context.new_page()
        page.problems = helpers.record_problems(page)
        page.goto(url)
        if wait:
            helpers.settle(page)
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def small_book_html(tmp_path_factory):
    """Folder of the small book's page (small_book.py), built once."""
    return small_book.make(tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="session")
def small_page(browser, small_book_html):
    """The page of the small book, opened once for all tests that ask for it."""
    with helpers.serve(small_book_html) as address:
        context = helpers.open_context(browser)
        page = context.new_page()
        page.problems = helpers.record_problems(page)
        page.goto(f"{address}/page.html")
        helpers.settle(page)
        yield page
        context.close()
