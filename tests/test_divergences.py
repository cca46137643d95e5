import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles import assert_mean_is
from scipy import integrate, special, stats

from dgm_core.divergences import (
    game_value_by_quadrature,
    jensen_shannon_by_quadrature,
    kl_by_quadrature,
    normal_kl,
    renyi_divergence,
)
from dgm_core.objectives import game_value


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


LINE = torch.linspace(-60, 60, 24_001, dtype=torch.float64)
gaussian = st.tuples(st.floats(-5, 5), st.floats(0.3, 4))


def log_normal(mean, scale):
    # Not Normal(mean, scale): plain numbers become float32, and the mass is 1 to 7 digits only.
    return -0.5 * ((LINE - mean) / scale) ** 2 - math.log(scale * math.sqrt(2 * math.pi))


def kl_to_the_middle(p, q):
    """Half of KL(p || (p+q)/2), by scipy's adaptive quadrature of the definition."""
    p, q = stats.norm(*p), stats.norm(*q)

    def integrand(x):
        return special.rel_entr(p.pdf(x), (p.pdf(x) + q.pdf(x)) / 2) / 2

    low, high = p.mean() - 12 * p.std(), p.mean() + 12 * p.std()
    edges = sorted({min(max(v, low), high) for v in (q.mean(), q.mean() - q.std(), p.mean())})
    return integrate.quad(integrand, low, high, limit=500, points=edges, epsabs=1e-12)[0]


@settings(max_examples=25)
@given(gaussian, gaussian)
def test_the_jensen_shannon_divergence_is_the_mean_kl_to_the_middle(p, q):
    log_p, log_q = log_normal(*p), log_normal(*q)
    found = jensen_shannon_by_quadrature(log_p, log_q, LINE)
    assert found.item() == pytest.approx(kl_to_the_middle(p, q) + kl_to_the_middle(q, p), abs=1e-8)
    torch.testing.assert_close(found, jensen_shannon_by_quadrature(log_q, log_p, LINE))
    assert 0 <= found <= math.log(2) + 1e-12


def test_the_jensen_shannon_divergence_of_what_never_meets_is_log_2():
    inside = (LINE > 0) & (LINE < 1)
    one = torch.where(inside, 0.0, -torch.inf).double()
    one = one - torch.trapezoid(one.exp(), LINE).log()
    other = one.roll(4000)
    found = jensen_shannon_by_quadrature(one, other, LINE)
    assert found.item() == pytest.approx(math.log(2), rel=1e-12)
    assert jensen_shannon_by_quadrature(one, one, LINE) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shift", [0.01, 1e-3])
def test_a_tiny_jensen_shannon_divergence_keeps_its_digits(dtype, shift):
    # For N(0, 1) and N(d, 1) it is d^2/8 up to terms of order d^4.
    x = LINE[10_000:14_001].to(dtype)
    log_p = -0.5 * x**2 - 0.5 * math.log(2 * math.pi)
    log_q = log_p + shift * x - shift**2 / 2
    found = jensen_shannon_by_quadrature(log_p, log_q, x)
    tolerance = 1e-4 if dtype == torch.float64 else 0.01  # float32 rounds log_p - log_q itself
    assert found.item() == pytest.approx(shift**2 / 8, rel=tolerance)


@settings(max_examples=25)
@given(gaussian, gaussian)
def test_the_best_discriminator_is_worth_minus_log_4_plus_two_divergences(p, q):
    log_p, log_q = log_normal(*p), log_normal(*q)
    found = game_value_by_quadrature(log_p - log_q, log_p, log_q, LINE)
    divergence = jensen_shannon_by_quadrature(log_p, log_q, LINE)
    assert found.item() == pytest.approx(-math.log(4) + 2 * divergence.item(), abs=1e-9)


@settings(max_examples=25)
@given(gaussian, gaussian, st.floats(-2, 2), st.floats(-0.2, 0.2))
def test_no_other_discriminator_is_worth_more(p, q, shift, slope):
    log_p, log_q = log_normal(*p), log_normal(*q)
    best = log_p - log_q
    other = best + shift + slope * LINE
    values = game_value_by_quadrature(torch.stack([best, other]), log_p, log_q, LINE)
    assert values[1] <= values[0] + 1e-9


def test_the_value_of_the_game_is_the_mean_of_its_samples():
    torch.manual_seed(0)
    p, q = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(1.5, 0.7)

    def logits(x):
        return 1.0 - 0.8 * x

    draws = game_value(logits(p.sample((100_000,))), logits(q.sample((100_000,))))
    expected = game_value_by_quadrature(logits(LINE), p.log_prob(LINE), q.log_prob(LINE), LINE)
    assert_mean_is(draws.double(), expected)


def test_a_discriminator_that_is_certain_is_right_or_infinitely_wrong():
    log_p = torch.where(LINE < 0, math.log(1 / 60), -torch.inf).double()
    log_q = torch.where(LINE < 0, -torch.inf, math.log(1 / 60)).double()
    certain = torch.where(LINE < 0, torch.inf, -torch.inf).double()
    assert game_value_by_quadrature(certain, log_p, log_q, LINE) == 0
    assert game_value_by_quadrature(-certain, log_p, log_q, LINE) == -torch.inf
