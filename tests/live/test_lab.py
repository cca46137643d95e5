"""A live figure in a real JupyterLab: a slider moves, the kernel answers, pixels change."""

import json

import pytest
import torch
from example_figures import FIGURE
from labs import READY, RUN, command, execute, open_notebook, says

pytestmark = pytest.mark.browser

PLAYER = """
import ipywidgets as widgets, torch
from dgm_core import live

graph = live.Graph(lambda by, total: {"total": total + by}, {"by": 1.0},
                   state={"total": torch.tensor(0.0)}, steps_per_tick=2)
widgets.VBox([live.Player(graph), graph])
"""

CHART = """
import torch
from dgm_core import live

graph = live.Graph(lambda a: {"x": torch.linspace(0, 1, 5), "y": a * torch.ones(5), "top": 2 * a},
                   {"a": 1.0})
chart = live.Chart("x", "height", ylim=(0, None))
graph.drive(chart.line(label="level"), x="x", y="y").drive(chart, ymax="top")
live.figure(chart, live.sliders(graph, a=("a", 1, 50, 1)), graph, caption="", name="fig-chart")
"""

QUIZ = r"""
from dgm_core import live
live.quiz(r"What is $\mathrm{KL}(p \,\Vert\, p)$?", answer=0, tolerance=0.1, why=r"$\log 1 = 0$")
"""

# A cell that runs until the test makes the file "go": no time is measured.
BUSY = """
import pathlib, time
while not pathlib.Path("go").exists():
    time.sleep(0.05)
"""
TWICE = """
import numpy as np
pad = live.Pad(np.zeros((1, 784)), names=["an empty one"])
box = widgets.VBox([live.Player(graph), pad, graph])
display(box)
box
"""
# anywidget waits for a script for two seconds; here, not at all.
LATE = """
const { timeout } = AbortSignal;
globalThis.givenUp = 0;
AbortSignal.timeout = (ms) =>
  ms === 2000
    ? { addEventListener: (_, call) => { givenUp += 1; call(); } }
    : timeout.call(AbortSignal, ms);
"""


def test_a_figure_waits_for_a_busy_kernel_and_never_runs_beside_it(lab, page):
    lab.write("busy", FIGURE, BUSY)
    open_notebook(page, lab, "busy")
    command(page, RUN)
    says(page, "The Python kernel is busy")
    graph = page.locator(".dgm-graph")
    assert graph.get_attribute("data-dgm-backend") == ""
    assert graph.get_attribute("data-dgm-state") == "loading"
    (lab.folder / "go").touch()
    page.wait_for_selector(READY, state="attached")
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    assert page.evaluate("globalThis.dgmOrt") is None  # the page has not even loaded a runtime


def test_a_figure_whose_kernel_is_restarted_says_so_and_lives_on_in_the_page(lab, page):
    graph = execute(page, lab, "figure", FIGURE)
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    command(page, "notebook:restart-kernel")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    says(page, "no longer knows this figure")
    page.wait_for_selector("[data-dgm-state=ready][data-dgm-parity]", state="attached")
    assert graph.get_attribute("data-dgm-backend") == "browser"
    before = graph.get_attribute("data-dgm-output")
    page.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.dgm-graph').dataset.dgmOutput !== before", arg=before
    )
    command(page, RUN)  # and a figure made anew is the kernel's
    page.wait_for_selector("[data-dgm-backend=kernel][data-dgm-state=ready]", state="attached")
    assert page.locator("[data-dgm-backend]").count() == 1


def test_two_views_of_a_figure_are_one(lab, page):
    execute(page, lab, "twice", PLAYER.rsplit("widgets.VBox", 1)[0] + TWICE)
    page.wait_for_function("document.querySelectorAll('.dgm-view-player').length === 2")
    first, second = page.locator(".dgm-view-player").all()
    ages = lambda: [view.get_attribute("data-dgm-age") for view in (first, second)]  # noqa: E731
    first.get_by_role("button", name="Play").click()
    page.wait_for_function(
        """[...document.querySelectorAll('.dgm-view-player')].every(
             ({ dataset }) => Number(dataset.dgmAge) > 20 && dataset.dgmPlaying === "true")"""
    )
    second.get_by_role("button", name="Pause").click()
    page.wait_for_function(
        """[...document.querySelectorAll('.dgm-view-player p')].every(
             (line) => line.textContent.startsWith("Paused"))"""
    )
    stopped = ages()
    assert stopped[0] == stopped[1]
    second.get_by_role("button", name="Step").click()
    page.wait_for_function(
        "age => document.querySelector('.dgm-view-player').dataset.dgmAge === age",
        arg=str(int(stopped[0]) + 1),
    )
    pads = page.locator(".dgm-pad")
    pads.nth(0).focus()
    for key in ("Space", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    pads.nth(1).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Space"):
        page.keyboard.press(key)
    page.evaluate("document.activeElement.blur()")  # the pen's place is each view's own
    pictures = pads.evaluate_all("pads => pads.map((pad) => pad.toDataURL())")
    assert pictures[0] == pictures[1]


def test_a_figure_in_jupyterlab_is_evaluated_by_the_kernel(lab, page):
    graph = execute(page, lab, "another-figure", FIGURE)
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    assert "kernel" in graph.inner_text()
    before = page.locator("canvas[role=img]").evaluate("canvas => canvas.toDataURL()")
    page.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('canvas[role=img]').toDataURL() !== before", arg=before
    )
    position = float(page.locator(".widget-readout").inner_text().replace("−", "-"))
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 784).half().float()
    total = float(net.weight.sum() * position)
    assert position > 0
    shown = json.loads(graph.get_attribute("data-dgm-output"))
    assert shown["total"] == pytest.approx(total, rel=1e-4)


def test_a_chart_in_jupyterlab_follows_the_kernel(lab, page):
    graph = execute(page, lab, "chart", CHART)
    assert graph.get_attribute("data-dgm-backend") == "kernel"
    words = "document.querySelector('.dgm-chart desc').textContent"
    page.wait_for_function(f"{words} === 'level: 1 at 0, 1 at 0.25, 1 at 0.5, 1 at 0.75, 1 at 1.'")
    page.locator(".noUi-handle").focus()
    page.keyboard.press("End")
    page.wait_for_function(f"{words}.startsWith('level: 50 at 0, 50 at')")
    axis = "[...document.querySelectorAll('.dgm-chart text')].some((t) => t.textContent === '100')"
    page.wait_for_function(axis)  # its end is another trait, and comes with another message


def test_formulas_of_a_quiz_are_set_in_jupyterlab(lab, page):
    lab.write("quiz", QUIZ)
    open_notebook(page, lab, "quiz")
    command(page, RUN)
    form = page.locator(".dgm-quiz")
    form.locator("legend mjx-container").wait_for()
    assert "\\(" not in form.inner_text()
    form.locator("input").fill("0")
    form.get_by_role("button", name="Check").click()
    form.locator(".dgm-verdict mjx-container").wait_for()
    assert "\\" not in form.inner_text()


def test_a_player_in_jupyterlab_drives_the_kernel(lab, page):
    graph = execute(page, lab, "player", PLAYER)
    player = page.locator(".dgm-view-player")
    total = lambda: json.loads(graph.get_attribute("data-dgm-output"))["total"]  # noqa: E731

    def reaches(age):
        page.wait_for_function(
            f"Number(document.querySelector('.dgm-view-player').dataset.dgmAge) {age}"
        )

    player.get_by_role("button", name="Step").click()
    reaches("=== 1")
    assert total() == 1
    player.get_by_role("button", name="Play").click()
    reaches("> 20")
    player.get_by_role("button", name="Pause").click()
    page.wait_for_function(
        "document.querySelector('.dgm-view-player p').textContent.startsWith('Paused')"
    )
    assert total() == int(player.get_attribute("data-dgm-age")) > 20
    player.get_by_role("button", name="Reset").click()
    reaches("=== 0")
    assert total() == 1  # what the first step would put out


def test_a_figure_whose_scripts_come_late_hears_its_kernel(lab, page):
    page.add_init_script(LATE)
    execute(page, lab, "late", CHART)
    assert page.evaluate("givenUp") >= 2  # by anywidget: a graph and a chart
    page.locator(".noUi-handle").focus()
    page.keyboard.press("End")
    page.wait_for_function(
        "document.querySelector('.dgm-chart desc').textContent.startsWith('level: 50 at 0, 50')"
    )
