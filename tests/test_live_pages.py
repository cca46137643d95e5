"""Every live figure of the built book, in a browser with no kernel and no network.

Each graph brought some inputs and PyTorch's outputs for them to the page (its probe); what the
page makes of the same inputs stands in ``data-dgm-parity``, and must agree to 1e-4.
"""

import json

import pytest
from browser import pages_of_the_book

pytestmark = pytest.mark.browser
PAGES = pages_of_the_book()
GRAPHS = "[data-dgm-state]"
# Moves the first slider back and forth, and times each move until its pixels are on the screen.
LATENCY = """async () => {
  const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
  const handle = document.querySelector(".dgm-figure .noUi-handle");
  const figure = handle.closest(".dgm-figure");
  const key = figure.querySelector("[data-dgm-key]").dataset.dgmKey;
  const graph = globalThis.dgmGraphs.get(key);
  handle.scrollIntoView({ block: "center" });
  const ends = handle.getAttribute("aria-valuenow") === handle.getAttribute("aria-valuemax");
  const keys = ends ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
  const times = [];
  for (let i = 0; i < 120; i++) {
    await frame();
    const [start, steps] = [performance.now(), graph.steps];
    const options = { key: keys[i % 2], bubbles: true };
    handle.dispatchEvent(new KeyboardEvent("keydown", options));
    while (graph.steps === steps || graph.running) {
      if (performance.now() - start > 5000) throw new Error("the slider moved, the graph did not");
      await new Promise((go) => setTimeout(go));
    }
    const evaluated = performance.now() - start;
    await frame();
    times.push([evaluated, performance.now() - start]);
  }
  const sorted = (which) => times.map((time) => time[which]).sort((a, b) => a - b);
  return { evaluated: sorted(0)[60], median: sorted(1)[60], p95: sorted(1)[114] };
}"""


@pytest.fixture(params=["http", "file"])
def base(request):
    return request.getfixturevalue(f"{request.param}_base")


def outputs(page) -> list[str]:
    return page.eval_on_selector_all(GRAPHS, "graphs => graphs.map(g => g.dataset.dgmOutput)")


def changes(page, act) -> None:
    """Check that ``act`` changes what some graph of ``page`` puts out."""
    before = outputs(page)
    act()
    page.wait_for_function(
        f"""before => JSON.stringify([...document.querySelectorAll('{GRAPHS}')]
          .map((graph) => graph.dataset.dgmOutput)) !== JSON.stringify(before)""",
        arg=before,
        timeout=20_000,  # how soon is another test's question
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_is_ready_and_agrees_with_pytorch(open_page, base, page):
    opened = open_page(f"{base}/{page}")
    # The runtime and its first evaluation; a graph then checks itself against its probe.
    opened.wait_for_function(
        f"[...document.querySelectorAll('{GRAPHS}')].every((g) => g.dataset.dgmParity)"
    )
    for graph in opened.query_selector_all(GRAPHS):
        assert graph.get_attribute("data-dgm-state") == "ready", graph.inner_text()
        assert graph.get_attribute("data-dgm-backend") == "browser"
        assert float(graph.get_attribute("data-dgm-parity")) <= 1e-4
        assert "NaN" not in graph.get_attribute("data-dgm-output")
        assert "null" not in graph.get_attribute("data-dgm-output")
        json.loads(graph.get_attribute("data-dgm-output"))
    assert opened.problems == []


@pytest.mark.parametrize("page", PAGES)
def test_every_slider_has_a_name_and_follows_keys_and_mouse(open_page, base, page):
    opened = open_page(f"{base}/{page}")
    for slider in opened.get_by_role("slider").all():
        assert slider.get_attribute("aria-label")
        assert slider.get_attribute("tabindex") == "0"
    for handle in opened.locator(".dgm-figure .noUi-handle").all():
        handle.scroll_into_view_if_needed()
        handle.focus()
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        key = "ArrowLeft" if at_end else "ArrowRight"
        changes(opened, lambda key=key: opened.keyboard.press(key))
    for slider in opened.locator(".dgm-figure .noUi-target").all():
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        height = box["y"] + box["height"] / 2

        def drag(box=box, height=height):
            opened.mouse.move(box["x"] + 0.3 * box["width"], height)
            opened.mouse.down()
            opened.mouse.move(box["x"] + 0.7 * box["width"], height, steps=4)
            opened.mouse.up()

        changes(opened, drag)
    assert opened.problems == []


@pytest.mark.parametrize("page", PAGES)
def test_planes_pads_and_buttons_answer_to_mouse_and_keys(open_page, base, page):
    opened = open_page(f"{base}/{page}")
    for plane in opened.locator(".dgm-figure .dgm-plane").all():
        plane.scroll_into_view_if_needed()
        width, height = (plane.bounding_box()[side] for side in ("width", "height"))
        target = {"x": 0.3 * width, "y": 0.3 * height}
        changes(opened, lambda plane=plane, target=target: plane.click(position=target))
        plane.locator(".dgm-handle").focus()
        changes(opened, lambda: opened.keyboard.press("ArrowUp"))
    for pad in opened.locator(".dgm-figure .dgm-view-pad").all():
        pad.scroll_into_view_if_needed()
        paper = pad.locator(".dgm-pad")
        for button in reversed(pad.get_by_role("button").all()):
            changes(opened, button.click)  # the sample digits; "Clear" comes last
        changes(opened, lambda paper=paper: draw_a_stroke(opened, paper))
        paper.focus()
        opened.keyboard.press("ArrowDown")
        changes(opened, lambda: opened.keyboard.press("Space"))
    for button in opened.locator(".dgm-figure .dgm-view-button button").all():
        changes(opened, button.click)
    assert opened.problems == []


def draw_a_stroke(page, paper):
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=8)
    page.mouse.up()


@pytest.mark.parametrize("page", PAGES)
def test_a_figure_appears_soon_and_follows_its_slider(open_page, http_base, page):
    opened = open_page(f"{http_base}/{page}", wait=False)
    if not opened.evaluate("document.querySelector('script[type*=widget-view]')"):
        pytest.skip("no live figure on this page")
    opened.wait_for_selector("[data-dgm-state=ready]", state="attached")
    seconds = opened.evaluate("performance.now() / 1000")
    opened.wait_for_function("!document.querySelector('[data-dgm-state=loading]')")
    if not opened.locator(".dgm-figure .noUi-handle").count():
        pytest.skip("no slider on this page")
    # Other work on the machine only ever adds to a time: the best round is the page's. Three do on
    # a quiet machine; a busy one may need more until it leaves the page alone for a round.
    rounds = [opened.evaluate(LATENCY) for _ in range(3)]
    while (times := min(rounds, key=lambda t: t["p95"]))["p95"] > 33 and len(rounds) < 12:
        opened.wait_for_timeout(1000)
        rounds.append(opened.evaluate(LATENCY))
    print(
        f"{page}: ready after {seconds:.2f} s; slider to pixels {times['median']:.1f} ms median, "
        f"{times['p95']:.1f} ms 95th percentile; evaluated after {times['evaluated']:.1f} ms "
        f"(best of {len(rounds)} rounds)"
    )
    assert times["p95"] <= 33


@pytest.mark.parametrize("page", PAGES)
def test_quizzes_check_themselves(open_page, http_base, page):
    opened = open_page(f"{http_base}/{page}")
    for quiz in opened.locator(".dgm-quiz").all():
        quiz.get_by_role("button", name="Check").click()
        assert quiz.get_by_role("status").inner_text() in (
            "Choose an answer first.",
            "Type a number first.",
        )
        verdicts = []
        radios = quiz.get_by_role("radio").all()
        for radio in radios:
            radio.check()
            quiz.get_by_role("button", name="Check").click()
            verdicts.append(quiz.locator(".dgm-verdict").get_attribute("data-verdict"))
        if radios:
            assert sorted(verdicts) == ["right"] + ["wrong"] * (len(radios) - 1)
        else:
            quiz.get_by_role("textbox").fill("-123456")
            quiz.get_by_role("button", name="Check").click()
            assert quiz.locator(".dgm-verdict").get_attribute("data-verdict") == "wrong"
    assert opened.problems == []


@pytest.mark.parametrize("page", PAGES)
def test_without_javascript_a_picture_and_its_caption_stay(open_page, http_base, page):
    opened = open_page(f"{http_base}/{page}", wait=False, java_script_enabled=False)
    captions = opened.locator(".dgm-caption")
    for caption in captions.all():
        assert caption.locator("p").is_visible()
        picture = caption.locator("img.dgm-still")
        assert picture.is_visible() and picture.get_attribute("alt")
        assert picture.bounding_box()["width"] > 200


@pytest.mark.parametrize("page", PAGES)
def test_a_figure_without_its_runtime_says_so_in_words(open_page, http_base, page):
    opened = open_page("about:blank", wait=False)
    opened.route("**/ort/**", lambda route: route.abort())
    opened.goto(f"{http_base}/{page}")
    if not opened.evaluate("document.querySelector('script[type*=widget-view]')"):
        pytest.skip("no live figure on this page")
    opened.wait_for_selector("[data-dgm-state=error]", state="attached")
    words = opened.locator("[data-dgm-state=error]").first.inner_text()
    assert words.startswith("This figure stopped") and "Reload the page" in words
