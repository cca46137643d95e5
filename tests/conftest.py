"""Fixtures of the tests that read the built book in a browser; see browser.py for the helpers."""

from pathlib import Path

import book_assets
import browser as helpers
import pytest
from browser import miss
from hypothesis import settings

# The same examples on every machine and in every run; a slow machine is no failure.
settings.register_profile("book", derandomize=True, deadline=None)
settings.load_profile("book")


@pytest.fixture(scope="session")
def built_book() -> Path:
    """Folder of the built pages. Any warning of the build fails the tests that ask for it."""
    run = helpers.build(helpers.ROOT)
    if run.returncode:
        pytest.fail(f"jupyter-book build . -W failed:\n{run.stdout[-6000:]}", pytrace=False)
    return helpers.ROOT / "_build/html"


@pytest.fixture(scope="session")
def pages(built_book) -> list[str]:
    """Built pages of the table of contents, as addresses below the book's folder."""
    return [page for page in helpers.pages_of_the_book() if (built_book / page).is_file()]


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
        options = {"viewport": {"width": 1280, "height": 900}} | options
        context = browser.new_context(service_workers="block", **options)
        contexts.append(context)
        context.route(helpers.OUTSIDE, lambda route: route.abort())
        page = context.new_page()
        page.problems = helpers.record_problems(page)
        page.goto(url)
        if wait:
            helpers.settle(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
