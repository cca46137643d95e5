"""Annealing's weights are unbiased in both directions, so log p(x) lies between their bounds."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from oracles import assert_mean_is, drawn, linear_model
from torch.distributions import Independent, Normal

from dgm_core.annealing import (
    annealed_log_weights,
    inverse_temperatures,
    log_marginal_upper_bound,
    plan_annealing,
    reversed_log_weights,
    sandwich,
)
from dgm_core.estimators import log_marginal_likelihood, mean_and_standard_error
from dgm_core.objectives import log_weights
from dgm_core.posterior import latent_grid, posterior_on_grid
from dgm_core.proposals import refit_proposal
from dgm_core.vae import VAE, mlp_vae


def exact(vae, x):
    return vae.decoder.marginal().log_prob(x).detach()


class Sensor(torch.nn.Module):
    """N(z^2, 0.4^2): a posterior of two humps."""

    def forward(self, z):
        return Independent(Normal(z**2, 0.4, validate_args=False), 1)


STARTS = {
    "prior": lambda vae, x: None,
    "posterior, half as wide again": lambda vae, x: Independent(
        Normal(vae.encoder(x).mean.detach(), 1.5 * vae.encoder(x).stddev.detach()), 1
    ),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_the_mean_weight_is_p_of_x_and_the_mean_inverse_weight_its_inverse(start, steps):
    torch.manual_seed(0)
    vae = linear_model()
    z, x = drawn(vae, 4000)
    plan = plan_annealing(vae, x, inverse_temperatures(steps), start=STARTS[start](vae, x))
    log_p = exact(vae, x)
    for log_ratio in (
        annealed_log_weights(vae, x, plan, chains=3) - log_p,
        log_p - reversed_log_weights(vae, x, z, plan, chains=3),
    ):
        assert log_ratio.shape == (3, 4000)
        ratio = log_ratio.exp().mean(0)
        assert_mean_is(ratio, 1.0)
        assert mean_and_standard_error(ratio)[1] < 0.1  # else it would show nothing


def test_with_coarse_steps_that_are_mostly_refused_nothing_is_biased():
    """Without Metropolis's rule these steps would be far from what keeps the target."""
    torch.manual_seed(0)
    vae = linear_model()
    z, x = drawn(vae, 4000)
    tuned = plan_annealing(vae, x, inverse_temperatures(6))
    plan = replace(tuned, step_sizes=torch.full_like(tuned.step_sizes, 1.3), leapfrogs=3)
    log_p = exact(vae, x)
    assert_mean_is((annealed_log_weights(vae, x, plan, 3) - log_p).exp().mean(0), 1.0)
    assert_mean_is((log_p - reversed_log_weights(vae, x, z, plan, 3)).exp().mean(0), 1.0)


def test_with_one_step_it_is_importance_sampling():
    vae = linear_model()
    _, x = drawn(vae, 5)
    for start in (vae.prior.expand((5,)), STARTS["posterior, half as wide again"](vae, x)):
        plan = plan_annealing(vae, x, inverse_temperatures(1), start=start)
        torch.manual_seed(1)
        found = annealed_log_weights(vae, x, plan, chains=7)
        torch.manual_seed(1)
        torch.testing.assert_close(found, log_weights(vae, x, 7, proposal=start).detach())


def test_backwards_with_one_step_it_is_the_weight_at_the_posteriors_draw():
    torch.manual_seed(0)
    vae = linear_model()
    z, x = drawn(vae, 5)
    plan = plan_annealing(vae, x, inverse_temperatures(1))
    found = reversed_log_weights(vae, x, z, plan, chains=3)
    torch.testing.assert_close(found, vae.decoder(z).log_prob(x).detach().expand(3, 5))


def test_started_at_the_posterior_every_weight_is_p_of_x():
    torch.manual_seed(0)
    vae = linear_model(latent_dim=1)  # so that the exact posterior is a diagonal normal
    z, x = drawn(vae, 6)
    q = vae.encoder(x)
    start = Independent(Normal(q.mean.detach(), q.stddev.detach()), 1)
    plan = plan_annealing(vae, x, inverse_temperatures(9), start=start)
    log_p = exact(vae, x).expand(4, 6)
    torch.testing.assert_close(annealed_log_weights(vae, x, plan, 4), log_p)
    torch.testing.assert_close(reversed_log_weights(vae, x, z, plan, 4), log_p)


def ordered(low, value, high):
    """Check low <= value <= high for means, with differences in units of their standard errors."""
    for below, above in ((low, value), (value, high)):
        mean, error = mean_and_standard_error(above - below)
        assert mean > -5 * error


def test_the_sandwich_holds_log_p_of_the_linear_model_and_closes():
    widths = []
    for steps in (3, 12, 48):
        torch.manual_seed(0)
        vae = linear_model(latent_dim=3, scale=0.5)
        x, lower, upper = sandwich(vae, 500, inverse_temperatures(steps), chains=4)
        ordered(lower, exact(vae, x), upper)
        widths.append(mean_and_standard_error(upper - lower))
    for (wide, wide_error), (narrow, narrow_error) in pairwise(widths):
        assert wide - narrow > 5 * math.hypot(wide_error, narrow_error)
    assert widths[-1][0] < 0.2 * widths[0][0]


def test_the_sandwich_holds_two_humps():
    torch.manual_seed(0)
    vae = VAE(torch.nn.Identity(), Sensor(), latent_dim=1).double()
    x, lower, upper = sandwich(vae, 400, inverse_temperatures(200), chains=8)
    grid = latent_grid(1, per_axis=801).to(x)
    log_p = posterior_on_grid(vae.decoder, x, grid).log_p
    ordered(lower, log_p, upper)
    assert (upper - lower).mean() < 0.1


def test_the_sandwich_holds_log_p_of_a_vae_with_a_latent_plane():
    torch.manual_seed(0)
    vae = mlp_vae(latent_dim=2, hidden=8, num_pixels=20)
    with torch.no_grad():
        for weight in vae.decoder.parameters():
            weight.mul_(3)  # decided pixels, so that the posterior is no prior
    x, lower, upper = sandwich(vae, 300, inverse_temperatures(40), chains=8)
    log_p = posterior_on_grid(vae.decoder, x, latent_grid(2, per_axis=151)).log_p
    ordered(lower, log_p, upper)
    prior = log_marginal_likelihood(log_weights(vae, x, 8, proposal=vae.prior.expand((300,))))
    assert (log_p - lower).mean() < 0.1 * (log_p - prior).mean()


def test_from_a_start_that_was_fitted_the_same_annealing_is_tighter():
    vae, widths = linear_model(latent_dim=3, scale=0.5), []
    for make_start in (None, lambda x: refit_proposal(vae, x, steps=150)):
        torch.manual_seed(0)
        x, lower, upper = sandwich(vae, 200, inverse_temperatures(8), 4, make_start=make_start)
        ordered(lower, exact(vae, x), upper)
        widths.append(mean_and_standard_error(upper - lower))
    (wide, wide_error), (narrow, narrow_error) = widths
    assert wide - narrow > 5 * math.hypot(wide_error, narrow_error)


def test_the_upper_bound_is_by_hand():
    log_w = torch.tensor([[1.0, 2.0], [3.0, 2.0]]).log()
    torch.testing.assert_close(
        log_marginal_upper_bound(log_w),
        torch.tensor([1.5, 2.0]).log(),  # harmonic means
    )


def test_a_plan_for_others_is_refused():
    vae = linear_model()
    z, x = drawn(vae, 4)
    plan = plan_annealing(vae, x, inverse_temperatures(3))
    with pytest.raises(ValueError, match="x has 2 examples, and the plan was made for 4"):
        annealed_log_weights(vae, x[:2], plan)
    with pytest.raises(ValueError, match="x has 2 examples, and the plan was made for 4"):
        reversed_log_weights(vae, x[:2], z[:2], plan)
