"""A player drives a graph with state on a page without a kernel; the GAN of the plane trains."""

import base64
import json

import numpy as np
import pytest
import torch
from browser import axe
from small_book import Figure

from dgm_core.live.agreement import relative_error

pytestmark = pytest.mark.browser

AGREEMENT = 1e-3  # of the scale, after 100 steps; rounding grows in a game
ONE = ("Home", "ArrowRight")  # keys that bring the slider of "count" to 1
RATES = ("Home", *["ArrowRight"] * 10)  # and the learning rates of "gan" from 1e-4 to 1e-3
BUDGET = 12  # milliseconds that a player may take between two frames (views.js)
MOST_STEPS = 200  # and the steps
# From now on each step takes so many milliseconds of a clock that moves only by steps. Returns
# how many steps the graph makes from each frame to the next, once the player has taken notice.
STEPS_A_FRAME = """async ([key, cost, frames]) => {
  const graph = [...globalThis.dgmGraphs.values()].find((each) => each.key === key);
  const compute = Object.getPrototypeOf(graph).compute;
  let clock = performance.now();
  performance.now = () => clock;
  graph.compute = (values) => ((clock += cost), compute.call(graph, values));
  const frame = () => new Promise((ok) => requestAnimationFrame(ok));
  while (!(Math.abs(graph.status.cost - cost) < 1e-6)) await frame();
  await frame();
  const steps = [];
  while (steps.length < frames) {
    const before = graph.age;
    await frame();
    if (graph.age !== before) steps.push(graph.age - before);
  }
  delete performance.now;
  delete graph.compute;
  return steps;
}"""
# How many steps the player makes after the click that stops it.
STEPS_AFTER_PAUSE = """async ([key, button]) => {
  const graph = [...globalThis.dgmGraphs.values()].find((each) => each.key === key);
  const frame = () => new Promise((ok) => requestAnimationFrame(ok));
  await frame();
  button.click();
  const before = graph.age;
  for (let k = 0; k < 20; k++) await frame();
  return graph.age - before;
}"""


def player(page, name, *keys):
    """The figure of a player at its start, its sliders brought there by keys."""
    figure = Figure(page, name)
    figure.restart(*keys)
    return figure


def test_step_play_pause_and_reset_do_what_their_names_say(small_page):
    figure = player(small_page, "count", *ONE)
    assert figure.output()["total"] == 1 and figure.age() == 0
    for steps in (1, 2, 3):
        figure.press("Step")
        figure.until(lambda steps=steps: figure.age() == steps)
        assert figure.output()["total"] == steps
    figure.press("Reset")
    figure.until(lambda: figure.age() == 0)
    assert figure.output()["total"] == 1
    figure.press("Play")
    figure.until(lambda: figure.age() > 0)
    assert small_page.problems == []


def test_a_number_that_is_not_finite_stops_the_player_in_words_until_a_reset(small_page):
    figure = player(small_page, "count", *ONE)
    figure.press("Play")
    figure.until(lambda: not figure.playing() and figure.age() > 9)
    assert "a number is no longer finite" in figure.words()
    assert figure.words().startswith(f"After {figure.age()} steps")
    stopped = figure.age()
    for _ in range(10):
        figure.idle()
    assert figure.age() == stopped
    figure.press("Reset")
    figure.until(lambda: figure.words() == "Started again.")
    assert figure.age() == 0


def test_the_players_buttons_work_by_keys_and_are_named(small_page):
    figure = player(small_page, "count", *ONE)
    assert figure.player.get_by_role("group", name="Counting").count() == 1
    figure.player.get_by_role("button", name="Step").focus()
    small_page.keyboard.press("Enter")
    figure.until(lambda: figure.age() == 1)
    small_page.keyboard.press("Shift+Tab")
    small_page.keyboard.press("Space")  # Play
    figure.until(lambda: figure.age() > 1)
    assert [v["id"] for v in axe(small_page) if ".dgm-view-player" in str(v["nodes"])] == []


def test_a_gan_trains_in_the_page(small_page):
    figure = player(small_page, "gan", *RATES)
    first = figure.output()["fake"]
    figure.press("Play")
    figure.until(lambda: figure.age() > 300)
    figure.press("Pause")
    figure.until(lambda: not figure.playing())
    figure.until(lambda: figure.words() == f"Paused after {figure.age():,} steps.")
    output = figure.output()
    assert -1.5 < output["value"] < -1.0 and 0.5 < output["generator_loss"] < 1.2
    assert output["fake"]["max"] - output["fake"]["min"] > 3 and output["fake"] != first
    assert small_page.problems == []


@pytest.mark.parametrize("cost", [5.0, 0.01])
def test_a_player_makes_no_more_steps_a_frame_than_its_budget_has_room_for(small_page, cost):
    figure = player(small_page, "count", "Home")  # adds 0, and so never stops by itself
    key = figure.graph.get_attribute("data-dgm-key")
    figure.press("Play")
    steps = small_page.evaluate(STEPS_A_FRAME, [key, cost, 12])
    most = min(round(BUDGET / cost), MOST_STEPS)
    assert max(steps) == most, steps


def test_a_click_is_heard_between_two_frames_of_training(small_page):
    figure = player(small_page, "gan", *RATES)
    figure.press("Play")
    figure.until(lambda: figure.age() > 20)
    key = figure.graph.get_attribute("data-dgm-key")
    pause = figure.player.get_by_role("button", name="Pause").element_handle()
    assert small_page.evaluate(STEPS_AFTER_PAUSE, [key, pause]) <= MOST_STEPS
    assert not figure.playing()


def test_a_learning_rate_that_diverges_is_told_in_words_and_a_reset_cures_it(small_page):
    figure = player(small_page, "gan", "End")
    figure.press("Play")
    figure.until(lambda: not figure.playing() and figure.age() > 0)
    assert "the game has diverged. Lower a learning rate" in figure.words()
    assert figure.output()["diverged"] == 1
    assert abs(figure.output()["fake"]["max"]) <= 3
    figure.slide("Home")
    figure.press("Reset")
    figure.until(lambda: figure.age() == 0 and figure.output()["diverged"] == 0)
    assert figure.words() == "Started again."
    figure.press("Play")
    figure.until(lambda: figure.age() > 100)
    assert figure.playing() and figure.output()["diverged"] == 0
    assert small_page.problems == []


def test_a_reset_draws_new_weights(small_page):
    figure = player(small_page, "gan", *RATES)
    before = figure.output()["discriminator"]
    figure.press("Reset")
    figure.until(lambda: figure.output()["discriminator"] != before)


def test_the_discriminators_field_follows_the_discriminator(small_page):
    figure = player(small_page, "gan", *RATES)
    field = figure.box.locator(".dgm-graph").last
    before = field.get_attribute("data-dgm-output")
    figure.press("Step")
    figure.until(lambda: field.get_attribute("data-dgm-output") != before)
    shown = json.loads(field.get_attribute("data-dgm-output"))["field"]
    assert shown["length"] == 1024 and 0 < shown["min"] < shown["max"] < 1


def test_after_100_steps_the_page_agrees_with_pytorch(small_page):
    """From the same weights and the same noise, through the page's own runtime."""
    from dgm_core.live.plane import plane_gan

    torch.manual_seed(1)
    gan = plane_gan()
    noise = [{name: law.draw() for name, law in gan._noise_laws.items()} for _ in range(100)]
    fixed = {name: noise[0][name] for name in noise[0] if name.endswith("_weights")}
    rates = {name: torch.tensor(getattr(gan, name)) for name in gan.input_names}
    state = gan._initial_state
    for one in noise:
        out = gan._call({**rates, **one, **fixed, **state})
        state = {name: out[name] for name in state}

    def encode(tensors):
        floats = {name: value.numpy().astype("<f4") for name, value in tensors.items()}
        return {name: base64.b64encode(v.tobytes()).decode() for name, v in floats.items()}

    figure = player(small_page, "gan", *RATES)
    found = small_page.evaluate(
        """async ([key, start, noise]) => {
          const graph = [...globalThis.dgmGraphs.values()].find((each) => each.key === key);
          const floats = (text) =>
            new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
          const each = (tensors, change) => Object.fromEntries(
            Object.entries(tensors).map(([name, value]) => [name, change(value)]));
          const decode = (tensors) => each(tensors, floats);
          let [feeds, out] = [decode(start), undefined];
          for (const one of noise) {
            out = await graph.compute({ ...feeds, ...decode(one) });
            for (const name of Object.keys(graph.spec.state)) feeds[name] = out[name].data;
          }
          return each(out, (value) => [...value.data]);
        }""",
        [
            figure.graph.get_attribute("data-dgm-key"),
            encode({**rates, **fixed, **gan._initial_state}),
            [encode({n: v for n, v in one.items() if n not in fixed}) for one in noise],
        ],
    )
    worst = {}
    for name, value in out.items():
        got = np.array([np.nan if v is None else v for v in found[name]]).reshape(value.shape)
        assert np.isfinite(got).all(), name  # a maximum over differences would hide a NaN
        worst[name] = relative_error(got, value.numpy())
    print(f"\nbrowser against PyTorch after 100 steps: {max(worst.values()):.1e} of the scale")
    assert max(worst.values()) <= AGREEMENT, worst
