"""The density that the ODE carries against the exact one of a mixture."""

from functools import partial

import pytest
import torch
from torch.testing import assert_close

from dgm_core.diffusion import (
    TimeMLP,
    cosine_path,
    euler,
    exact_denoiser,
    heun,
    ode_log_prob,
    rk4,
    straight_path,
    velocity_on,
)
from dgm_core.fields import estimated_divergence
from dgm_core.mixtures import Mixture

PLANE = Mixture(
    torch.tensor([[-1.0, 0.5], [1.0, 0.0]]).double(),
    torch.tensor([0.2, 0.4]).double(),
    torch.tensor([0.4, 0.6]).double(),
)


@pytest.mark.parametrize("path", [straight_path, cosine_path])
def test_the_density_of_the_exact_velocity_is_the_mixture_s(path):
    torch.manual_seed(0)
    x = PLANE.sample((20,))
    velocity = velocity_on(path, exact_denoiser(PLANE))
    assert_close(ode_log_prob(velocity, x, 40), PLANE.log_prob(x), rtol=0, atol=1e-5)


def test_an_estimated_trace_is_right_on_average_and_not_alone():
    torch.manual_seed(0)
    x = PLANE.sample((4,))
    velocity = velocity_on(straight_path, exact_denoiser(PLANE))
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0]]).double()
    both = partial(estimated_divergence, probes=signs[:, None].expand(2, 4, 2))
    exact = ode_log_prob(velocity, x, 20)
    assert_close(ode_log_prob(velocity, x, 20, trace=both), exact)
    alone = partial(estimated_divergence, probes=signs[:1, None].expand(1, 4, 2))
    assert (ode_log_prob(velocity, x, 20, trace=alone) - exact).abs().min() > 1e-3


@pytest.mark.parametrize("solver, tolerance", [(euler, 0.7), (heun, 0.01), (rk4, 1e-4)])
def test_any_solver_will_do_with_more_or_fewer_steps(solver, tolerance):
    torch.manual_seed(0)
    x = PLANE.sample((20,))
    velocity = velocity_on(straight_path, exact_denoiser(PLANE))
    found = ode_log_prob(velocity, x, 30, solver=solver)
    assert (found - PLANE.log_prob(x)).abs().max() < tolerance


def test_the_density_of_any_network_integrates_to_one():
    torch.manual_seed(0)
    velocity = TimeMLP(1, (16, 16)).double()
    with torch.no_grad():
        velocity.net[-1].weight.normal_(0, 0.3)
    x = torch.linspace(-8, 8, 1601).double()
    mass = torch.trapezoid(ode_log_prob(velocity, x[:, None], 20).exp(), x)
    assert mass.item() == pytest.approx(1, abs=1e-4)
