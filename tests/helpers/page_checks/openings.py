"""How a page is opened for each visit, and brought from one stage of it to the next."""

from pathlib import Path

from browser import settle
from visits import Visit, stage

INSTRUMENTS = (Path(__file__).parent / "instruments.js").read_text(encoding="utf8")
# What scrolls is reached by the tabulator; the theme sees to it a moment after the layout changed.
TAB_STOPS = """() => [...document.querySelectorAll("pre")].every(
  (code) => code.tabIndex === 0 || code.scrollWidth <= code.clientWidth)"""


@stage("http", color_scheme="light")
def open_wide(visit: Visit) -> None:
    visit.page.add_init_script(INSTRUMENTS)
    visit.page.goto(visit.url)
    settle(visit.page)


@stage("file")
def open_from_disk(visit: Visit) -> None:
    visit.page.goto(f"{visit.url}#{visit.place}")
    settle(visit.page)


@stage("telephone", viewport={"width": 360, "height": 740})
def open_on_a_telephone(visit: Visit) -> None:
    visit.page.goto(f"{visit.url}#{visit.place}")
    settle(visit.page)


@stage("dark", color_scheme="dark")
def open_in_the_dark(visit: Visit) -> None:
    visit.page.goto(visit.url)
    settle(visit.page)
    visit.page.wait_for_function(TAB_STOPS)


@stage("print")
def put_on_paper(visit: Visit) -> None:
    visit.page.emulate_media(media="print")
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")


@stage("after-print")
def back_on_the_screen(visit: Visit) -> None:
    visit.page.emulate_media(media="screen")
    visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
    visit.page.wait_for_function(TAB_STOPS)


@stage("without-script", java_script_enabled=False)
def open_without_scripts(visit: Visit) -> None:
    visit.page.goto(visit.url)


@stage("held-runtime")
def open_without_an_answer_for_the_runtime(visit: Visit) -> None:
    visit.held = []
    visit.page.route("**/ort/**", lambda route: hold_or_refuse(visit, route))
    visit.page.goto(visit.url)
    visit.page.wait_for_selector("[data-dgm-state=loading]", state="attached")


def hold_or_refuse(visit: Visit, route) -> None:
    if visit.held is None:
        route.abort()
    else:
        visit.held.append(route)


@stage("without-runtime")
def refuse_the_runtime(visit: Visit) -> None:
    held, visit.held = visit.held, None
    for route in held:
        route.abort()
    settle(visit.page)
