"""The text: formulas, linked places, widths, and what a page weighs and asks for."""

import gzip
from collections import Counter

from browser import UNSET, reveal
from visits import Visit, check


HTML = 0.6e6  # bytes of a page's own HTML, gzip-compressed
MODELS = 6e6  # bytes of the exported graphs of a page, gzip-compressed
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
