"""Mistakes that are in print, each with the number that exposes it; nobody is named."""

import math

import pytest
import torch
from oracles import legendre_nodes, normal_nodes
from torch.testing import assert_close

from dgm_core import data
from dgm_core.diffusion import (
    GreyValues,
    euler,
    exact_denoiser,
    forward_variance,
    from_data,
    linear_betas,
    log_snr_of_betas,
    ode_log_prob,
    prior_term,
    rk4,
    squared_errors,
    step_kl,
    straight_path,
    variance_preserving,
    velocity_on,
)
from dgm_core.divergences import normal_kl
from dgm_core.mixtures import Mixture

PAIR = Mixture(
    torch.tensor([[-1.0], [1.0]]).double(),
    torch.tensor([0.05, 0.05]).double(),
    torch.full((2,), 0.5).double(),
)
UNIT = Mixture(torch.zeros(1, 1).double(), torch.ones(1).double(), torch.ones(1).double())


@pytest.mark.parametrize("steps, kept", [(50, 0.603), (100, 0.364), (200, 0.132), (1000, 4e-5)])
def test_the_usual_betas_are_made_for_a_thousand_steps(steps, kept):
    """What is left of the signal's variance at the end, where a normal prior expects nothing."""
    last = log_snr_of_betas(linear_betas(steps))[-1]
    assert torch.sigmoid(last).item() == pytest.approx(kept, rel=0.02)


def test_with_a_hundred_steps_of_them_the_prior_costs_167_nats_a_digit():
    x = 2 * data.mnist("test")[0].flatten(1).double() / 255 - 1
    for steps, nats in ((100, 167), (1000, 0.0)):
        last = log_snr_of_betas(linear_betas(steps))[-1:]
        assert prior_term(x, last.expand(len(x))).mean().item() == pytest.approx(nats, abs=0.5)


def test_a_signal_that_is_off_by_one_step_has_the_wrong_variance():
    """The chain's exact variance of normal data against that of a level before or after."""
    betas, variance = linear_betas(10, 0.05, 0.4), 0.3
    levels = log_snr_of_betas(betas)
    chain = variance
    for t in range(6):
        chain = (1 - betas[t].item()) * chain + betas[t].item()
    marginal = torch.sigmoid(levels) * variance + torch.sigmoid(-levels)
    assert chain == pytest.approx(marginal[5].item())
    assert abs(chain - marginal[4].item()) > 0.05 and abs(chain - marginal[6].item()) > 0.04


def test_a_denoiser_that_is_not_told_the_level_is_above_the_best_curve():
    """The best that is blind averages over the levels; at most of them it loses much."""
    levels = torch.linspace(-4, 6, 11, dtype=torch.float64)

    def blind(z, log_snr):
        log_densities, answers = [], []
        for level in levels:
            signal, noise = (v.item() for v in variance_preserving(level))
            log_densities.append(PAIR.noised(signal, noise).log_prob(z))
            answers.append(exact_denoiser(PAIR)(z, level.expand(len(z))).data)
        share = torch.stack(log_densities).softmax(0)[..., None]
        return from_data(z, (share * torch.stack(answers)).sum(0), log_snr)

    nodes, weights = normal_nodes(60)
    x, e = (
        part.flatten()[:, None]
        for part in torch.meshgrid(1 + 0.05**0.5 * nodes, nodes, indexing="ij")
    )
    mass = (weights[:, None] * weights).flatten()
    ratios = []
    for level in levels:
        at = level.expand(len(x))
        best, found = (
            mass @ squared_errors(model, x, at, e).data for model in (exact_denoiser(PAIR), blind)
        )
        ratios.append((found / best).item())
    assert min(ratios) > 1 and max(ratios) > 1.5


def test_the_simple_loss_is_not_the_elbo():
    """Weights of |e - e^|^2 in the ELBO with variance b: .500 at t = 1, .0055 at t = 500."""
    betas = linear_betas(1000)
    levels = log_snr_of_betas(betas)
    weight = betas / (2 * (1 - betas) * torch.sigmoid(-levels))
    assert weight[0].item() == pytest.approx(0.500, abs=5e-4)
    assert weight[499].item() == pytest.approx(0.0055, abs=5e-5)
    assert (weight[:10].sum() / weight.sum()).item() == pytest.approx(0.17, abs=0.005)
    # that these are the weights: the KL of a step, for two errors of the noise
    low, high = levels[499:500], levels[498:499]
    x, e = torch.zeros(1, 1).double(), torch.ones(1, 1).double()
    a, s = variance_preserving(low)

    def off_by(error):
        def model(z, log_snr):
            return from_data(z, x - s / a * error, log_snr)

        return step_kl(model, x, low, high, e, forward_variance(low, high))

    assert_close(off_by(2.0) - off_by(1.0), 3 * weight[499:500])


def test_the_sum_of_divergences_of_another_pair_is_no_likelihood():
    """KL(q(z_t|x) || N(0, 1)) summed over the levels: it grows with their number without end."""
    x, wrong = torch.full((1, 1), 0.7).double(), []
    for steps in (10, 100):
        levels = torch.linspace(-14, 8, steps + 1).double()
        wrong.append(sum(prior_term(x, level[None]).item() for level in levels))
    entropy = 0.5 * math.log(2 * math.pi * math.e)
    assert wrong[0] > 5 * entropy and wrong[1] / wrong[0] > 7


def test_without_the_decoder_the_bound_is_too_good_and_with_a_unit_variance_too_bad():
    """Four greys, cut off at a log-SNR of 3: the terms come to the entropy, or they do not."""
    greys = GreyValues(torch.tensor([4.0, 1.0, 3.0, 2.0]) * 1e6).double()
    shares, (nodes, weights) = greys.log_shares.double().exp(), normal_nodes(40)
    images = torch.arange(4, dtype=torch.uint8).repeat_interleave(40).view(-1, 1, 1)
    x, e = greys.numbers(images), nodes.repeat(4)[:, None]
    mass = (shares[:, None] * weights).flatten()
    levels, steps = legendre_nodes(120, -16, 3)
    curve = torch.stack([mass @ squared_errors(greys, x, v.expand(160), e).noise for v in levels])
    diffusion = (0.5 * steps @ curve).item()
    at = torch.full((160,), 3.0).double()
    a, s = (v[:, None] for v in variance_preserving(at))
    z = a * x + s * e
    decoder = -(mass @ greys.log_prob(images, z, at)).item()
    unit = 0.5 * (mass @ (x - z).square()).item() + 0.5 * math.log(2 * math.pi)
    assert diffusion + decoder == pytest.approx(1.27985, abs=1e-4)
    assert diffusion == pytest.approx(1.27985 - decoder, abs=1e-4) and decoder > 0.03
    assert diffusion + unit > 1.27985 + 0.7


def test_a_divergence_does_not_change_with_the_units_and_a_weight_by_the_norm_does():
    """The KL has 1 / (2 s^2); with 1 / (2 norm^2) metres and feet disagree."""
    mean, other, variance = (torch.tensor([v]).double() for v in (1.0, 0.4, 0.2))
    kl, feet = (
        normal_kl(c * mean, c**2 * variance, c * other, c**2 * variance) for c in (1.0, 3.28)
    )
    assert_close(kl, feet)
    assert_close(kl, (mean - other) ** 2 / (2 * variance))
    assert abs(((mean - other) ** 2 / (2 * mean**2) - kl).item()) > 0.5


def test_uniform_noise_times_b_in_the_chain_is_told_by_mean_and_deviation():
    """`rand` for `randn` and b for its root, 1000 steps, from data of mean 0 and variance 1."""
    mean, variance = 0.0, 1.0
    for b in linear_betas(1000).tolist():
        mean, variance = (1 - b) ** 0.5 * mean + b / 2, (1 - b) * variance + b**2 / 12
    assert mean == pytest.approx(0.989, abs=5e-4)
    assert variance**0.5 == pytest.approx(0.040, abs=5e-4)


def test_noise_that_is_drawn_twice_and_multiplied_has_a_kurtosis_of_nine():
    torch.manual_seed(0)
    one, two = torch.randn(2, 1_000_000).double()
    assert (one**4).mean().item() == pytest.approx(3, abs=0.1)
    assert ((one * two) ** 4).mean().item() == pytest.approx(9, abs=0.6)


def test_noise_that_is_drawn_twice_and_aimed_at_teaches_nothing():
    """The best answer to a noise that is not in z is 0: the loss is 1 a dimension at any level."""
    torch.manual_seed(0)
    x, e, other = torch.randn(3, 100_000, 1).double()
    a, s = (v[:, None] for v in variance_preserving(torch.full((100_000,), -4.0).double()))
    z = a * x + s * e
    right, wrong = ((z.T @ target / (z.T @ z)).item() for target in (e, other))
    assert right > 0.95 and abs(wrong) < 0.02


def test_the_direction_of_time_shows_at_the_ends():
    """Fed with 1 - t, or followed from 1 to 0, the flow does not end in the data."""
    z = torch.linspace(-1.5, 1.5, 7).double()[:, None]
    velocity = velocity_on(straight_path, exact_denoiser(PAIR))
    ends = rk4(velocity, z, 200)
    below = torch.distributions.Normal(0.0, 1.0).cdf(z)
    parts = torch.distributions.Normal(PAIR.means[:, 0], PAIR.variances.sqrt())
    assert_close(parts.cdf(ends) @ PAIR.weights, below[:, 0], rtol=0, atol=1e-6)
    mixed = euler(lambda z, time: velocity(z, 1 - time), z, 200)
    back = rk4(velocity, z, 200, start=1.0, end=0.0)
    for wrong in (mixed, back):
        assert (parts.cdf(wrong) @ PAIR.weights - below[:, 0]).abs().max() > 0.05


def test_three_ways_to_a_wrong_log_density():
    """The wrong way, a trace that is overwritten, and one without dt, against the exact one."""
    x = torch.tensor([[0.3], [1.2], [-0.8]]).double()
    velocity = velocity_on(straight_path, exact_denoiser(PAIR))
    exact, steps = PAIR.log_prob(x), 100
    assert_close(ode_log_prob(velocity, x, steps), exact, rtol=0, atol=1e-4)
    base = UNIT.log_prob
    z = rk4(velocity, x, steps, start=1.0, end=0.0)
    integral = base(z) - exact
    wrong_way = base(rk4(velocity, x, steps)) - integral
    overwritten = base(z) - 0.01 * integral
    without_dt = base(z) - steps * integral
    for wrong in (wrong_way, overwritten, without_dt):
        assert (wrong - exact).abs().max() > 0.5


def test_latents_that_are_not_scaled_leave_the_clock_wrong():
    """At a scale of .1 the level at which two modes part is 2 log 10 = 4.6 nats later."""
    scaled = Mixture(0.1 * PAIR.means, 0.01 * PAIR.variances, PAIR.weights)
    z, levels = torch.randn(5, 1).double(), torch.full((5,), 1.0).double()
    later = levels + 2 * math.log(10)
    (a, _), (b, _) = (variance_preserving(at[:1]) for at in (levels, later))
    ratio = (b * 0.1) / a
    found = exact_denoiser(scaled)(z * ratio, later).data
    assert_close(found, 0.1 * exact_denoiser(PAIR)(z, levels).data)
