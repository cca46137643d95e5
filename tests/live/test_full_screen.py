"""A figure fills the screen by a button and by a key, grows, works there, and comes back."""

import pytest
from small_book import Figure

pytestmark = pytest.mark.browser

REFUSED = """() => {
  Element.prototype.requestFullscreen = () => Promise.reject(new TypeError("not allowed"));
}"""
SIZES = """() => {
  const box = document.querySelector(".dgm-full > .dgm-figure").getBoundingClientRect();
  const scale = Number(document.querySelector(".dgm-full > .dgm-figure").style
    .getPropertyValue("--dgm-scale"));
  return { left: box.left, right: innerWidth - box.right, width: box.width, scale,
    top: box.top, bottom: innerHeight - box.bottom };
}"""
FULL = "document.querySelectorAll('.dgm-full').length"
NATIVE = "Boolean(document.fullscreenElement)"


@pytest.fixture(params=["granted", "refused"])
def page(small_page, request):
    """The page where the browser grants the whole screen, and where it refuses."""
    small_page.evaluate("void (globalThis.dgmKept ??= Element.prototype.requestFullscreen)")
    small_page.evaluate("void (Element.prototype.requestFullscreen = globalThis.dgmKept)")
    if request.param == "refused":
        small_page.evaluate(REFUSED)
    yield small_page
    small_page.evaluate("void (Element.prototype.requestFullscreen = globalThis.dgmKept)")


def enter(figure):
    figure.box.locator(".noUi-handle").first.focus()
    figure.page.keyboard.press("f")
    figure.page.wait_for_function(f"{FULL} === 1")
    figure.page.evaluate(
        "() => new Promise((ok) => requestAnimationFrame(() => setTimeout(ok, 99)))"
    )


def leave(figure):
    figure.page.keyboard.press("Escape")
    figure.page.wait_for_function(f"{FULL} === 0 && !{NATIVE}")


@pytest.mark.parametrize("name", ["chart", "gan", "count", "state"])
def test_a_figure_grows_over_the_screen_and_comes_back(page, name):
    figure = Figure(page, name)
    before = figure.box.bounding_box()
    enter(figure)
    found = page.evaluate(SIZES)
    assert found["scale"] >= 1 and found["width"] >= before["width"]
    assert found["left"] == pytest.approx(found["right"], abs=16)  # a scroll bar, if it is high
    assert found["left"] >= 0 and found["top"] >= 0
    if found["scale"] > 1:
        assert found["bottom"] >= 0  # all of it is seen
    leave(figure)
    assert figure.box.bounding_box()["width"] == before["width"]


def test_a_slider_moves_there_by_key_and_by_mouse_and_the_chart_follows(page):
    figure = Figure(page, "chart")
    figure.slide("Home")
    enter(figure)
    page.keyboard.press("ArrowRight")
    moved = figure.idle()["half"]
    assert moved > 0.5
    track = figure.box.locator(".noUi-base").first.bounding_box()
    page.mouse.click(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    assert figure.idle()["half"] == pytest.approx(25, abs=2)  # half of 1 to 100, halved
    leave(figure)


def test_the_button_has_a_name_and_says_what_it_does_next(page):
    figure = Figure(page, "chart")
    figure.box.hover()
    figure.press("Full screen")
    page.wait_for_function(f"{FULL} === 1")
    figure.press("Leave full screen")
    page.wait_for_function(f"{FULL} === 0 && !{NATIVE}")
    assert figure.box.get_by_role("button", name="Full screen").count() == 1


def test_f_is_a_letter_where_one_types(page):
    figure = Figure(page, "chart")
    readout = figure.box.locator(".widget-readout").first
    readout.focus()
    page.keyboard.press("f")
    assert page.evaluate(FULL) == 0
    page.keyboard.press("Escape")
    readout.evaluate("element => element.blur()")
