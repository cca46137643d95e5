"""A chapter on paper: all open, dark on light, no controls; and the page as it was after."""

from browser import UNSET
from visits import Visit, check

HIDDEN = """() => [...document.querySelectorAll(".solution > *, details > *, .dgm-caption p")]
  .filter((e) => !e.matches("button, script, style, .toggle-button") && e.textContent.trim())
  .filter((e) => getComputedStyle(e).visibility === "hidden" || !e.getClientRects().length)
  .map((e) => e.outerHTML.slice(0, 99))"""
THEME = "document.documentElement.dataset.theme"
FOLDED = "details:not([open])"


@check("print", needs="text formulas")
def paper_waits_for_no_formula(visit: Visit) -> None:
    assert visit.page.evaluate(f"({UNSET})().map((e) => e.outerHTML.slice(0, 99))") == []


@check("print")
def nothing_that_is_folded_stays_hidden(visit: Visit) -> None:
    # A solution opens in the time that the style gives it: what is still hidden then is wrong.
    visit.page.wait_for_function(
        "() => document.getAnimations().every((a) => a.playState !== 'running')"
    )
    assert visit.page.evaluate(HIDDEN) == []
    assert visit.page.locator(FOLDED).count() == 0


@check("print", needs="solutions")
def solutions_are_there(visit: Visit) -> None:
    assert visit.page.locator(".solution").count() >= 2


@check("print", needs="figures")
def figures_are_there_and_have_a_height(visit: Visit) -> None:
    figures = visit.page.locator(".dgm-figure").all()
    assert figures
    for figure in figures:
        assert figure.bounding_box()["height"] > 50


@check("print")
def a_dark_page_is_printed_on_white(visit: Visit) -> None:
    assert visit.page.evaluate(THEME) == "light"


@check("print")
def there_is_the_text_and_no_control(visit: Visit) -> None:
    assert visit.page.locator("h1:visible").count() == 1
    assert visit.page.locator(".bd-sidebar-primary").count() > 0
    for part in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article"):
        for element in visit.page.locator(part).all():
            assert not element.is_visible(), part
    for part in (".copybtn", ".dgm-run"):
        for element in visit.page.locator(part).all():
            assert not element.is_visible(), part


@check("print")
def no_section_is_skipped(visit: Visit) -> None:
    skipped = """() => [...document.querySelectorAll("section")]
      .filter((section) => getComputedStyle(section).contentVisibility !== "visible").length"""
    assert visit.page.evaluate(skipped) == 0


@check("dark", "after-print")
def a_dark_page_stays_dark_on_the_screen(visit: Visit) -> None:
    assert visit.page.evaluate(THEME) == "dark"


@check("after-print", needs="solutions code")
def what_was_folded_is_folded_again(visit: Visit) -> None:
    assert visit.page.locator(FOLDED).count() > 0
