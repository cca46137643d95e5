"""The velocity of the plane in Python: its export, its learning, and what its error is."""

import numpy as np
import pytest
import torch
from exported import assert_steps_agree
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from dgm_core.diffusion import TimeMLP, flow_matching_loss, heun, ode_log_prob
from dgm_core.live.plane import matching_step, plane_matching, plane_roads
from dgm_core.targets import Moons
from dgm_core.training import adam_state


@pytest.fixture(scope="module")
def exported():
    """The graph that trains a small velocity, and the velocity."""
    torch.manual_seed(0)
    return plane_matching(hidden=8, batch_size=64)


@pytest.fixture
def small(exported):
    """The same, at the beginning of a life, one step a tick."""
    graph, _ = exported
    graph.learning_rate, graph.steps_per_tick = 5e-3, 1
    graph.resets += 1
    return exported


def test_a_step_is_that_of_the_loop_of_a_chapter():
    torch.manual_seed(0)
    velocity = TimeMLP(2, (9, 8)).double()
    vector_to_parameters(
        0.3 * torch.randn(9 * 11 + 9 * 8 + 8 + 18).double(), velocity.parameters()
    )
    state = {"velocity": adam_state(velocity), "ones": torch.zeros(2).double()}
    adam = torch.optim.Adam(velocity.parameters(), lr=1e-2)
    for _ in range(20):
        x, noise, time = torch.randn(32, 2), torch.randn(32, 2), torch.rand(32)
        x, noise, time = x.double(), noise.double(), time.double()
        out = matching_step(TimeMLP(2, (9, 8)).double(), state, x, time, noise, 1e-2)
        state = {name: out[name] for name in state}
        loss = flow_matching_loss(velocity, x, time, noise).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        torch.testing.assert_close(out["loss"], loss.detach())
        expected = parameters_to_vector(velocity.parameters()).detach()
        torch.testing.assert_close(state["velocity"][0], expected, rtol=1e-7, atol=1e-8)


def test_the_exported_step_agrees_with_pytorch_after_20_steps(small):
    assert_steps_agree(small[0], 20)


def test_it_learns_and_its_error_and_samples_are_those_of_the_present_weights(small):
    graph, _ = small
    picture = plane_roads(graph, TimeMLP(2, (8, 8, 8)), points=16, num_steps=3, judged=32)
    first, far = graph.outputs["loss"], picture.outputs["kl"]
    graph.steps_per_tick = 300
    graph.ticks += 1
    assert graph.outputs["steps"] == 300 and graph.outputs["diverged"] == 0
    assert graph.outputs["loss"] < first - 0.3 and picture.outputs["kl"] < far
    velocity = TimeMLP(2, (8, 8, 8))
    vector_to_parameters(torch.from_numpy(graph.outputs["velocity"][0]), velocity.parameters())
    generator, moons = torch.Generator().manual_seed(0), Moons()
    which = torch.rand(32, generator=generator)
    x = moons.from_noise(which, torch.randn(32, 2, generator=generator))
    lost = (moons.log_prob(x) - ode_log_prob(velocity, x, 3, solver=heun)).mean().item()
    assert picture.outputs["kl"] == pytest.approx(lost, abs=1e-4)
    made = heun(velocity, picture._noise["z"], 3).detach().clamp(-3, 3)
    np.testing.assert_allclose(picture.outputs["fake"], made, atol=1e-4)
    graph._state["velocity"][0] = torch.nan
    graph.ticks += 1
    assert all(np.isfinite(value).all() for value in picture.outputs.values())
