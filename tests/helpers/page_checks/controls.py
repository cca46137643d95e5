"""Sliders, planes, pads and buttons have names, and follow keys and mouse."""

from browser import PATIENCE
from playwright.sync_api import TimeoutError as TooLate
from visits import Visit, check

from page_checks.figures import GRAPHS

OUTPUTS = f"""[...document.querySelectorAll('{GRAPHS}')]
  .map((graph) => graph.dataset.dgmOutput)"""
# What a figure that does not answer was about.
STANDING = """[scrollY, ...[...document.querySelectorAll(".dgm-view-button button")]
  .map((button) => `${button.textContent} at ${button.getBoundingClientRect().top}`),
  ...[...globalThis.dgmGraphs.values()].map((graph) => `${graph.status.state}: ${graph.steps}
  evaluations, ${graph.model.get("draws")} draws, running ${Boolean(graph.running)}`)]"""


def changes(page, act) -> None:
    """Check that ``act`` changes what some graph of ``page`` puts out, however late."""
    before = page.evaluate(OUTPUTS)
    act()
    try:
        page.wait_for_function(
            f"before => JSON.stringify({OUTPUTS}) !== JSON.stringify(before)",
            arg=before,
            timeout=PATIENCE,
        )
    except TooLate:
        raise AssertionError(f"nothing changed: {page.evaluate(STANDING)}") from None


@check("http", "file", needs="sliders")
def sliders_have_names_and_are_reached_by_the_tabulator(visit: Visit) -> None:
    sliders = visit.page.get_by_role("slider").all()
    assert sliders
    for slider in sliders:
        assert slider.get_attribute("aria-label")
        assert slider.get_attribute("tabindex") == "0"


@check("http", "file", needs="buttons")
def buttons_change_the_figure(visit: Visit) -> None:
    # Before the sliders are moved: away from a sample, "Draw another sample" has nothing to do.
    buttons = visit.page.locator(".dgm-figure .dgm-view-button button").all()
    assert buttons
    for button in buttons:
        changes(visit.page, button.click)


@check("http", "file", needs="sliders")
def sliders_follow_keys(visit: Visit) -> None:
    handles = visit.page.locator(".dgm-figure .noUi-handle").all()
    assert handles
    for handle in handles:
        handle.scroll_into_view_if_needed()
        handle.focus()
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        key = "ArrowLeft" if at_end else "ArrowRight"
        changes(visit.page, lambda key=key: visit.page.keyboard.press(key))


@check("http", "file", needs="sliders")
def sliders_follow_the_mouse(visit: Visit) -> None:
    mouse = visit.page.mouse
    for slider in visit.page.locator(".dgm-figure .noUi-target").all():
        slider.scroll_into_view_if_needed()
        track, handle = (part.bounding_box() for part in (slider, slider.locator(".noUi-handle")))
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        is_left = x < track["x"] + track["width"] / 2
        goal = track["x"] + (0.7 if is_left else 0.3) * track["width"]

        def drag(x=x, y=y, goal=goal):
            mouse.move(x, y)
            mouse.down()
            mouse.move(goal, y, steps=4)
            mouse.up()

        changes(visit.page, drag)


@check("http", "file", needs="planes")
def planes_answer_to_mouse_and_keys(visit: Visit) -> None:
    planes = visit.page.locator(".dgm-figure .dgm-plane").all()
    assert planes
    for plane in planes:
        plane.scroll_into_view_if_needed()
        width, height = (plane.bounding_box()[side] for side in ("width", "height"))
        target = {"x": 0.3 * width, "y": 0.3 * height}
        changes(visit.page, lambda plane=plane, target=target: plane.click(position=target))
        plane.locator(".dgm-handle").focus()
        changes(visit.page, lambda: visit.page.keyboard.press("ArrowUp"))


@check("http", "file", needs="pads")
def pads_answer_to_mouse_and_keys(visit: Visit) -> None:
    pads = visit.page.locator(".dgm-figure .dgm-view-pad").all()
    assert pads
    for pad in pads:
        pad.scroll_into_view_if_needed()
        paper = pad.locator(".dgm-pad")
        assert pad.locator(".dgm-title").inner_text()
        for button in reversed(pad.get_by_role("button").all()):
            changes(visit.page, button.click)  # the sample digits; "Clear" comes last
        changes(visit.page, lambda paper=paper: draw_a_stroke(visit.page, paper))
        paper.focus()
        visit.page.keyboard.press("ArrowDown")
        changes(visit.page, lambda: visit.page.keyboard.press("Space"))


def draw_a_stroke(page, paper) -> None:
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=8)
    page.mouse.up()
