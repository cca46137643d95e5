"""Mistakes about scores that are in print, each with the number that exposes it."""

import pytest
import torch

from dgm_core import energy
from dgm_core.mixtures import Mixture


def test_with_the_wrong_sign_of_the_score_walkers_flee():
    z = energy.langevin(lambda z: z, torch.ones(1, 1), 0.5, torch.zeros(20, 1, 1))
    assert z.item() == pytest.approx(1.25**20)
    back = energy.langevin(lambda z: -z, torch.ones(1, 1), 0.5, torch.zeros(20, 1, 1))
    assert back.item() == pytest.approx(0.75**20)


def test_uniform_noise_in_langevins_walk_is_told_by_mean_and_variance():
    """`rand` for `randn`, step .01: mean 10 and variance .083 where 0 and 1 are due."""
    torch.manual_seed(0)
    noise = torch.rand(3000, 2000, 1)
    z = energy.langevin(lambda z: -z, torch.zeros(2000, 1), 0.01, noise)
    assert z.mean().item() == pytest.approx(10.0, abs=0.05)
    assert z.var().item() == pytest.approx(0.083, abs=0.012)


def test_at_a_low_level_of_noise_a_loss_of_ten_thousand_is_perfect():
    """Score matching at s = .01 in two dimensions: "it does not fall" from D / 2 s^2."""
    data = Mixture(torch.zeros(1, 2).double(), torch.ones(1).double(), torch.ones(1).double())
    torch.manual_seed(0)
    score = data.noised(1.0, 0.01).score
    losses = energy.denoising_score_loss(score, data.sample((40_000,)), 0.01)
    assert losses.mean().item() == pytest.approx(1e4, rel=0.03)
