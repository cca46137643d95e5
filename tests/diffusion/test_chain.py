"""The noising chain against Bayes' rule, and the bound of normal data in closed form."""

import math
from itertools import pairwise

import pytest
import torch
from oracles import normal_nodes
from torch.testing import assert_close

from dgm_core.diffusion import (
    best_variance,
    exact_denoiser,
    forward_variance,
    from_data,
    linear_betas,
    log_snr_of_betas,
    posterior_variance,
    prior_term,
    step_kl,
    step_posterior,
    variance_preserving,
)
from dgm_core.divergences import normal_kl
from dgm_core.mixtures import Mixture


def number(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("low, high", [(-3.0, -2.9), (-1.0, 2.0), (4.0, 9.0)])
def test_a_step_adds_the_noise_that_leads_from_one_level_to_the_other(low, high):
    b = forward_variance(number(low), number(high))
    (a_low, s_low), (a_high, s_high) = (variance_preserving(number(v)) for v in (low, high))
    assert_close((1 - b).sqrt() * a_high, a_low)
    assert_close((1 - b) * s_high**2 + b, s_low**2)


def test_betas_come_back_from_their_log_snrs():
    betas = linear_betas(50, 0.001, 0.2)
    levels = log_snr_of_betas(betas)
    assert_close(forward_variance(levels[1:], levels[:-1]), betas[1:])
    abar = (1 - betas).cumprod(0)
    assert_close(
        posterior_variance(levels[1:], levels[:-1]), betas[1:] * (1 - abar[:-1]) / (1 - abar[1:])
    )


@pytest.mark.parametrize("low, high", [(-3.0, -2.9), (-1.0, 2.0), (4.0, 9.0)])
def test_the_posterior_is_bayes_rule(low, high):
    """Prior N(a x, s^2) of z at `high`, likelihood of z at `low`: precisions add up."""
    x, z = number([[0.7]]), number([[-0.4]])
    b = forward_variance(number(low), number(high))
    a_high, s_high = variance_preserving(number(high))
    precision = 1 / s_high**2 + (1 - b) / b
    mean, variance = step_posterior(z, x, number([low]), number([high]))
    assert_close(variance[0], 1 / precision)
    assert_close(mean, (a_high * x / s_high**2 + (1 - b).sqrt() * z / b) / precision)


@pytest.mark.parametrize("data_variance", [0.0, 0.3, 1.0, 4.0])
def test_the_best_variance_is_that_of_jointly_normal_levels(data_variance):
    low, high = number(-1.0), number(0.5)
    a_high, s_high = variance_preserving(high)
    before = a_high**2 * data_variance + s_high**2
    b = forward_variance(low, high)
    after = (1 - b) * before + b
    covariance = (1 - b).sqrt() * before
    assert_close(best_variance(data_variance, low, high), before - covariance**2 / after)


def test_the_best_variance_is_btilde_for_a_point_and_b_for_a_unit_normal():
    low, high = number(-1.0), number(0.5)
    assert_close(best_variance(0.0, low, high), posterior_variance(low, high))
    assert_close(best_variance(1.0, low, high), forward_variance(low, high))


def test_with_its_own_variance_a_step_costs_half_the_rise_of_snr_times_the_error():
    torch.manual_seed(0)
    x, noise = torch.randn(2, 4, 3, dtype=torch.float64)
    low, high = number([-2.0, 0.0, 1.0, 3.0]), number([-1.9, 0.5, 2.0, 3.1])
    guess = torch.randn(4, 3, dtype=torch.float64)
    found = step_kl(lambda z, at: from_data(z, guess, at), x, low, high, noise)
    assert_close(found, 0.5 * (high.exp() - low.exp()) * (x - guess).square().sum(1))


def gap(variance_of_step, data_variance=0.3, steps=1000):
    """How much the bound loses by the variances of its steps from the second on, in nats."""
    levels = log_snr_of_betas(linear_betas(steps))
    best = best_variance(data_variance, levels[1:], levels[:-1])
    chosen = variance_of_step(levels[1:], levels[:-1])
    return normal_kl(torch.zeros_like(best), best, torch.zeros_like(best), chosen).sum().item()


def test_b_or_btilde_does_make_a_difference():
    """Data variance .3, 1000 steps: .0008 against .458 nats a dimension."""
    assert gap(forward_variance) == pytest.approx(0.0008, abs=5e-5)
    assert gap(posterior_variance) == pytest.approx(0.458, abs=5e-4)


def negative_elbo(log_snrs, variance, mean=0.4, data_variance=0.3, points=6):
    """Mean over normal data of all terms of a chain's bound, with the exact denoiser.

    By quadrature over data and noise, exact for squares. The decoder is the exact posterior of x
    given the last z.
    """
    data = Mixture(number([[mean]]), number([data_variance]), number([1.0]))
    nodes, weights = normal_nodes(points)
    x, e = (
        part.flatten()[:, None]
        for part in torch.meshgrid(mean + data_variance**0.5 * nodes, nodes, indexing="ij")
    )
    mass = (weights[:, None] * weights).flatten()
    total = mass @ prior_term(x, log_snrs[:1].expand(len(x)))
    for low, high in pairwise(log_snrs):
        levels = low.expand(len(x)), high.expand(len(x))
        chosen = None if variance is None else variance(*levels)
        total = total + mass @ step_kl(exact_denoiser(data), x, *levels, e, chosen)
    last = 1 / (1 / data_variance + log_snrs[-1].exp())
    return (total + 0.5 * (2 * math.pi * math.e * last).log()).item()


def test_the_bound_of_normal_data_is_its_closed_form():
    """Entropy, plus KL(q(z_T) || N(0, 1)), plus the KL of each step's variance from the best."""
    log_snrs = torch.linspace(-2, 5, 12, dtype=torch.float64)
    entropy = 0.5 * math.log(2 * math.pi * math.e * 0.3)
    signal = torch.sigmoid(log_snrs[:1])
    end = normal_kl(signal.sqrt() * 0.4, signal * 0.3 + 1 - signal, number([0.0]), number([1.0]))
    for variance in (None, forward_variance, lambda low, high: best_variance(0.3, low, high)):
        best = best_variance(0.3, log_snrs[:-1], log_snrs[1:])
        chosen = (variance or posterior_variance)(log_snrs[:-1], log_snrs[1:])
        steps = normal_kl(torch.zeros_like(best), best, torch.zeros_like(best), chosen).sum()
        expected = entropy + (end + steps).item()
        assert negative_elbo(log_snrs, variance) == pytest.approx(expected, rel=1e-9)


def test_with_more_steps_the_bound_is_tight():
    entropy = 0.5 * math.log(2 * math.pi * math.e * 0.3)
    gaps = [
        negative_elbo(torch.linspace(-14, 8, steps + 1, dtype=torch.float64), None) - entropy
        for steps in (50, 100, 200)
    ]
    assert all(found > 0 for found in gaps) and gaps[2] < 0.2
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)  # the error falls as 1 / T
    assert gaps[1] / gaps[2] == pytest.approx(2, rel=0.1)
