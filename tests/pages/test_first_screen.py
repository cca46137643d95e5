"""The first screen of the book: it fits a telephone, does not jump, and answers to every hand."""

import re
from itertools import combinations

import pytest
from browser import PATIENCE, open_context, settle

pytestmark = pytest.mark.browser
PAGE = "book/index.html"
PLACE = """() => { const { style } = document.querySelector(".dgm-figure .dgm-ring");
  return style.left + " " + style.top; }"""
NUMBERS = f"() => ({PLACE})().split(' ').map(parseFloat)"
OUTPUT = "() => document.querySelector('[data-dgm-output]').dataset.dgmOutput"
BOXES = """(selectors) => selectors.map((selector) => {
  const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
  return [x, y, width, height].map((v) => Math.round(100 * v) / 100);
})"""
SCREENS = {  # css pixels: the smallest telephone, one of today, tablet, desk, a large desk
    "360": (360, 740),
    "390": (390, 844),
    "768": (768, 1024),
    "1280": (1280, 900),
    "1600": (1600, 1000),
}


@pytest.fixture
def opened(browser, own_libraries, built_book, http_base):
    """Function that opens the title page and waits until its figure is alive and at rest."""
    contexts = []

    def open_page(size="1280", *, walk=False, **options):
        width, height = SCREENS[size]
        options = {"viewport": {"width": width, "height": height}} | options
        if not walk:
            options = {"reduced_motion": "reduce"} | options
        contexts.append(open_context(browser, **options))
        page = contexts[-1].new_page()
        page.goto(f"{http_base}/{PAGE}")
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


def changed(page, before, read=OUTPUT) -> None:
    """Wait until what `read` returns on a page is not what it was."""
    page.wait_for_function(f"before => ({read})() !== before", arg=before, timeout=PATIENCE)


@pytest.mark.parametrize("size", ["390", "768", "1280", "1600"])
def test_title_sentence_and_figure_fit_the_first_screen(opened, size):
    page = opened(size)
    parts = ["h1", *(f".dgm-figure .dgm-{part}" for part in ("map", "digit", "numbers"))]
    boxes = page.evaluate(BOXES, parts)
    for _, y, _, height in boxes:
        assert y >= 0 and y + height <= SCREENS[size][1]
    assert page.get_by_text("Drag the ring").bounding_box()["y"] < boxes[1][1]


def test_few_words_stand_before_the_figure(opened):
    page = opened()
    text = page.evaluate(
        """() => { const range = document.createRange();
          range.setStartBefore(document.querySelector("article h1"));
          range.setEndBefore(document.querySelector("article .cell"));
          return range.toString(); }"""
    )
    assert 10 < len(re.findall(r"\w+", text)) <= 120
    assert "Drag" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SCREENS)
def test_no_two_names_overlap(opened, size, scheme):
    page = opened(size, color_scheme=scheme)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".dgm-figure .dgm-label")].map((name) => {
          const { left, right, top, bottom } = name.getBoundingClientRect();
          return [left, right, top, bottom]; })"""
    )
    assert len(boxes) == 10
    for one, two in combinations(boxes, 2):
        beside = one[1] <= two[0] or two[1] <= one[0]
        above = one[3] <= two[2] or two[3] <= one[2]
        assert beside or above
    frame = page.locator(".dgm-figure .dgm-map").bounding_box()
    assert all(frame["x"] <= b[0] and b[1] <= frame["x"] + frame["width"] for b in boxes)


@pytest.mark.parametrize("size", SCREENS)
def test_the_still_picture_lies_where_the_figure_comes_alive(opened, size):
    page = opened(size)
    parts = [".dgm-map", ".dgm-digit", ".dgm-title", ".dgm-switch", ".dgm-label:nth-child(5)"]
    alive = page.evaluate(BOXES, [f".dgm-figure {part}" for part in parts])
    below = page.evaluate(BOXES, ["article h2"])
    page.evaluate(
        """() => { document.querySelector(".dgm-figure").style.display = "none";
          const { style } = document.querySelector(".dgm-instead");
          style.setProperty("display", "block", "important"); }"""
    )
    still = page.evaluate(BOXES, [f".dgm-instead {part}" for part in parts])
    assert still == alive
    # Words of the still picture that come late are not there yet, or were and have gone.
    page.add_style_tag(content=".dgm-late { animation: none !important; }")
    assert page.evaluate(BOXES, ["article h2"]) == below


@pytest.mark.parametrize("size", ["390", "1280"])
def test_nothing_jumps_when_the_figure_comes_alive(opened, size):
    page = opened(size)
    shift = page.evaluate(
        """() => new Promise((ok) => {
          let total = 0;
          const add = (list) => {
            for (const { value } of list.getEntries()) total += value;
          };
          new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => ok(total), 500);
        })"""
    )
    assert shift <= 0.02


def test_the_ring_follows_mouse_and_keys_and_the_picture_the_ring(opened):
    page = opened()
    box = page.locator(".dgm-figure .dgm-map").bounding_box()
    before, picture = page.evaluate(OUTPUT), page.evaluate(INK)
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    page.mouse.up()
    changed(page, before)
    changed(page, picture, INK)
    assert page.evaluate(NUMBERS) == pytest.approx([60, 80], abs=0.2)
    ring = page.get_by_role("slider", name="Place on the map")
    said = ring.get_attribute("aria-valuetext")
    assert said.startswith("60% across, 20% up") and ring.get_attribute("aria-valuenow") == "60"
    words = page.locator(".dgm-figure .dgm-numbers").inner_text()
    latents = [float(v) for v in re.findall(r"-?[\d.]+", words.replace("−", "-"))]
    assert latents == pytest.approx([0.253, -0.842], abs=0.02)  # the normal's quantiles
    ring.focus()
    for key, place in (("ArrowRight", [62, 80]), ("Shift+ArrowUp", [62, 70])):
        page.keyboard.press(key)
        assert page.evaluate(NUMBERS) == pytest.approx(place, abs=0.2)
    for _ in range(9):
        page.keyboard.press("Shift+ArrowLeft")
    assert page.evaluate(NUMBERS)[0] == 0.5  # it stays on the map
    settle(page)
    assert "null" not in page.evaluate(OUTPUT)


INK = """() => { const canvas = document.querySelector(".dgm-figure canvas.dgm-digit");
  return canvas.getContext("2d").getImageData(0, 0, 280, 280).data.join(); }"""


def test_a_finger_moves_the_ring_and_may_scroll_beside_it(opened):
    page = opened("390", has_touch=True)
    box = page.locator(".dgm-figure .dgm-map").bounding_box()
    before = page.evaluate(PLACE)
    page.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    changed(page, before, PLACE)
    assert page.evaluate(NUMBERS) == pytest.approx([25, 50], abs=0.5)
    actions = """() => [".dgm-map", ".dgm-ring"].map(
      (part) => getComputedStyle(document.querySelector(`.dgm-figure ${part}`)).touchAction)"""
    assert page.evaluate(actions) == ["pan-y", "none"]


def test_a_switch_shows_the_digits_that_lie_there(opened):
    page = opened()
    dots = page.locator(".dgm-figure .dgm-codes path")
    assert dots.count() == 0
    switch = page.get_by_role("checkbox")
    switch.check()
    assert dots.count() == 10 and dots.first.is_visible()
    paths = dots.evaluate_all("paths => paths.map((path) => path.getAttribute('d'))")
    assert sum(path.count("M") for path in paths) == 2000
    switch.uncheck()
    assert not dots.first.is_visible()


def test_the_ring_walks_once_and_stops_for_the_reader(opened):
    page = opened(walk=True)
    start = page.evaluate(PLACE.replace(".dgm-figure", ".dgm-instead"))
    changed(page, start, PLACE)  # nobody has done anything
    page.locator(".dgm-figure .dgm-map").click(position={"x": 44, "y": 44})
    place = page.evaluate(PLACE)
    page.evaluate("() => new Promise((ok) => setTimeout(ok, 500))")
    assert page.evaluate(PLACE) == place


def test_the_ring_stays_where_less_motion_is_wanted(opened):
    page = opened()
    place = page.evaluate(PLACE)
    page.evaluate("() => new Promise((ok) => setTimeout(ok, 1500))")
    assert page.evaluate(PLACE) == place
