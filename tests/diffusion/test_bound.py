"""The bound of grey values: a histogram's own cross-entropy is what it has to come to."""

import math

import pytest
import torch
from oracles import assert_mean_is, legendre_nodes, normal_nodes
from torch.testing import assert_close

from dgm_core import data
from dgm_core.diffusion import (
    GreyValues,
    bound_terms,
    diffusion_term,
    exact_denoiser,
    prior_term,
    squared_errors,
    stratified,
    variance_preserving,
)
from dgm_core.divergences import normal_kl
from dgm_core.mixtures import Mixture
from dgm_core.objectives import bits_per_dim

FOUR = torch.tensor([4.0, 1.0, 3.0, 2.0]) * 1e6  # so that one more of each is nothing


def shares_of(greys):
    return greys.log_shares.double().exp()


def exact_bound(greys, low, high, levels=120, points=80):
    """Mean of the three terms over single pixels, by quadrature, in nats."""
    greys = greys.double()
    shares, (nodes, weights) = shares_of(greys), normal_nodes(points)
    count = len(greys.values)
    images = torch.arange(count, dtype=torch.uint8).repeat_interleave(points).view(-1, 1, 1)
    x, e = greys.numbers(images), nodes.repeat(count)[:, None]
    mass = (shares[:, None] * weights).flatten()
    log_snrs, steps = legendre_nodes(levels, low, high)
    curve = torch.stack(
        [mass @ squared_errors(greys, x, log_snr.expand(len(x)), e).noise for log_snr in log_snrs]
    )
    highest = torch.full((len(x),), high, dtype=torch.float64)
    a, s = (level[:, None] for level in variance_preserving(highest))
    reconstruction = -(mass @ greys.log_prob(images, a * x + s * e, highest))
    prior = mass @ prior_term(x, torch.full((len(x),), low, dtype=torch.float64))
    return reconstruction.item(), (0.5 * steps @ curve).item(), prior.item()


@pytest.mark.parametrize("high", [-1.0, 2.0, 5.0, 9.0])
def test_the_three_terms_of_four_greys_come_to_their_entropy_for_every_cut_off(high):
    terms = exact_bound(GreyValues(FOUR), -16.0, high)
    assert sum(terms) == pytest.approx(1.27985, abs=2e-5)


def test_the_area_under_the_error_is_the_entropy():
    """H(x) is half the area under mmse against the signal-to-noise ratio: +-1 has log 2."""
    pair = Mixture(
        torch.tensor([[-1.0], [1.0]]).double(),
        torch.zeros(2).double(),
        torch.full((2,), 0.5).double(),
    )
    (log_snrs, steps), (nodes, weights) = legendre_nodes(200, -25, 8), normal_nodes(120)
    level, e = log_snrs.repeat_interleave(120), nodes.repeat(200)[:, None]
    errors = squared_errors(exact_denoiser(pair), torch.ones_like(e), level, e).noise
    curve = errors.view(200, 120) @ weights
    assert (0.5 * steps @ curve).item() == pytest.approx(math.log(2), abs=1e-6)


def test_the_entropy_of_a_density_is_what_its_error_saves_of_a_normals():
    """h(x) is log(2 pi e) / 2 less half the area between the errors of N(0, 1) and of x."""
    pair = Mixture(
        torch.tensor([[-1.0], [1.5]]).double(),
        torch.tensor([0.2, 0.5]).double(),
        torch.tensor([0.4, 0.6]).double(),
    )
    x, weights = legendre_nodes(400, -9, 9)
    log_p = pair.log_prob(x[:, None])
    entropy = -(weights @ (log_p.exp() * log_p)).item()
    (log_snrs, steps), (nodes, node_weights) = legendre_nodes(80, -16, 16), normal_nodes(40)
    area = 0.0
    for mode in range(2):
        inner = pair.means[mode] + pair.variances[mode].sqrt() * nodes
        parts = torch.meshgrid(log_snrs, inner, nodes, indexing="ij")
        level, x, e = (part.flatten() for part in parts)
        mass = torch.einsum("i,j,k->ijk", steps, node_weights, node_weights).flatten()
        errors = squared_errors(exact_denoiser(pair), x[:, None], level, e[:, None]).noise
        area += pair.weights[mode] * (mass @ (torch.sigmoid(level) - errors))
    expected = 0.5 * math.log(2 * math.pi * math.e) - 0.5 * area.item()
    assert entropy == pytest.approx(expected, abs=1e-4)


def test_the_histogram_of_the_digits_is_bounded_by_its_own_cross_entropy():
    """1.967 bits a pixel of the test digits by that of the training digits, at any cut-off."""
    train, test = (data.mnist(split)[0] for split in ("train", "test"))
    count = torch.bincount(train.flatten().long(), minlength=256)
    greys = GreyValues(count)
    test_shares = torch.bincount(test.flatten().long(), minlength=256).double() / test.numel()
    cross = -(test_shares @ greys.log_shares.double()) / math.log(2)
    assert cross.item() == pytest.approx(1.967, abs=1e-3)
    own = -(shares_of(greys) @ greys.log_shares.double()).item()
    terms = exact_bound(GreyValues(count), -14.0, 3.0, levels=30, points=8)
    assert sum(terms) == pytest.approx(own, abs=2e-3)
    assert terms[0] > 0.1 * own  # what the decoder pays: at any cut-off the sum is the same


def test_an_estimate_of_the_terms_is_unbiased():
    torch.manual_seed(0)
    greys = GreyValues(FOUR)
    images = torch.multinomial(shares_of(greys), 40_000, replacement=True)
    images = images.to(torch.uint8).view(-1, 2, 2)
    terms = bound_terms(greys, greys, images, -8.0, 3.0)
    for found, expected in zip(terms, exact_bound(GreyValues(FOUR), -8.0, 3.0), strict=True):
        assert_mean_is(found.double(), 4 * expected)


def test_noise_and_levels_decide_an_estimate():
    greys, images = GreyValues(FOUR), torch.randint(4, (5, 2, 2), dtype=torch.uint8)
    noise, uniform = torch.randn(2, 5, 4), stratified(torch.rand(5))
    one, two = (bound_terms(greys, greys, images, -8.0, 3.0, uniform, noise) for _ in range(2))
    assert all(a.equal(b) for a, b in zip(one, two, strict=True))
    x = greys.numbers(images)
    level = -8.0 + 11 * uniform
    expected = 0.5 * 11 * squared_errors(greys, x, level, noise[1]).noise
    assert_close(diffusion_term(greys, x, -8.0, 3.0, uniform, noise[1]), expected)


def test_the_prior_term_is_the_divergence_of_normals():
    x, log_snr = torch.randn(5, 3).double(), torch.randn(5).double()
    a, s = variance_preserving(log_snr)
    mean = a[:, None] * x
    variance = (s**2)[:, None].expand(5, 3)
    expected = normal_kl(mean, variance, torch.zeros_like(x), torch.ones_like(x)).sum(1)
    assert_close(prior_term(x, log_snr), expected)


def test_bits_of_a_bound_are_on_the_scale_of_the_flows():
    nothing = GreyValues(torch.ones(256))
    terms = exact_bound(nothing, -14.0, 3.0, levels=30, points=8)
    assert bits_per_dim(torch.tensor(-sum(terms)), 1).item() == pytest.approx(8, abs=2e-3)
