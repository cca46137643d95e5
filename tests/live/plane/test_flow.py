"""The flow of the plane in Python: its export, its learning, and the walk through its layers."""

import numpy as np
import pytest
import torch
from exported import assert_steps_agree
from torch import nn

from dgm_core.flows import Compose, coupling_flow
from dgm_core.live.plane import flow as plane
from dgm_core.live.plane.scene import first_weights
from dgm_core.targets import Moons, Ring

SMALL = {"layers": 2, "hidden": 8}


@pytest.fixture(scope="module")
def exported():
    """The graph that trains a small flow, and the flow."""
    torch.manual_seed(0)
    return plane.plane_flow(**SMALL, batch_size=64)


@pytest.fixture
def small(exported):
    """The same, at the beginning of a life, one step a tick."""
    graph, _ = exported
    graph.learning_rate, graph.steps_per_tick = 3e-3, 1
    graph.resets += 1
    return exported


def test_the_exported_step_agrees_with_pytorch_after_50_steps(small):
    assert_steps_agree(small[0], 50)


def test_it_learns_and_its_curve_is_its_past(small):
    graph, _ = small
    graph.learning_rate, graph.steps_per_tick = 0.01, 401
    first = graph.outputs["loss"]
    graph.ticks += 1
    out = graph.outputs
    assert out["steps"] == 401 and out["diverged"] == 0
    assert out["loss"] < first - 0.3
    assert out["curve_step"][-1] == 401 and out["curve_step"][-2] == 391
    assert out["curve_loss"][0] == pytest.approx(first, abs=1)  # of step 1, another batch
    assert -Moons().log_prob(torch.from_numpy(out["real"])).mean().item() < out["loss"]


def test_a_learning_rate_that_is_too_high_is_called_diverged_and_a_reset_is_a_cure(small):
    graph, _ = small
    graph.learning_rate, graph.steps_per_tick = 30.0, 100
    graph.ticks += 1
    assert graph.outputs["diverged"] == 1
    for name in ("curve_loss", "real"):
        assert np.isfinite(graph.outputs[name]).all()
    graph.learning_rate, graph.steps_per_tick = 1e-3, 10
    graph.resets += 1
    assert graph.outputs["diverged"] == 0 and graph.outputs["steps"] == 1
    graph.ticks += 1
    assert graph.outputs["diverged"] == 0 and np.isfinite(graph.outputs["flow"]).all()


def test_the_picture_is_that_of_the_present_weights(small):
    graph, flow = small
    density = plane.plane_density(graph, flow, points=32, size=6)
    graph.learning_rate, graph.steps_per_tick = 0.01, 10
    graph.ticks += 1
    vector = torch.from_numpy(graph.outputs["flow"][0])
    trained = coupling_flow(2, **SMALL)
    nn.utils.vector_to_parameters(vector, trained.parameters())
    corner = torch.tensor([[-2.5, 2.5], [2.5, 2.5], [-2.5, -2.5]])  # upper left, right, lower left
    grid = torch.cartesian_prod(*[torch.linspace(-2.5, 2.5, 6)] * 2)
    p, peak = (trained.log_prob(x).exp().detach() for x in (corner, grid))
    expected = 0.5 - 0.5 * p / peak.max()
    np.testing.assert_allclose(density.outputs["field"][[0, 5, 30]], expected, atol=1e-5)
    assert density.outputs["fake"].shape == (32, 2)
    graph._state["flow"][0] = torch.nan
    graph.ticks += 1
    assert all(np.isfinite(value).all() for value in density.outputs.values())


def test_a_new_life_has_default_weights_and_couplings_that_do_nothing():
    flow = coupling_flow(2, **SMALL)
    flow.bijection.initialize(Ring().sample((500,)))
    middle, width = first_weights(flow)
    vector = nn.utils.parameters_to_vector(flow.parameters()).detach()
    assert ((vector - middle).abs() <= width + 1e-7).all()
    assert (width > 0).sum() == sum(p.numel() for p in flow.parameters()) - 2 * (4 + 18)


def test_a_layer_in_part_is_an_invertible_layer():
    torch.manual_seed(0)
    flow = coupling_flow(2, 4, 8).double()
    for parameter in flow.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    z = torch.randn(9, 2).double()
    for depth, whole in ((4.0, flow.bijection(z)[0]), (0.0, z)):
        part = plane.part_way(flow.bijection, torch.tensor(depth).double())
        torch.testing.assert_close(part(z)[0], whole)
    part = plane.part_way(flow.bijection, torch.tensor(2.3).double())
    x, up = part(z)
    back, down = part.inverse(x)
    torch.testing.assert_close(back, z)
    torch.testing.assert_close(up, -down)
    two = plane.part_way(flow.bijection, torch.tensor(2.0).double())
    torch.testing.assert_close(two(z)[0], Compose(list(flow.bijection.parts[:6]))(z)[0])


def test_the_walk_leaves_from_the_base_and_ends_in_the_flow():
    torch.manual_seed(0)
    flow = coupling_flow(2, **SMALL)
    for parameter in flow.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    graph = plane.plane_walk(flow, points=16, lines=5, size=4)
    path = plane.grid_path(5)
    z = graph._noise["z"]
    start = dict(graph.outputs)
    assert start["smallest"] == pytest.approx(1) and start["largest"] == pytest.approx(1)
    np.testing.assert_allclose(start["moved"], z.clamp(-3, 3), atol=1e-6)
    np.testing.assert_allclose(start["grid_x"], path[:, 0], atol=1e-6)
    graph.depth = 2.0
    x, log_det = flow.bijection(path)
    np.testing.assert_allclose(graph.outputs["grid_y"], x[:, 1].detach(), atol=1e-5)
    _, log_det = flow.bijection(z)
    assert graph.outputs["largest"] == pytest.approx(log_det.max().exp().item(), rel=1e-4)


def test_the_grids_path_never_leaves_the_grid_and_visits_all_of_it():
    path = plane.grid_path(5)
    steps = path.diff(dim=0).abs()
    assert (steps.max(1).values <= 0.3 + 1e-5).all() and (steps.min(1).values < 1e-6).all()
    knots = torch.linspace(-2.4, 2.4, 5)
    for axis in (0, 1):  # every point is on a line; every line is there
        for knot in knots:
            on = path[(path[:, axis] - knot).abs() < 1e-5][:, 1 - axis]
            assert len(on.unique()) >= 17
    on_a_line = ((path[:, :, None] - knots).abs() < 1e-5).any(2).any(1)
    assert on_a_line.all()
