"""What no chapter shows on purpose: state, noise and failures of a live figure, on a page."""

import json

import pytest
import torch
from small_book import Figure

from dgm_core.live.sources import shown_value

pytestmark = pytest.mark.browser


def oscillate(steps):
    x, v = torch.tensor([1.0, 2.0]), torch.zeros(2)
    for _ in range(steps):
        v = v - 0.1 * x
        x = x + 0.1 * v
    return pytest.approx(x.tolist(), rel=1e-5)


def oscillator(page, *keys):
    """The figure of the oscillator at its start, its slider brought there by keys."""
    figure = Figure(page, "state")
    figure.slide("Home", *keys)
    figure.press("Reset")
    figure.idle()
    return figure


def test_state_advances_by_ticks_and_a_reset_starts_again(small_page):
    figure = oscillator(small_page, "ArrowRight")
    assert figure.output()["x"] == oscillate(1)  # what the first step would put out
    for button, steps in (("Tick", 3), ("Tick", 6), ("Tick", 9), ("Reset", 1), ("Tick", 3)):
        figure.press(button)
        assert figure.idle()["x"] == oscillate(steps)


def test_a_slider_is_followed_before_the_first_tick_and_then_from_tick_to_tick(small_page):
    figure = oscillator(small_page, "ArrowRight")
    still = {"x": [1.0, 2.0], "v": [0.0, 0.0]}
    assert figure.output() != still == figure.slide("ArrowLeft")  # to a stiffness of 0
    figure.press("Tick")
    assert figure.idle() == still == figure.slide("ArrowRight")
    figure.press("Tick")
    assert figure.idle()["x"] == oscillate(3)  # three steps a tick


def test_noise_on_a_page_has_the_laws_that_it_should(small_page):
    moments = Figure(small_page, "noise").slide("Home")  # to a shift of 0
    assert abs(moments["mean"]) < 0.04 and abs(moments["var"] - 1) < 0.06
    assert abs(moments["kurtosis"] - 3) < 0.5
    assert 0 <= moments["low"] < 0.005 and 0.995 < moments["high"] < 1
    assert abs(moments["middle"] - 0.5) < 0.012


def test_a_slider_renews_only_the_noise_that_is_drawn_on_every_run(small_page):
    figure = Figure(small_page, "noise")
    before = figure.slide("Home")
    moved = figure.slide("ArrowRight")
    assert moved["held"] == before["held"] and moved["var"] != before["var"]
    figure.press("Again")
    assert figure.idle()["held"] != moved["held"]


def test_numbers_in_words_look_as_python_writes_them(small_page):
    figure = Figure(small_page, "words")
    shown = lambda: figure.box.locator(".widget-label").last.inner_text()  # noqa: E731
    values = {"a": 1.0, "tiny": 1e-9, "share": 0.125, "bad": float("nan")}
    template = "{a:+.2f} {tiny:.1e} {share:.1%} {bad:.3f}"
    written = lambda **moved: shown_value(template, "text", values | moved)  # noqa: E731
    assert figure.slide("Home", "ArrowRight")["bad"] is None  # not a number, and not hidden
    assert shown() == written()
    figure.slide("ArrowRight")
    assert shown() == written(a=2.0, tiny=2e-9, share=0.25)
    assert shown().replace("\N{NO-BREAK SPACE}", " ") == "+2.00 2.0 × 10⁻⁹ 25.0% nan"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong", "differ from PyTorch"),
        ("nonsense", "This figure stopped"),
        ("bare", "pip install 'dgm_core[pages]'"),
    ],
)
def test_a_figure_that_cannot_be_trusted_says_so(small_page, name, words):
    graph = Figure(small_page, name).graph
    assert graph.get_attribute("data-dgm-state") == "error"
    assert words in graph.inner_text() and "Reload the page" in graph.inner_text()


def test_a_graph_agrees_with_pytorch_in_whatever_order_its_inputs_were_named(small_page):
    graph = Figure(small_page, "order").graph
    assert float(graph.get_attribute("data-dgm-parity")) <= 1e-4


def test_a_page_holds_the_script_of_each_kind_of_widget_once(small_page):
    kinds = small_page.locator('script[id^="dgm-script-"]').all_text_contents()
    assert len(kinds) == len(set(kinds)) == 5  # graphs, buttons, players, a cloud, charts
    state = small_page.locator('script[type*="widget-state"]').text_content()
    assert not [kind for kind in kinds if json.dumps(kind)[1:-1] in state]
    styles = small_page.evaluate("[...document.querySelectorAll('style')].map(s => s.textContent)")
    assert len([style for style in styles if ".dgm-quiz" in style]) == 1


# ---- Charts -----------------------------------------------------------------------------------


def chart(page, which=0):
    """A chart of the page's figure of charts, its sliders at their left ends."""
    figure = Figure(page, "chart")
    figure.slide("Home")
    return figure, figure.box.locator(".dgm-chart").nth(which)


def texts(svg):
    return [text for text in svg.locator("text").all_text_contents() if text]


def test_a_chart_is_an_image_with_a_name_and_words_that_follow(small_page):
    figure, svg = chart(small_page)
    assert svg.get_attribute("role") == "img"
    assert svg.get_attribute("aria-label") == "A line that grows."
    words = small_page.locator(f"[id='{svg.get_attribute('aria-describedby')}']")
    assert "rising: from 0 at 0 up to 1 at 10." in words.text_content()
    figure.slide("End")
    assert "rising: from 0 at 0 up to 100 at 20." in words.text_content()
    assert "falling: from −100 at 20 up to 0 at 0." in words.text_content()


def test_a_charts_axes_follow_the_graph(small_page):
    figure, svg = chart(small_page)
    shown = texts(svg)
    assert shown[:2] == ["height (nats)", "x"] and "10" in shown and "20" not in shown
    figure.slide("End")
    assert "20" in texts(svg) and "100" in texts(svg)
    figure.slide("Home")
    assert "100" not in texts(svg)


def test_a_line_ends_where_its_numbers_say(small_page):
    figure, svg = chart(small_page)
    path = lambda: svg.locator("path.line").first.get_attribute("d")  # noqa: E731
    before, box = path(), svg.locator("clipPath rect")
    x, y, width = (float(box.get_attribute(name)) for name in ("x", "y", "width"))
    *_, end = before.split("L")
    ax, ay = map(float, end.split())
    assert ax == pytest.approx(x + width, abs=0.2)
    ends = [
        float(text)
        for text in svg.locator("g.back path.grid")
        .first.get_attribute("d")[1:]
        .split("H")[0]
        .split()
    ]
    assert y < ay <= ends[1]  # above the lowest line of the grid: room is left at the top
    figure.slide("ArrowRight")
    assert {"1.5", "2.0"} <= set(texts(svg))  # the axis grows with the line


def test_labels_stand_inside_and_apart(small_page):
    _, svg = chart(small_page)
    boxes = [label.bounding_box() for label in svg.locator("text.label").all()]
    frame = svg.bounding_box()
    assert len(boxes) == 2
    first, second = sorted(boxes, key=lambda box: box["y"])
    beside = (
        first["x"] + first["width"] <= second["x"] or second["x"] + second["width"] <= first["x"]
    )
    assert beside or first["y"] + first["height"] <= second["y"] + 2
    for box in boxes:
        assert (
            frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
        )


def test_logarithmic_axes_and_what_lies_outside(small_page):
    _, svg = chart(small_page, 1)
    shown = texts(svg)
    assert {"1", "100"} <= set(shown) and {"10⁻⁴", "10⁻²", "10⁰"} <= set(shown)
    assert "1 outside" in shown and svg.locator("path.beyond").count() == 2
    assert svg.locator("path.points:not(.beyond)").count() == 1  # the other, in its own shade


def test_bars_stand_over_their_names(small_page):
    _, svg = chart(small_page, 2)
    assert {"log p(x)", "ELBO", "parts", "−4"} <= set(texts(svg))
    assert svg.locator("path.bar").get_attribute("d").count("M") == 2


def test_a_chart_wears_the_colours_of_the_theme(small_page):
    _, svg = chart(small_page)
    stroke = "element => getComputedStyle(element).stroke"
    line = svg.locator("path.line").first
    seen = []
    for theme in ("light", "dark"):
        small_page.evaluate(f"document.documentElement.dataset.theme = {theme!r}")
        seen.append(line.evaluate(stroke))
    small_page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert seen == ["rgb(48, 108, 226)", "rgb(108, 178, 255)"]


def test_a_move_changes_each_series_once_and_draws_once(small_page):
    figure, svg = chart(small_page)
    count = svg.locator("path.line").first.evaluate_handle(
        """element => { const seen = { times: 0 };
          new MutationObserver((records) => (seen.times += records.length))
            .observe(element, { attributes: true, attributeFilter: ["d"] });
          return seen; }"""
    )
    figure.slide("ArrowRight")
    assert count.evaluate("seen => seen.times") <= 2  # two sliders, one drawing for each
