"""The GAN of the plane in Python: its export, its weights, its learning, and what it shows."""

import numpy as np
import pytest
import torch
from exported import runtime_of
from torch import nn

from dgm_core import live
from dgm_core.evaluation import class_shares
from dgm_core.live.agreement import relative_error
from dgm_core.live.plane import gan as plane
from dgm_core.live.plane import scene
from dgm_core.targets import Ring

AGREEMENT = 1e-3  # of the scale, after 100 steps: rounding grows in a game; NaN never


SIZES = {"hidden": 48, "batch_size": 192}  # not the usual ones


@pytest.fixture(scope="module")
def trained():
    """The graph, what ONNX Runtime made of 1000 steps, and what both made of 100 of them."""
    torch.manual_seed(0)
    graph = plane.plane_gan(**SIZES, steps_per_tick=1)
    function, theirs, pairs = runtime_of(graph), graph._initial_state, []
    for step in range(1000):
        feeds = graph._feeds()
        if step < 100:
            ours = graph._call(feeds)
            graph._state = {name: ours[name] for name in graph._state}
        out = function({**feeds, **theirs})
        theirs = {name: out[name] for name in theirs}
        if step < 100:
            pairs.append((ours, out))
    return graph, out, pairs


@pytest.fixture
def gan(trained):
    """The graph at the beginning of a life, with rates that are not too high."""
    graph = trained[0]
    graph.generator_rate = graph.discriminator_rate = 1e-3
    graph.steps_per_tick = 4
    graph.resets += 1
    return graph


def test_the_exported_step_agrees_with_pytorch_after_100_steps(trained):
    _, _, pairs = trained
    worst = {}
    for name, want in pairs[-1][0].items():
        got = pairs[-1][1][name]
        assert torch.isfinite(got).all() and torch.isfinite(want).all(), name
        worst[name] = relative_error(got.numpy(), want.numpy())
    print(
        f"\nONNX Runtime against PyTorch after 100 steps: {max(worst.values()):.1e} of the scale"
    )
    assert len(pairs) == 100 and max(worst.values()) <= AGREEMENT, worst


def test_it_learns_the_ring(trained):
    _, out, _ = trained
    assert out["steps"] == 1000 and out["diverged"] == 0
    assert -1.45 < out["value"] < -1.1 and 0.6 < out["generator_loss"] < 1.1
    index, sigmas = Ring().nearest(out["fake"])
    assert class_shares(index, 8).min() > 0.02
    assert (sigmas < 5).float().mean() > 0.6
    assert (Ring().nearest(out["real"])[1] < 5).all()


def test_its_curves_are_its_past(trained):
    _, out, pairs = trained
    steps = out["curve_step"]
    assert steps[-1] == 1000 and (steps.diff() >= 0).all() and steps[0] == 0
    for back in (1, 40, 95):  # the point before the last is ten steps older
        assert steps[-1 - back] == 1000 - 10 * back
    # Recorded at steps 1, 11, 21 ... ; the value of step 91 stands 90 points from the end.
    assert out["curve_value"][-91] == pytest.approx(pairs[90][1]["value"].item(), rel=1e-6)
    assert out["curve_loss"][-91] == pytest.approx(pairs[90][1]["generator_loss"].item(), rel=1e-6)
    assert (out["curve_value"][:201] == pairs[0][1]["value"]).all()


def test_a_new_life_has_pytorchs_default_weights():
    torch.manual_seed(0)
    for module in plane.plane_networks():
        size = sum(parameter.numel() for parameter in module.parameters())
        middle, width = scene.first_weights(module)
        assert middle.shape == (size,)
        many = middle + width * (2 * torch.rand(50, size) - 1)
        first = 0
        for layer in (part for part in module.modules() if isinstance(part, nn.Linear)):
            for parameter in layer.parameters():
                drawn = many[:, first : first + parameter.numel()]
                first += parameter.numel()
                bound = layer.in_features**-0.5
                assert parameter.abs().max() <= bound and drawn.abs().max() <= bound
                assert drawn.std().item() == pytest.approx(bound / 3**0.5, rel=0.15)


def test_a_learning_rate_that_is_too_high_is_called_diverged_and_a_reset_is_a_cure(gan):
    gan.steps_per_tick = 50
    gan.generator_rate = gan.discriminator_rate = 10.0
    gan.ticks += 1
    assert gan.outputs["diverged"] == 1
    assert np.abs(gan.outputs["fake"]).max() <= scene.EXTENT
    gan.generator_rate = gan.discriminator_rate = 1e-3
    gan.resets += 1
    assert gan.outputs["diverged"] == 0 and gan.outputs["steps"] == 1
    gan.ticks += 1
    assert gan.outputs["diverged"] == 0 and np.isfinite(gan.outputs["generator"]).all()


def test_numbers_that_are_none_count_as_diverged(gan):
    gan.ticks += 1
    assert gan.outputs["diverged"] == 0
    gan._state["generator"][0, 0] = torch.nan
    gan.ticks += 1
    assert gan.outputs["diverged"] == 1 and np.isfinite(gan.outputs["fake"]).all()


def test_the_field_is_the_discriminator_on_a_grid_seen_as_a_picture(gan):
    field = plane.plane_field(gan, hidden=SIZES["hidden"], size=6)
    first = field.outputs["field"]
    gan.ticks += 1
    shown = field.outputs["field"]
    assert shown.shape == (36,) and not np.array_equal(shown, first)
    discriminator = plane.plane_networks(SIZES["hidden"])[1]
    vector = torch.from_numpy(gan.outputs["discriminator"][0])
    nn.utils.vector_to_parameters(vector, discriminator.parameters())
    corner = torch.tensor([[-2.5, 2.5], [2.5, 2.5], [-2.5, -2.5]])  # upper left, right, lower left
    expected = discriminator(corner).sigmoid().detach()
    np.testing.assert_allclose(shown[[0, 5, 30]], expected, rtol=1e-5)


def test_a_player_wants_a_graph_with_state_and_an_alarm_that_there_is():
    stateless = live.Graph(lambda a: {"b": a}, {"a": 1.0}, device=torch.device("cpu"))
    with pytest.raises(ValueError, match="without state"):
        live.Player(stateless)
    graph = live.Graph(
        lambda a, b: {"b": a + b}, {"a": 1.0}, state={"b": torch.zeros(())}, steps_per_tick=2
    )
    with pytest.raises(ValueError, match="no output 'c'; outputs are b"):
        live.Player(graph, alarm="c")
    assert live.Player(graph, alarm="b")._graph == f"IPY_MODEL_{graph.model_id}"
