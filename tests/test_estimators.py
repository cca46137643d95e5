import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import assert_mean_is, ppca
from scipy import special, stats
from torch.distributions import Independent, Normal

from dgm_core.estimators import (
    effective_sample_size,
    importance_log_likelihood,
    log_marginal_likelihood,
    mean_and_standard_error,
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


def test_each_example_is_weighed_by_its_own_part_of_the_proposal():
    torch.manual_seed(0)
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    x = model.marginal.sample((9,))
    exact = model.exact.encoder(x)
    q = Independent(Normal(exact.mean, exact.stddev), 1)  # one dimension: the posterior itself
    for chunk in (3, 4, 100):
        found = importance_log_likelihood(model.rough, x, 4, chunk, proposal=q)
        torch.testing.assert_close(found, model.marginal.log_prob(x))


def test_a_proposal_for_others_is_refused():
    model = ppca()
    with pytest.raises(ValueError, match=r"for \[3\] examples, not 2"):
        q = model.rough.prior.expand((3,))
        importance_log_likelihood(model.rough, model.marginal.sample((2,)), 5, proposal=q)


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
