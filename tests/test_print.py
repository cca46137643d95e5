"""A chapter on paper: all open, dark on light, no controls; and the page as it was after."""

import pytest
from browser import ROOT, pages_of_the_book

pytestmark = pytest.mark.browser
CHAPTERS = [p for p in pages_of_the_book() if (ROOT / p.replace(".html", ".ipynb")).exists()]
HIDDEN = """() => [...document.querySelectorAll(".solution > *, details > *, .dgm-caption p")]
  .filter((e) => !e.matches("button, script, style, .toggle-button") && e.textContent.trim())
  .filter((e) => getComputedStyle(e).visibility === "hidden" || !e.getClientRects().length)
  .map((e) => e.outerHTML.slice(0, 99))"""


@pytest.fixture(params=CHAPTERS[1:3])
def printed(request, open_page, http_base):
    page = open_page(f"{http_base}/{request.param}", color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(300)
    return page


def test_folded_code_and_solutions_are_open(printed):
    assert printed.locator(".solution").count() >= 2
    assert printed.evaluate(HIDDEN) == []


def test_figures_are_there_and_their_captions(printed):
    assert printed.locator(".dgm-figure, figure").count() > 0
    for figure in printed.locator(".dgm-figure").all():
        assert figure.bounding_box()["height"] > 50


def test_a_dark_page_is_printed_on_white_and_stays_dark_on_the_screen(printed):
    theme = "document.documentElement.dataset.theme"
    assert printed.evaluate(theme) == "light"
    printed.evaluate("dispatchEvent(new Event('afterprint'))")
    assert printed.evaluate(theme) == "dark"
    assert printed.locator("details:not([open])").count() > 0


def test_controls_of_the_page_are_not_printed(printed):
    for part in (".bd-sidebar-primary", ".bd-header-article", ".copybtn", ".dgm-run"):
        for element in printed.locator(part).all():
            assert not element.is_visible()


def test_no_section_is_skipped(printed):
    skipped = """() => [...document.querySelectorAll("section")]
      .filter((section) => getComputedStyle(section).contentVisibility !== "visible")"""
    assert printed.evaluate(skipped) == []
