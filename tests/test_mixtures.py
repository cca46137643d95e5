"""Mixtures of normals against torch.distributions, autograd and quadrature."""

import pytest
import torch
from oracles import normal_nodes
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.testing import assert_close

from dgm_core.mixtures import Mixture


def mixture(dims=2) -> Mixture:
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(3, dims, generator=generator, dtype=torch.float64)
    variances = torch.tensor([0.3, 0.05, 0.8], dtype=torch.float64)
    return Mixture(means, variances, torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64))


def known(mixture: Mixture) -> MixtureSameFamily:
    scales = mixture.variances.sqrt()[:, None].expand_as(mixture.means)
    parts = Independent(Normal(mixture.means, scales), 1)
    return MixtureSameFamily(Categorical(mixture.weights), parts)


def test_density_and_score_are_those_of_torch():
    one, x = mixture(), torch.randn(7, 2, dtype=torch.float64, requires_grad=True)
    expected = known(one).log_prob(x)
    assert_close(one.log_prob(x), expected)
    assert_close(one.score(x), torch.autograd.grad(expected.sum(), x)[0])


def test_samples_have_the_moments_of_the_mixture():
    torch.manual_seed(0)
    one = mixture()
    x = one.sample((200_000,))
    error = 5 * known(one).variance.sqrt() / len(x) ** 0.5
    assert ((x.mean(0) - known(one).mean).abs() < error).all()
    assert_close(x.var(0), known(one).variance, rtol=0.02, atol=0)


def test_noised_is_the_density_of_the_sum():
    """By quadrature over the noise: p(z) is the mean of p(x) at x = (z - s e) / a, over a."""
    one, (points, weights) = mixture(dims=1), normal_nodes(200)
    z = torch.linspace(-3, 3, 13, dtype=torch.float64)
    signal, noise = 0.6, 0.3
    x = (z[:, None] - noise * points) / signal
    expected = (one.log_prob(x[..., None]).exp() / signal) @ weights
    assert_close(one.noised(signal, noise).log_prob(z[:, None]).exp(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("signal, noise", [(0.6, 0.8), (1.0, 2.0), (0.05, 1.0)])
def test_posterior_means_are_those_of_quadrature(signal, noise):
    one = mixture(dims=1)
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    x = torch.linspace(-9, 9, 40_001, dtype=torch.float64)
    log_joint = one.log_prob(x[:, None]) + Normal(signal * x, noise).log_prob(z[:, None])
    weight = (log_joint - log_joint.logsumexp(1, keepdim=True)).exp()
    levels = (torch.tensor(value, dtype=torch.float64) for value in (signal, noise))
    data, error = one.posterior_means(z[:, None], *levels)
    assert_close(data[:, 0], weight @ x)
    assert_close(error[:, 0], (z - signal * (weight @ x)) / noise)


def test_at_the_ends_of_a_path_nothing_is_divided_by_zero():
    one, z = mixture(), torch.randn(4, 2, dtype=torch.float64)
    zero, full = (torch.tensor(value, dtype=torch.float64) for value in (0.0, 1.0))
    data, noise = one.posterior_means(z, zero, full)
    assert_close(data, (one.weights @ one.means).expand(4, 2))
    assert_close(noise, z)
    data, noise = one.posterior_means(z, full, zero)
    assert_close(data, z)
    assert_close(noise, torch.zeros_like(z))


def test_a_level_for_each_example_is_as_one_after_the_other():
    one, z = mixture(), torch.randn(4, 2, dtype=torch.float64)
    signal, noise = torch.rand(2, 4, dtype=torch.float64) + 0.1
    together = one.posterior_means(z, signal, noise)
    for i in range(4):
        alone = one.posterior_means(z[i : i + 1], signal[i : i + 1], noise[i : i + 1])
        assert_close(alone[0], together[0][i : i + 1])
        assert_close(alone[1], together[1][i : i + 1])


def test_a_part_is_the_mixture_given_its_modes():
    one, x = mixture(), torch.randn(4, 2, dtype=torch.float64)
    part = one.part(0, 2)
    assert_close(part.weights, torch.tensor([0.625, 0.375], dtype=torch.float64))
    whole = torch.logaddexp(
        part.log_prob(x) + torch.log(torch.tensor(0.8)),
        one.part(1).log_prob(x) + torch.log(torch.tensor(0.2)),
    )
    assert_close(whole, one.log_prob(x), rtol=1e-6, atol=1e-6)
