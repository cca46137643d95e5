"""Every page of the built book, as a reader has it: no network, any width, light or dark."""

import gzip

import pytest
from browser import axe, pages_of_the_book, reveal, settle

pytestmark = pytest.mark.browser
PAGES = pages_of_the_book()
TELEPHONE = {"viewport": {"width": 360, "height": 740}}


@pytest.fixture(params=["http", "file"])
def base(request):
    return request.getfixturevalue(f"{request.param}_base")


@pytest.mark.parametrize("page", ["index.html", "search.html"])  # chapters: test_live_pages.py
def test_a_page_asks_for_nothing_outside_and_reports_no_error(open_page, base, page):
    assert open_page(f"{base}/{page}").problems == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", [*PAGES, "search.html"])
def test_axe_has_nothing_serious_to_say(open_page, http_base, page, mode):
    findings = axe(open_page(f"{http_base}/{page}", color_scheme=mode))
    assert [
        (finding["id"], node["target"], node["html"][:200])
        for finding in findings
        for node in finding["nodes"]
    ] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_telephone_never_scrolls_sideways(open_page, http_base, page):
    opened = open_page(f"{http_base}/{page}", **TELEPHONE)
    assert opened.problems == []
    reveal(opened)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    sticking_out = opened.evaluate(
        """() => [...document.querySelectorAll("article img, .jupyter-widgets, .bqplot, canvas")]
          .filter((element) => element.getBoundingClientRect().right > 360)
          .map((element) => element.outerHTML.slice(0, 99))"""
    )
    assert sticking_out == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_light(built_book, page):
    weight = len(gzip.compress((built_book / page).read_bytes()))
    print(f"{page}: {weight / 1e6:.3f} MB gzip-compressed")
    assert weight <= 1.5e6


def test_on_paper_there_is_only_the_text(open_page, http_base):
    page = open_page(f"{http_base}/{PAGES[-1]}")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for part in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article"):
        assert not page.locator(part).first.is_visible()
    assert page.locator("h1:visible").count() == 1
    assert page.locator("details:not([open])").count() == 0


# Formulas that are TeX still.
UNSET = """() => [...document.querySelectorAll(".math")]
  .filter((formula) => !formula.querySelector("mjx-container")).length"""


@pytest.mark.parametrize("page", PAGES)
def test_every_formula_is_set_and_the_linked_place_stays_on_the_screen(open_page, http_base, page):
    opened = open_page(f"{http_base}/{page}")
    assert opened.evaluate(UNSET) == 0
    places = opened.eval_on_selector_all(
        "article section[id]:not([id=proof-content]), article .math[id]",
        "all => all.map((element) => element.id)",
    )
    for place in places[len(places) // 2 : len(places) // 2 + 1]:
        linked = open_page(f"{http_base}/{page}#{place}")
        element = linked.locator(f"[id='{place}']")
        assert -1 <= element.evaluate("e => e.getBoundingClientRect().top") < 900, place
        assert linked.problems == []


@pytest.mark.parametrize("page", PAGES[1:3])
def test_a_figure_does_not_wait_for_the_formulas_below_the_screen(open_page, http_base, page):
    opened = open_page("about:blank", wait=False)
    opened.add_init_script(
        f"""new MutationObserver(() => {{
          if (globalThis.atFirst || !document.querySelector("[data-dgm-state=ready]")) return;
          globalThis.atFirst = {{ unset: ({UNSET})(), time: performance.now() }};
        }}).observe(document, {{ subtree: true, attributes: true, childList: true }})"""
    )
    opened.goto(f"{http_base}/{page}")
    settle(opened)
    first = opened.evaluate("globalThis.atFirst")
    if not first or opened.locator(".math").count() < 20:
        pytest.skip("no live figure on this page, or few formulas")
    if first["time"] > 8000:
        pytest.skip("this machine is so slow that the formulas came first")
    assert first["unset"] > 0


@pytest.mark.parametrize("page", PAGES[1:3])
def test_paper_waits_for_no_formula(open_page, http_base, page):
    opened = open_page(f"{http_base}/{page}", wait=False)
    if not opened.locator(".math").count():
        pytest.skip("no formula on this page")
    opened.wait_for_function("() => Boolean(globalThis.MathJax?.typeset)")
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.evaluate(UNSET) == 0


def test_search_finds_a_chapter(open_page, base):
    page = open_page(f"{base}/search.html?q=generative")
    page.wait_for_selector("#search-results a[href*='vae/']")
    assert page.problems == []
