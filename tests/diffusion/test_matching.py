"""Flow matching against closed forms: its floor, its gradient, and the curve that it weighs."""

import math

import pytest
import torch
from oracles import assert_mean_is, legendre_nodes
from torch.testing import assert_close

from dgm_core.diffusion import (
    exact_denoiser,
    flow_matching_loss,
    from_data,
    squared_errors,
    straight_path,
    velocity_on,
)
from dgm_core.mixtures import Mixture
from dgm_core.nets import mlp


def normal(mean, scale, dims=1):
    return Mixture(
        torch.full((1, dims), mean).double(),
        torch.tensor([scale**2]).double(),
        torch.ones(1).double(),
    )


@pytest.mark.parametrize("mean, scale", [(0.0, 1.0), (2.0, 0.5)])
def test_the_floor_of_flow_matching_is_half_pi_times_the_scale(mean, scale):
    """For N(m, s^2): not 0, and no chance. E|u - (x - e)|^2 at t is s^2 / (t^2 s^2 + (1-t)^2)."""
    torch.manual_seed(0)
    time, weights = legendre_nodes(200, 0, 1)
    by_time = scale**2 / (time**2 * scale**2 + (1 - time) ** 2)
    assert (weights @ by_time).item() == pytest.approx(math.pi / 2 * scale)
    data = normal(mean, scale, dims=2)
    velocity = velocity_on(straight_path, exact_denoiser(data))
    losses = flow_matching_loss(velocity, data.sample((40_000,)))
    assert_mean_is(losses, 2 * math.pi / 2 * scale)


def test_the_floor_is_the_area_under_mmse_weighed_by_one_over_twice_the_root():
    """For +-1, whose mmse is 1 - E tanh^2: by quadrature both ways."""
    pair = Mixture(
        torch.tensor([[-1.0], [1.0]]).double(),
        torch.zeros(2).double(),
        torch.full((2,), 0.5).double(),
    )
    torch.manual_seed(0)
    root, weights = legendre_nodes(400, 0, 14)  # the root of the snr: dg / (2 sqrt g) is its d
    e = torch.randn(20_000).double()
    mmse = 1 - (root[:, None] ** 2 + root[:, None] * e).tanh().square().mean(1)
    area = (weights @ mmse).item()
    x = pair.sample((200_000,))
    losses = flow_matching_loss(velocity_on(straight_path, exact_denoiser(pair)), x)
    error = losses.std().item() / len(losses) ** 0.5
    assert losses.mean().item() == pytest.approx(area, abs=5 * error + 0.01)


def test_the_velocity_s_error_is_that_of_v_over_the_squared_length():
    torch.manual_seed(0)
    x, e = torch.randn(2, 5, 3, dtype=torch.float64)
    time = torch.rand(5, dtype=torch.float64)

    def wrong(z, log_snr):
        return from_data(z, z.tanh(), log_snr)

    losses = flow_matching_loss(velocity_on(straight_path, wrong), x, time, e)
    errors = squared_errors(wrong, x, 2 * time.logit(), e)
    assert_close(losses, errors.turn / (time**2 + (1 - time) ** 2))


def test_the_gradient_is_that_of_matching_the_marginal_velocity():
    torch.manual_seed(0)
    data, net = normal(1.0, 0.5), mlp([2, 6, 1], torch.nn.Tanh).double()

    def velocity(z, time):
        return net(torch.cat([z, time[:, None]], 1))

    count = 400_000
    x, e = data.sample((count,)), torch.randn(count, 1).double()
    time = torch.rand(count).double()
    z = time[:, None] * x + (1 - time[:, None]) * e
    exact = velocity_on(straight_path, exact_denoiser(data))(z, time)
    conditional = flow_matching_loss(velocity, x, time, e)
    marginal = (velocity(z, time) - exact).square().sum(1)
    for p in net.parameters():
        one, two = (
            torch.autograd.grad(loss.mean(), p, retain_graph=True)[0]
            for loss in (conditional, marginal)
        )
        assert_close(one, two, rtol=0.03, atol=0.01)
    assert conditional.mean() - marginal.mean() > 0.7  # the constant: half pi times the scale
