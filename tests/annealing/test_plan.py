"""Step sizes grow until two thirds are accepted, and temperatures rise from 0 to 1."""

import pytest
import torch
from oracles import drawn, linear_model
from torch.distributions import Independent, Normal

from dgm_core.annealing import inverse_temperatures, plan_annealing
from dgm_core.hamiltonian import look, move


def test_steps_grow_until_two_thirds_are_accepted():
    """At the pilot's last temperatures, whose target hardly changes, 65 per cent are."""
    torch.manual_seed(0)
    vae = linear_model(latent_dim=4, scale=0.3)
    z, x = drawn(vae, 200)
    plan = plan_annealing(vae, x, inverse_temperatures(100), chains=32)
    z = z.expand(32, 200, 4)

    def densities(z):
        return plan.start.log_prob(z), vae.prior.log_prob(z) + vae.decoder(z).log_prob(x)

    step = plan.step_sizes[-1][:, None].expand(200, 4)
    accepted = move(densities, z, look(densities, z), 1.0, step, plan.leapfrogs)[2]
    assert accepted.mean().item() == pytest.approx(0.65, abs=0.1)
    assert plan.step_sizes.shape == (99, 200)


def test_the_plan_takes_steps_in_units_of_the_starts_widths():
    """A model in other units of z, started from a start in other units, has the same steps."""
    vae = linear_model(latent_dim=1)
    x = drawn(vae, 3)[1]
    q = vae.encoder(x)

    def steps(width):
        start = Independent(Normal(q.mean.detach(), width * q.stddev.detach()), 1)
        torch.manual_seed(0)
        return plan_annealing(vae, x, inverse_temperatures(60), start=start).step_sizes[-1]

    # Ten times as wide a start: the same steps of z at the end are a tenth of its widths.
    torch.testing.assert_close(steps(10.0) * 10, steps(1.0), rtol=0.5, atol=0)


def test_temperatures_rise_from_0_to_1_and_are_alike_from_both_ends():
    betas = inverse_temperatures(10)
    assert betas[0] == 0 and betas[-1] == 1 and (betas.diff() > 0).all()
    torch.testing.assert_close(betas, 1 - betas.flip(0))
    torch.testing.assert_close(
        inverse_temperatures(10, 1e-4), torch.linspace(0, 1, 11).double(), rtol=0, atol=1e-6
    )
    assert betas[1] < 0.3 * 0.1


@pytest.mark.parametrize(("steps", "sharpness"), [(0, 4.0), (3, 0.0)])
def test_no_way_is_refused(steps, sharpness):
    with pytest.raises(ValueError, match="at least 1; sharpness"):
        inverse_temperatures(steps, sharpness)


@pytest.mark.parametrize("betas", [[0.0, 0.5], [0.1, 1.0], [0.0, 0.6, 0.6, 1.0]])
def test_temperatures_that_do_not_rise_from_0_to_1_are_refused(betas):
    vae = linear_model()
    with pytest.raises(ValueError, match="rise from 0 to 1"):
        plan_annealing(vae, torch.zeros(2, 3).double(), torch.tensor(betas))


@pytest.mark.parametrize("wrong", [{"chains": 0}, {"leapfrogs": 0}])
def test_walks_of_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="both start at 1"):
        plan_annealing(
            linear_model(), torch.zeros(4, 3).double(), inverse_temperatures(3), **wrong
        )
