"""A Hamiltonian step keeps its target, turns round exactly, and refuses what is no number."""

import math

import pytest
import torch
from oracles import assert_mean_is
from scipy import stats
from torch.distributions import Independent, Normal

from dgm_core.hamiltonian import look, move

Q = Independent(Normal(torch.zeros(2).double(), torch.tensor([1.0, 2.0]).double()), 1)
P = Independent(Normal(torch.tensor([1.0, -1.0]).double(), 0.5), 1)


def densities(z):
    return Q.log_prob(z), P.log_prob(z)


def target(beta):
    """The normal whose density is q^(1 - beta) p^beta, but for a constant."""
    precision = (1 - beta) / Q.variance + beta / P.variance
    mean = ((1 - beta) * Q.mean / Q.variance + beta * P.mean / P.variance) / precision
    return Normal(mean, precision.rsqrt())


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("step", [0.2, 0.9])
def test_draws_of_the_target_stay_draws_of_it(beta, step):
    torch.manual_seed(0)
    exact = target(beta)
    z = exact.sample((40_000,))
    view, sizes = look(densities, z), torch.full((2,), step).double()
    for _ in range(5):
        z, view, accepted = move(densities, z, view, beta, sizes, 4)
    standard = (z - exact.mean) / exact.stddev
    assert_mean_is(standard, 0.0)
    assert_mean_is(standard**2, 1.0)
    assert stats.kstest(standard.flatten(), "norm").pvalue > 1e-3
    assert accepted.mean() < 0.97 or step < 0.5  # else Metropolis's rule would not be seen


def test_a_walk_finds_the_target_from_afar():
    torch.manual_seed(0)
    exact = target(0.7)
    z = torch.full((2000, 2), 5.0).double()
    view = look(densities, z)
    for _ in range(100):
        z, view, _ = move(densities, z, view, 0.7, torch.full((2,), 0.4).double(), 5)
    assert_mean_is((z - exact.mean) / exact.stddev, 0.0)


def test_what_is_known_is_known_of_the_place_where_each_walk_is():
    torch.manual_seed(0)
    z = Q.sample((50,))
    step = torch.full((2,), 1.2).double()
    moved, view, accepted = move(densities, z, look(densities, z), 0.5, step, 3)
    stayed = (moved == z).all(-1)
    assert 0 < stayed.sum() < 50 and accepted.shape == (50,)
    torch.testing.assert_close(view, look(densities, moved))


def test_slopes_are_those_of_the_target():
    z = Q.sample((5,))
    exact = target(0.3)
    slope = look(densities, z).slope(0.3)
    torch.testing.assert_close(slope, -(z - exact.mean) / exact.variance)
    with torch.no_grad():
        assert not look(densities, z).log_p.requires_grad


def test_acceptance_is_the_loss_of_energy_after_one_step_by_hand(monkeypatch):
    # A standard normal from z = 2 with momentum 1 and step 0.5: half a kick of -0.5, a drift to
    # 2.25, half a kick of -0.5625. The energy 2 + 0.5 becomes 2.53125 + 0.001953125.
    normal = lambda z: (-0.5 * z.square().sum(-1),) * 2  # noqa: E731
    monkeypatch.setattr(torch, "randn_like", torch.ones_like)
    monkeypatch.setattr(torch, "rand_like", torch.zeros_like)
    z = torch.tensor([[2.0]]).double()
    moved, _, accepted = move(normal, z, look(normal, z), 1.0, torch.tensor([0.5]).double(), 1)
    assert moved.item() == 2.25
    assert accepted.item() == pytest.approx(math.exp(2.5 - 2.53125 - 0.0625**2 / 2), rel=1e-12)


def test_a_proposal_that_is_no_number_is_refused():
    def cliff(z):
        log = torch.where(z[..., 0] > 0, torch.nan, -0.5 * z.square().sum(-1))
        return log, log

    torch.manual_seed(1)  # two steps: three would lead all of them over the cliff
    z = torch.full((200, 1), -0.1)
    moved, view, accepted = move(cliff, z, look(cliff, z), 1.0, torch.tensor([1.0]), 3)
    assert (moved <= 0).all() and (moved != z).any() and view.log_p.isfinite().all()
    assert (accepted == 0).any()
