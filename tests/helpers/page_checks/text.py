"""The text: formulas, linked places, widths, and what a page weighs and asks for."""

import gzip
from collections import Counter
from pathlib import Path

from browser import UNSET, reveal
from visits import Visit, check

HTML = 0.6e6  # bytes of a page's own HTML, gzip-compressed
MODELS = 6e6  # bytes of the exported graphs of a page, gzip-compressed
SHARED = 4.5e6  # bytes of scripts, styles and fonts that a first visit brings, for all pages
UNPACKED = 0.42e6  # bytes of a file that is not packed; the theme's style is the largest
SHIFT = 0.02  # of the layout, as web vitals have it
OFF = 50  # pixels of a figure's place that may stay empty
PLACES = """() => [...document.querySelectorAll(".dgm-place")].map((place) => {
  const reserved = Number.parseFloat(getComputedStyle(place).minHeight);
  const figure = place.querySelector(".dgm-figure").getBoundingClientRect().height;
  return { reserved, figure, text: place.innerText.slice(0, 60) };
})"""
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


def files_of(visit: Visit) -> set[Path]:
    """Return the files of the book that the page has asked for."""
    below = f"{visit.address}/"
    asked = (url.partition("?")[0] for url in visit.requests if url.startswith(below))
    files = (visit.book / url.removeprefix(below).partition("#")[0] for url in asked)
    return {file for file in files if file.is_file()}


def sent(file: Path) -> int:
    """Return the bytes that come of a file from a host that compresses what is text."""
    data = file.read_bytes()
    is_text = file.suffix in {".html", ".css", ".js", ".svg", ".json"}
    return len(gzip.compress(data)) if is_text else len(data)


@check("http", needs="code")
def what_all_pages_share_is_light_and_comes_packed(visit: Visit) -> None:
    shared = {f for f in files_of(visit) if "_static" in f.parts and f.parent.name != "live"}
    light, own = (sum(map(sent, files)) for files in (shared, files_of(visit) - shared))
    print(f"{visit.name}: {light / 1e6:.2f} MB shared by all pages, {own / 1e6:.2f} of its own")
    assert light <= SHARED
    # What is large comes packed, so that a host that compresses nothing sends hardly more.
    raw = {file.name: file.stat().st_size for file in shared if file.suffix != ".gz"}
    assert {name: size for name, size in raw.items() if size > UNPACKED} == {}


@check("http", needs="code")
def nothing_on_the_screen_jumps(visit: Visit) -> None:
    jumps = visit.page.evaluate("instruments.shifts()")
    assert sum(jump["value"] for jump in jumps) <= SHIFT, jumps


@check("http", "telephone", needs="figures")
def a_figure_has_its_place_before_it_comes(visit: Visit) -> None:
    reveal(visit.page)
    found = visit.page.evaluate(PLACES)
    assert found or visit.page.locator(".dgm-atlas").count()  # which brings its own place
    # What a place lacks, the text below moves by; what it has too much, stays empty.
    assert [place for place in found if not -OFF <= place["figure"] - place["reserved"] <= 4] == []


@check("http")
def the_page_itself_is_light(visit: Visit) -> None:
    weight = len(gzip.compress(visit.html.encode()))
    print(f"{visit.name}: {weight / 1e6:.3f} MB gzip-compressed")
    assert weight <= HTML


@check("http", needs="figures")
def its_models_are_light(visit: Visit) -> None:
    models = [file for file in files_of(visit) if file.parent.name == "live"]
    weight = sum(file.stat().st_size for file in models)
    print(f"{visit.name}: {len(models)} models, {weight / 1e6:.3f} MB")
    assert weight <= MODELS


@check("http")
def nothing_is_asked_for_twice_and_not_too_much(visit: Visit) -> None:
    asked = [url for url in visit.requests if not url.startswith(("data:", "blob:"))]
    print(f"{visit.name}: {len(asked)} requests")
    assert {url: times for url, times in Counter(asked).items() if times > 1} == {}
    assert len(asked) <= REQUESTS
