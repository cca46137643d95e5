"""A book of one page, built as ours is, for what no chapter shows on purpose.

State, noise, words, failures and training in live figures: live/test_browser.py and
live/test_player.py read it, on one page that they share. Their tests may come in any order: each
begins by putting its figure back to where it wants it.
"""

import json
import shutil
import time

import nbformat
import pytest
from browser import PATIENCE, ROOT, build

SETUP = """
import ipywidgets as widgets, numpy as np, torch
from dgm_core import live
from dgm_core.live.plane import plane_field, plane_gan

def show(name, *parts):
    live.figure(*parts, caption=name, name=name)
"""
STATE = """
def oscillator(stiffness, x, v):
    v = v - 0.1 * stiffness * x
    return {"x": x + 0.1 * v, "v": v}

state = {"x": torch.tensor([1.0, 2.0]), "v": torch.zeros(2)}
graph = live.Graph(oscillator, {"stiffness": 1.0}, state=state, steps_per_tick=3)
tick, reset = live.Button("Tick"), live.Button("Reset")
widgets.jslink((tick, "clicks"), (graph, "ticks"))
widgets.jslink((reset, "clicks"), (graph, "resets"))
show("state", live.sliders(graph, stiffness=("stiffness", 0, 4, 1)), tick, reset, graph)
"""
NOISE = """
def moments(shift, normal, uniform, held):
    return {"mean": normal.mean() + shift, "var": normal.var(), "kurtosis": (normal**4).mean(),
            "low": uniform.min(), "high": uniform.max(), "middle": uniform.mean(), "held": held}

noise = {"normal": live.normal(20000), "uniform": live.uniform(20000),
         "held": live.normal(3, redraw="click")}
graph = live.Graph(moments, {"shift": 0.0}, noise)
show("noise", live.sliders(graph, shift=("shift", 0, 5, 1)), live.again(graph, "Again"), graph)
"""
WORDS = """
def numbers(a):
    return {"tiny": a * 1e-9, "bad": torch.log(a - 5), "share": a / 8}

graph = live.Graph(numbers, {"a": 1.0})
label = widgets.Label()
graph.drive(label, value="{a:+.2f} {tiny:.1e} {share:.1%} {bad:.3f}")
show("words", live.sliders(graph, a=("a", 0, 4, 1)), label, graph)
"""
ORDER = """
graph = live.Graph(lambda b, a: {"difference": b - 2 * a}, {"b": 1.0, "a": 4.0})
show("order", live.sliders(graph, b=("b", 0, 4, 1)), graph)
"""
BROKEN = """
wrong = live.Graph(lambda a: {"b": 2 * a}, {"a": 1.0})
wrong._probe = np.float32([3.0, 7.0]).tobytes()
show("wrong", live.sliders(wrong, a=("a", 0, 4, 1)), wrong)
nonsense = live.Graph(lambda a: {"b": 3 * a}, {"a": 1.0})
nonsense._onnx = b"this is no graph"
show("nonsense", live.sliders(nonsense, a=("a", 0, 4, 1)), nonsense)
bare = live.Graph(lambda a: {"b": 4 * a}, {"a": 1.0})
bare._onnx = b""
show("bare", live.sliders(bare, a=("a", 0, 4, 1)), bare)
"""
COUNT = """
graph = live.Graph(lambda by, total: {"total": total + by, "bad": torch.log(9.5 - total)},
                   {"by": 1.0}, state={"total": torch.tensor(0.0)}, steps_per_tick=2)
show("count", live.Player(graph, label="Counting"), live.sliders(graph, by=("by", 0, 4, 1)), graph)
"""
GAN = """
torch.manual_seed(0)
gan = plane_gan()
field = plane_field(gan)
cloud, label = live.Cloud(alt="data and samples"), widgets.Label()
gan.drive(cloud, data="real", model="fake").drive(label, value="V = {value:.3f} nats")
field.drive(cloud, field="field")
rates = [widgets.FloatLogSlider(min=-4, max=1, value=1e-3, description=d) for d in "GD"]
for slider, name in zip(rates, ("generator_rate", "discriminator_rate")):
    widgets.jslink((slider, "value"), (gan, name))
loss = widgets.RadioButtons(options=["-log D", "log(1 - D)"], description="Loss of G")
widgets.jslink((loss, "index"), (gan, "saturating"))
player = live.Player(gan, alarm="diverged",
    alarm_words="the game has diverged. Lower a learning rate, then press Reset.")
show("gan", player, cloud, *rates, loss, label, gan, field)
"""
CHART = """
def curves(height, reach):
    x = torch.linspace(0, 1, 50)
    return {"x": x * reach, "y": height * x, "low": -height * x, "edge": reach, "half": height / 2,
            "shade": torch.stack([0 * height, height / 100])}

graph = live.Graph(curves, {"height": 1.0, "reach": 10.0})
free = live.Chart("x", "height (nats)", ylim=(0, None), alt="A line that grows.")
rising = free.line(label="rising")
falling = free.line(role="truth", dash="dashed", label="falling")
mark = free.dot(role="posterior")
graph.drive(rising, x="x", y="y").drive(falling, x="x", y="low").drive(free, xmax="edge")
graph.drive(mark, x="edge", y="half")
logs = live.Chart("rate", "distortion", xlim=(1, 1000), ylim=(1e-4, 10), xlog=True, ylog=True)
logs.points([2, 20], [0.1, 1e-6], shade=[0, 1], towards="posterior")
logs.level(y=0.01, label="limit")
bars = live.Chart("", "nats", categories=["log p(x)", "ELBO"], ylim=(-9, 0), width=0.5)
bars.bars([-1, -2], low=-9, label="parts")
bars.band([0, 1], [-8, -8], [-7, -6], role="data")
show("chart", [free, logs, bars],
     live.sliders(graph, height=("height", 1, 100, 1), reach=("reach", 10, 20, 1)),
     live.words(graph, "Half is {half:.1f}."), graph)
"""
CELLS = [SETUP, STATE, NOISE, WORDS, ORDER, BROKEN, COUNT, GAN, CHART]
PAUSE = """(player) => {
  for (const button of player.querySelectorAll("button"))
    if (button.textContent === "Pause") button.click();
}"""
# Every evaluation that was asked for has been made, and what it changed has been drawn.
IDLE = """async () => {
  const running = () => [...globalThis.dgmGraphs.values()].filter((graph) => graph.running);
  while (running().length) await Promise.all(running().map((graph) => graph.running));
  const frame = () => new Promise((ok) => requestAnimationFrame(ok));
  await frame();
  await frame();
}"""


def make(folder):
    """Build the book in an empty folder; returns the folder of its page, page.html."""
    if not (ROOT / "node_modules/onnxruntime-web").exists():
        pytest.skip("the browser's files are not there: run npm ci")
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("node_modules", "dgm_core"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "_toc.yml").write_text("{format: jb-book, root: page}", encoding="utf8")
    cells = [nbformat.v4.new_markdown_cell("# Figures")]
    cells += [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}),
        folder / "page.ipynb",
    )
    run = build(folder)
    assert run.returncode == 0, run.stdout[-4000:]
    return folder / "_build/html"


class Figure:
    """A figure of the page: what its first graph says, its buttons, its sliders, its player."""

    def __init__(self, page, name: str):
        """Take the figure above the caption of this name."""
        position = page.locator(".dgm-caption p").all_inner_texts().index(name)
        self.page, self.box = page, page.locator(".dgm-figure").nth(position)
        self.graph = self.box.locator(".dgm-graph").first
        self.player = self.box.locator(".dgm-view-player")
        self.box.scroll_into_view_if_needed()

    def output(self) -> dict:
        return json.loads(self.graph.get_attribute("data-dgm-output"))

    def press(self, name: str) -> None:
        self.box.get_by_role("button", name=name, exact=True).click()

    def idle(self) -> dict:
        """Wait until the page has done what it was told, and return the output."""
        self.page.evaluate(IDLE)
        return self.output()

    def slide(self, *keys: str) -> dict:
        """Press keys on every slider and return the output."""
        for handle in self.box.locator(".noUi-handle").all():
            handle.focus()
            for key in keys:
                self.page.keyboard.press(key)
        return self.idle()

    def until(self, condition) -> None:
        """Wait until ``condition()`` holds, however long that takes on a busy machine."""
        end = time.monotonic() + PATIENCE / 1000
        while not condition():
            assert time.monotonic() < end, f"in vain; {self.box.inner_text()!r}, {self.output()}"
            self.page.wait_for_timeout(20)

    # ---- Of a player ----

    def age(self) -> int:
        return int(self.player.get_attribute("data-dgm-age"))

    def playing(self) -> bool:
        return self.player.get_attribute("data-dgm-playing") == "true"

    def words(self) -> str:
        return self.player.get_by_role("status").inner_text()

    def restart(self, *keys: str) -> None:
        """Stop the player, put its sliders back by ``keys``, and reset its graph."""
        # A player may stop by itself before it is told to: no button is waited for.
        self.player.evaluate(PAUSE)
        self.until(lambda: not self.playing())
        self.idle()
        self.slide(*keys)
        self.press("Reset")
        self.idle()
        self.until(lambda: self.age() == 0)
