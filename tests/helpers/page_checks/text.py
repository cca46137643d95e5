"""The text: formulas, linked places, widths, and what a page weighs and asks for."""

import gzip
from collections import Counter

from browser import reveal
from visits import Visit, check

from page_checks.openings import UNSET

HTML = 0.6e6  # bytes of a page's own HTML, gzip-compressed
MODELS = 6e6  # bytes of the exported graphs of a page, gzip-compressed
# What makes the page wider than the screen: reaches beyond it, and scrolls in nothing of its own.
WIDER = """async () => {
  const frame = () => new Promise((ok) => requestAnimationFrame(ok));
  for (let k = 0; k < 3; k++) await frame(); // charts draw themselves anew
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const held = (element) => {
    for (let up = element.parentElement; up && up !== document.body; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  return [`${page.scrollWidth} pixels`, ...[...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > page.clientWidth && !held(each))
    .map((each) => each.outerHTML.slice(0, 99))];
}"""
REQUESTS = 70  # of a page, its fonts, scripts and models among them


@check("http", "file", "telephone", needs="text formulas")
def every_formula_is_set(visit: Visit) -> None:
    assert visit.page.locator(".math").count() > 0
    assert visit.page.evaluate(f"({UNSET})().map((e) => e.outerHTML.slice(0, 99))") == []


@check("file", "telephone", needs="text formulas")
def the_linked_place_stays_on_the_screen(visit: Visit) -> None:
    assert visit.place
    top = visit.page.locator(f"[id='{visit.place}']").evaluate(
        "element => element.getBoundingClientRect().top"
    )
    assert -1 <= top < visit.page.viewport_size["height"], visit.place


@check("file", needs="boxes")  # over http a browser may ask for the icon again at a new address
def a_link_to_a_box_in_a_solution_opens_it(visit: Visit) -> None:
    """The errata lead to boxes, and some stand in the folded solution of an exercise."""
    box = visit.page.locator(".solution.toggle-hidden .admonition[id^=mistake-]").last
    name = box.get_attribute("id")
    visit.page.evaluate("name => (location.hash = name)", name)
    visit.page.wait_for_function(
        """name => {
          const box = document.getElementById(name);
          const { top } = box.getBoundingClientRect();
          return !box.closest(".toggle-hidden") && top > -2 && top < innerHeight;
        }""",
        arg=name,
    )


@check("telephone")
def a_telephone_never_scrolls_sideways(visit: Visit) -> None:
    reveal(visit.page)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
    sticking_out = visit.page.evaluate(
        """() => [...document.querySelectorAll(
            "article :is(img, .jupyter-widgets, .dgm-chart, canvas)")]
          .filter((element) => element.getBoundingClientRect().right > 360)
          .map((element) => element.outerHTML.slice(0, 99))"""
    )
    assert sticking_out == []


@check("telephone")
def nor_does_a_page_of_320_pixels(visit: Visit) -> None:
    """As wide as a page of 1280 that is enlarged four times (WCAG 2.1, 1.4.10)."""
    reveal(visit.page)
    before = visit.page.viewport_size
    visit.page.set_viewport_size(before | {"width": 320})
    try:
        assert visit.page.evaluate(WIDER) == []
    finally:
        visit.page.set_viewport_size(before)


@check("http")
def the_page_itself_is_light(visit: Visit) -> None:
    weight = len(gzip.compress(visit.html.encode()))
    print(f"{visit.name}: {weight / 1e6:.3f} MB gzip-compressed")
    assert weight <= HTML


@check("http", needs="figures")
def its_models_are_light(visit: Visit) -> None:
    names = [url.partition("/_static/live/")[2] for url in visit.requests if "/live/" in url]
    files = [visit.book / "_static/live" / name for name in set(names)]
    weight = sum(len(gzip.compress(file.read_bytes())) for file in files)
    print(f"{visit.name}: {len(files)} models, {weight / 1e6:.3f} MB gzip-compressed")
    assert weight <= MODELS


@check("http")
def nothing_is_asked_for_twice_and_not_too_much(visit: Visit) -> None:
    asked = [url for url in visit.requests if not url.startswith(("data:", "blob:"))]
    print(f"{visit.name}: {len(asked)} requests")
    assert {url: times for url, times in Counter(asked).items() if times > 1} == {}
    assert len(asked) <= REQUESTS
