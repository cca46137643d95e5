import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import assert_mean_is, ppca
from scipy import special, stats

from dgm_core.estimators import (
    effective_sample_size,
    importance_log_likelihood,
    kl_by_quadrature,
    log_marginal_likelihood,
    mean_and_standard_error,
    normal_kl,
    renyi_divergence,
)

weights = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=8),
    elements=st.floats(-1e4, 1e4),
)


@given(weights)
def test_log_marginal_likelihood_is_the_log_of_the_mean_weight(log_w):
    found = log_marginal_likelihood(torch.from_numpy(log_w))
    expected = special.logsumexp(log_w, axis=0) - np.log(len(log_w))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert found.shape == log_w.shape[1:]


@given(weights, st.floats(-1e3, 1e3))
def test_effective_sample_size_is_from_one_to_all_whatever_the_scale(log_w, shift):
    size = effective_sample_size(torch.from_numpy(log_w))
    assert size.shape == log_w.shape[1:]
    assert (size > 1 - 1e-6).all() and (size < len(log_w) * (1 + 1e-6)).all()
    shifted = effective_sample_size(torch.from_numpy(log_w + shift))
    torch.testing.assert_close(shifted, size, rtol=1e-6, atol=0)


def test_effective_sample_size_by_hand():
    log_w = torch.tensor([[0.0, 0.0, math.log(3)], [0.0, -1e4, 0.0], [0.0, -1e4, 0.0]]).double()
    expected = torch.tensor([3, 1, 25 / 11]).double()  # (3 + 1 + 1)^2 / (9 + 1 + 1)
    torch.testing.assert_close(effective_sample_size(log_w), expected)


def test_effective_sample_size_of_importance_sampling_is_one_over_one_plus_chi_square():
    # p = N(0, 1), q = N(0, s^2): E_q[w^2] = s^2 / sqrt(2 s^2 - 1) for s^2 > 1/2.
    torch.manual_seed(0)
    p, q = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(0.0, 1.5)
    z = q.sample((400_000,)).double()
    size = effective_sample_size(p.log_prob(z) - q.log_prob(z)) / len(z)
    assert size.item() == pytest.approx(math.sqrt(2 * 1.5**2 - 1) / 1.5**2, rel=0.01)


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(1, 12))
def test_importance_sampling_is_exact_at_the_posterior_for_any_chunks(batch, samples, chunk):
    model = ppca()
    x = model.marginal.sample((batch,))
    rows = []
    model.exact.decoder.register_forward_hook(lambda _, z, __: rows.append(z[0][..., 0].numel()))
    found = importance_log_likelihood(model.exact, x, samples, chunk)
    torch.testing.assert_close(found, model.marginal.log_prob(x))
    assert max(rows) <= chunk and sum(rows) == batch * samples


@pytest.mark.parametrize("chunk", [3, 700])
def test_the_mean_importance_weight_is_unbiased_with_a_rough_encoder(chunk):
    torch.manual_seed(0)
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    x = model.marginal.sample((1,))
    found = importance_log_likelihood(model.rough, x.expand(500, 2), 7, chunk)
    assert_mean_is((found - model.marginal.log_prob(x)).exp(), 1.0)


def test_many_importance_samples_find_log_p_without_a_gradient():
    torch.manual_seed(0)
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    x = model.marginal.sample((5,))
    found = importance_log_likelihood(model.rough, x, 200_000)
    assert not found.requires_grad
    torch.testing.assert_close(found, model.marginal.log_prob(x), rtol=0, atol=0.02)


@pytest.mark.parametrize(("samples", "chunk"), [(0, 10), (10, 0)])
def test_no_samples_are_refused(samples, chunk):
    model = ppca()
    with pytest.raises(ValueError, match="both start at 1"):
        importance_log_likelihood(model.exact, model.marginal.sample((2,)), samples, chunk)


@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e6, 1e6)))
def test_mean_and_standard_error_are_those_of_scipy(values):
    mean, error = mean_and_standard_error(torch.from_numpy(values))
    assert mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-6)
    assert error == pytest.approx(stats.sem(values), rel=1e-9, abs=1e-6)


def test_a_standard_error_needs_two_values():
    with pytest.raises(ValueError, match="two values"):
        mean_and_standard_error(torch.ones(1))


def diagonal_normal(mean, scale):
    mean, scale = torch.tensor(mean, dtype=torch.float64), torch.tensor(scale, dtype=torch.float64)
    return torch.distributions.Independent(torch.distributions.Normal(mean, scale), 1)


@settings(max_examples=30, deadline=None)
@given(
    means=st.tuples(*[st.floats(-2, 2)] * 2),
    scales=st.tuples(*[st.floats(0.3, 3)] * 2),
    order=st.sampled_from([0.1, 0.5, 0.9, 1.0, 1.5, 2.0, 3.0]),
)
def test_renyi_divergence_is_its_integral(means, scales, order):
    p, q = (stats.norm(m, s) for m, s in zip(means, scales, strict=True))
    mixed = order * scales[1] ** 2 + (1 - order) * scales[0] ** 2
    found = renyi_divergence(
        *(diagonal_normal([m], [s]) for m, s in zip(means, scales, strict=True)), order
    ).item()
    if mixed <= 0:
        assert found == math.inf
        return
    assume(mixed > 0.1)  # else the integrand is wider than the grid
    z = np.linspace(-100, 100, 100_001)
    log_p, log_q = p.logpdf(z), q.logpdf(z)
    if order == 1:
        expected = (np.exp(log_p) * (log_p - log_q)).sum() * (z[1] - z[0])
    else:
        total = special.logsumexp(order * log_p + (1 - order) * log_q)
        expected = (total + np.log(z[1] - z[0])) / (order - 1)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_renyi_divergence_adds_up_over_dimensions_and_broadcasts():
    p = diagonal_normal([[0.0, 1.0, -1.0], [0.5, 0.2, 0.1]], [[1.0, 0.5, 2.0], [0.3, 1.0, 0.7]])
    q = diagonal_normal([0.1, 0.2, 0.3], [1.5, 1.6, 1.7])
    parts = [
        renyi_divergence(
            diagonal_normal(p.mean[:, [d]].tolist(), p.stddev[:, [d]].tolist()),
            diagonal_normal(q.mean[[d]].tolist(), q.stddev[[d]].tolist()),
            2.0,
        )
        for d in range(3)
    ]
    torch.testing.assert_close(renyi_divergence(p, q, 2.0), sum(parts))


def test_one_dimension_with_light_tails_makes_renyi_divergence_infinite():
    p, q = diagonal_normal([0.0, 0.0], [1.0, 1.0]), diagonal_normal([0.0, 0.0], [1.0, 0.7])
    assert renyi_divergence(p, q, 2.0) == math.inf  # 2 * 0.7^2 < 1
    assert renyi_divergence(p, q, 1.9).isfinite()


def test_renyi_divergence_has_a_positive_order():
    p = diagonal_normal([0.0], [1.0])
    with pytest.raises(ValueError, match="must be positive"):
        renyi_divergence(p, p, 0.0)


def exact_normal_kl(*numbers):
    """KL(q || p) of normals, from means and variances, with 50 digits."""
    with mpmath.workdps(50):
        mean_q, var_q, mean_p, var_p = map(mpmath.mpf, numbers)
        ratio = var_q / var_p
        return float(((mean_q - mean_p) ** 2 / var_p + ratio - 1 - mpmath.log(ratio)) / 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(
    mean=st.floats(-100, 100),
    var=st.floats(0.01, 1e4),
    step=st.floats(-1, 1),
    log_ratio=st.floats(-5, 5),
    closeness=st.sampled_from([1.0, 1e-2, 1e-4, 1e-6]),
)
def test_normal_kl_has_all_its_digits_near_and_far(dtype, mean, var, step, log_ratio, closeness):
    numbers = [mean, var, mean + closeness * step, var * math.exp(closeness * log_ratio)]
    numbers = torch.tensor(numbers, dtype=dtype)
    found = normal_kl(*numbers).item()
    precision = 20 * torch.finfo(dtype).eps
    assert found == pytest.approx(exact_normal_kl(*numbers.tolist()), rel=precision, abs=1e-40)


def test_normal_kl_is_differentiable_on_both_branches_and_zero_at_equality():
    numbers = torch.tensor([[0.3, 1.2, 0.1, 1.1], [0.3, 1.2, 0.1, 4.0]]).double()
    columns = [column.requires_grad_() for column in numbers.T.clone().unbind()]
    assert torch.autograd.gradcheck(normal_kl, columns)
    assert (normal_kl(columns[0], columns[1], columns[0], columns[1]) == 0).all()


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(0.2, 3), st.floats(-3, 3), st.floats(0.2, 3))
def test_kl_by_quadrature_is_the_closed_form(mean_q, scale_q, mean_p, scale_p):
    x = torch.linspace(-40, 40, 8001).double()
    mean = torch.tensor([[mean_q], [mean_p]], dtype=torch.float64)
    scale = torch.tensor([[scale_q], [scale_p]], dtype=torch.float64)
    log_q, log_p = torch.distributions.Normal(mean, scale).log_prob(x)
    expected = exact_normal_kl(mean_q, scale_q**2, mean_p, scale_p**2)
    assert kl_by_quadrature(log_q, log_p, x).item() == pytest.approx(expected, abs=1e-8)


def test_kl_by_quadrature_is_infinite_only_where_the_support_is_missed():
    x = torch.linspace(-1, 3, 4001).double()
    short, long = (
        torch.distributions.Uniform(0.0, high, validate_args=False).log_prob(x)
        for high in (1.0, 2.0)
    )
    assert kl_by_quadrature(short, long, x).item() == pytest.approx(math.log(2), abs=1e-3)
    assert kl_by_quadrature(long, short, x) == math.inf
