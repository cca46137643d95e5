"""The page of the small book on hosts that know few types or forbid much, and what then stands."""

import re

import browser as helpers
import pytest
from browser import ROOT, serve

pytestmark = pytest.mark.browser

STATES = "[...document.querySelectorAll('[data-dgm-state]')].map((g) => g.dataset.dgmState)"
INSTEAD = """() => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const words = [...document.querySelectorAll(".dgm-late")];
  const pictures = [...document.querySelectorAll(".dgm-still")];
  return words.length > 0 && pictures.length > 0 && [...words, ...pictures].every(shown);
}"""
NOTHING_INSTEAD = """() => [...document.querySelectorAll(".dgm-instead")]
  .every((element) => !element.checkVisibility())"""
STOPPED = """() => {
  const graphs = [...document.querySelectorAll(".dgm-graph")];
  return graphs.length > 0 && graphs.every((graph) => graph.dataset.dgmState === "error"
    && graph.innerText.startsWith("This figure stopped"));
}"""
POLICY = re.search(r"Content-Security-Policy: (.+)", (ROOT / "README.md").read_text("utf8"))[1]


@pytest.fixture
def visit(browser, small_book_html):
    """Function that opens the page: with a policy, without some file, where .gz is an encoding."""
    contexts, servers = [], []

    def open_one(policy: str = "", missing: str = "", encoded: bool = False):
        headers = {"Content-Security-Policy": policy} if policy else None
        server = serve(small_book_html, headers, encoded)
        servers.append(server)
        address = server.__enter__()
        context = helpers.open_context(browser)
        contexts.append(context)
        if missing:
            address_of = re.compile(rf"/{re.escape(missing)}(\?|$)")  # Sphinx adds a sum
            context.route(address_of, lambda route: route.abort())
        page = context.new_page()
        page.problems = helpers.record_problems(page)
        page.goto(f"{address}/page.html")
        return page

    yield open_one
    for context in contexts:
        context.close()
    for server in servers:
        server.__exit__(None, None, None)


def test_figures_run_where_the_host_calls_modules_and_webassembly_downloads(visit):
    page = visit()
    helpers.settle(page)
    kinds = page.evaluate(
        """async () => Promise.all(["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"].map(
          async (name) => (await fetch(`${dgmBook.vendor}ort/${name}.gz`))
            .headers.get("content-type")))"""
    )
    assert kinds == ["application/gzip"] * 2
    assert page.evaluate(STATES).count("ready") == 8
    assert page.evaluate(NOTHING_INSTEAD)
    assert page.problems == []


def test_figures_run_where_the_host_takes_gz_for_an_encoding(visit):
    page = visit(encoded=True)
    helpers.settle(page)
    assert page.evaluate(STATES).count("ready") == 8
    assert page.problems == []


def test_figures_run_under_the_policy_of_the_readme(visit):
    page = visit(POLICY)
    helpers.settle(page)
    assert page.evaluate(STATES).count("ready") == 8  # three are broken on purpose
    assert page.problems == []  # a console that tells of a refused script is one


@pytest.mark.parametrize("name", ["dgm-setup.js", "manager.js.gz"])
def test_what_does_not_load_leaves_the_picture_and_words(visit, name):
    visit(missing=name).wait_for_function(INSTEAD)


@pytest.mark.parametrize("policy", [POLICY.replace(" blob:", ""), "script-src 'none'"])
def test_a_policy_that_refuses_the_figures_leaves_the_picture_and_words(visit, policy):
    assert policy != POLICY
    visit(policy).wait_for_function(INSTEAD)


@pytest.mark.parametrize("name", ["ort.wasm.bundle.min.mjs.gz", "ort-wasm-simd-threaded.wasm.gz"])
def test_a_runtime_that_does_not_load_is_told_in_words(visit, name):
    visit(missing=name).wait_for_function(STOPPED)


def test_a_policy_that_forbids_webassembly_is_told_in_words(visit):
    visit(POLICY.replace(" 'wasm-unsafe-eval'", "")).wait_for_function(STOPPED)
