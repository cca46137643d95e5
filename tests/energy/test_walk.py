"""Langevin's walk settles where its recursion does."""

import math

import pytest
import torch
from oracles import assert_mean_is

from dgm_core import energy


def test_langevins_variance_is_the_fixed_point_of_its_recursion_and_of_a_walk():
    torch.manual_seed(0)
    eta, variance = 0.5, 1.0
    settled = energy.langevin_variance(variance, eta)
    assert settled == pytest.approx((1 - eta / 2) ** 2 * settled + eta)
    assert settled == pytest.approx(1.143, abs=5e-4)
    noise = torch.randn(60, 40_000, 1, dtype=torch.float64)
    z = energy.langevin(lambda z: -z, torch.zeros(40_000, 1, dtype=torch.float64), eta, noise)
    assert_mean_is(z.square().flatten(), settled)
    assert settled / variance - 1 > 5 * math.sqrt(2 / 40_000)  # the bias is no chance


def test_a_step_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match=r"settles below 4\.0 only"):
        energy.langevin_variance(1.0, 4.0)
