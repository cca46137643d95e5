import itertools

import numpy as np
import pytest
import torch
from oracles import assert_mean_is
from torch.distributions import (
    AffineTransform,
    Bernoulli,
    Beta,
    Independent,
    Normal,
    TransformedDistribution,
    Uniform,
)

from dgm_core.gradients import (
    leave_one_out,
    pathwise_gradients,
    score_function_gradients,
    score_function_surrogate,
)

S = 200_000


def numbers(*values):
    return [torch.tensor(value, dtype=torch.float64) for value in values]


def square_variances(mean, scale, baseline):
    """Variances for f(z) = z^2 and N(mean, scale^2), from the normal's moments 1, 3, 15, 105."""
    m, v, b = mean**2, scale**2, baseline
    score_mean = m**2 / v + 14 * m + 15 * v - 2 * b * (m / v + 3) + b**2 / v
    score_scale = 2 * m**2 / v + 60 * m + 74 * v - 4 * b * (m / v + 5) + 2 * b**2 / v
    return {"pathwise": (4 * v, 4 * m + 8 * v), "score": (score_mean, score_scale)}


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (1.0, 0.5), (-2.0, 1.5)])
@pytest.mark.parametrize("baseline", [0.0, 3.0])
def test_a_square_has_the_gradients_and_variances_of_the_closed_form(mean, scale, baseline):
    torch.manual_seed(0)
    arguments = torch.square, Normal, numbers(mean, scale), S
    found = {
        "pathwise": pathwise_gradients(*arguments),
        "score": score_function_gradients(*arguments, baseline=baseline),
    }
    variances = square_variances(mean, scale, baseline)
    for name, gradients in found.items():
        for gradient, exact, variance in zip(
            gradients, (2 * mean, 2 * scale), variances[name], strict=True
        ):
            assert gradient.shape == (S,)
            assert_mean_is(gradient, exact)
            assert_mean_is((gradient - exact) ** 2, variance)


def test_any_smooth_function_has_the_gradient_of_its_quadrature():
    torch.manual_seed(0)
    points, weights = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(80))
    parameters = [p.requires_grad_() for p in numbers(0.4, 0.8)]

    def f(z):
        return (2 * z).sin() + z**3 + z.exp()

    value = (weights * f(parameters[0] + parameters[1] * points)).sum() / weights.sum()
    exact = torch.autograd.grad(value, parameters)
    for estimate in (pathwise_gradients, score_function_gradients):
        for gradient, truth in zip(estimate(f, Normal, parameters, S), exact, strict=True):
            assert_mean_is(gradient, truth)
    assert all(p.grad is None for p in parameters)


def diagonal_normal(mean, log_var):
    return Independent(Normal(mean, (0.5 * log_var).exp()), 1)


@pytest.mark.parametrize("estimate", [pathwise_gradients, score_function_gradients])
def test_batches_and_events_keep_their_gradients_apart(estimate):
    # f = (w . z)^2: E f = (w . mean)^2 + sum w^2 var, in each example of the batch
    torch.manual_seed(0)
    mean, log_var, w = (torch.randn(4, 3, dtype=torch.float64) for _ in range(3))
    gradients = estimate(lambda z: (w * z).sum(-1) ** 2, diagonal_normal, [mean, log_var], S)
    assert_mean_is(gradients[0], 2 * (w * mean).sum(-1, keepdim=True) * w)
    assert_mean_is(gradients[1], w**2 * log_var.exp())


@pytest.mark.parametrize("estimate", [pathwise_gradients, score_function_gradients])
def test_each_draw_has_a_gradient_of_its_own(estimate):
    parameters = numbers([0.3, -1.0], [0.5, 1.2])

    def f(z):
        return (z**4).sum(-1)

    def q(*copies):
        return Independent(Normal(*copies), 1)

    torch.manual_seed(0)
    together = estimate(f, q, parameters, 1000)
    torch.manual_seed(0)
    z = q(*parameters).expand([1000]).sample()
    mean, scale = parameters
    eps = (z - mean) / scale
    if estimate is pathwise_gradients:
        expected = 4 * z**3, 4 * z**3 * eps
    else:
        expected = f(z)[:, None] * eps / scale, f(z)[:, None] * (eps**2 - 1) / scale
    torch.testing.assert_close(together, expected)


def test_a_step_stops_the_path_but_not_the_score():
    torch.manual_seed(0)
    mean, scale = numbers(0.5, 1.0)

    def step(z):
        return (1 + z.sign()) / 2

    density = Normal(mean, scale).log_prob(torch.zeros_like(mean)).exp()  # d/dmean P(z > 0)
    assert (pathwise_gradients(step, Normal, [mean, scale], 1000)[0] == 0).all()
    assert_mean_is(score_function_gradients(step, Normal, [mean, scale], S)[0], density)


def test_a_density_that_jumps_at_a_moving_edge_has_a_path_but_no_score():
    torch.manual_seed(0)
    arguments = lambda z: z, lambda edge: Uniform(0.0, edge), numbers(1.5), S
    assert_mean_is(pathwise_gradients(*arguments)[0], 0.5)
    assert_mean_is(score_function_gradients(*arguments)[0], -0.5)  # of the wrong sign


def test_a_density_that_meets_its_moving_edge_smoothly_has_both():
    torch.manual_seed(0)
    t = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    exact = torch.trapezoid(30 * (t - t**2) ** 2 * 3 * (3 * (t + 0.3)).cos(), t).item()

    def moved(edge):
        return TransformedDistribution(Beta(3 * edge**0, 3 * edge**0), AffineTransform(edge, 1.0))

    for estimate in (pathwise_gradients, score_function_gradients):
        assert_mean_is(estimate(lambda z: (3 * z).sin(), moved, numbers(0.3), S)[0], exact)


def test_coins_have_a_score_but_no_path():
    torch.manual_seed(0)
    logit = numbers(0.7)

    def f(z):
        return 3 * z + 1

    def coin(logit):
        return Bernoulli(logits=logit)

    exact = 3 * logit[0].sigmoid() * (1 - logit[0].sigmoid())
    assert_mean_is(score_function_gradients(f, coin, logit, S, baseline=2.0)[0], exact)
    with pytest.raises(NotImplementedError):
        pathwise_gradients(f, coin, logit, 10)


@pytest.mark.parametrize("free", [False, True])
def test_the_surrogate_has_the_value_of_f_and_the_gradient_of_the_expectation(free):
    """Exact, without a draw: all pairs of three coins, with their probabilities."""
    torch.manual_seed(0)
    logits, theta = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    q = Independent(Bernoulli(logits=logits), 1)
    coins = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)
    pairs = torch.tensor(list(itertools.product(range(8), repeat=2))).T  # (2, 64)
    z = coins[pairs]  # (2, 64, 3): two draws, in every combination
    probability = q.log_prob(coins).exp()

    def f(z):
        return (theta * z).sum(-1).exp()

    values = f(z)
    baseline = leave_one_out(values) if free else 1.7
    surrogate = score_function_surrogate(values, q.log_prob(z), baseline)
    torch.testing.assert_close(surrogate, values, rtol=0, atol=0)
    both = probability[pairs].prod(0).detach()
    found = torch.autograd.grad((both * surrogate.mean(0)).sum(), [logits, theta])
    expected = torch.autograd.grad((probability * f(coins)).sum(), [logits, theta])
    torch.testing.assert_close(found, expected)


def test_leave_one_out_by_hand_and_free_of_its_own_draw():
    values = torch.tensor([[1.0, 0.0], [2.0, 5.0], [6.0, 1.0]])
    expected = torch.tensor([[4.0, 3.0], [3.5, 0.5], [1.5, 2.5]])
    torch.testing.assert_close(leave_one_out(values), expected)
    jacobian = torch.autograd.functional.jacobian(leave_one_out, values[:, 0])
    assert (jacobian.diagonal() == 0).all()
    with pytest.raises(ValueError, match="draws is 1, but at least 2"):  # one has no others
        leave_one_out(values[:1])


def test_the_best_baseline_of_a_square_leaves_what_theory_leaves():
    torch.manual_seed(0)
    best = 4.0  # mean^2 + 3 scale^2
    (gradient, _) = score_function_gradients(torch.square, Normal, numbers(1.0, 1.0), S, best)
    assert square_variances(1.0, 1.0, best)["score"][0] == 8 + 6
    assert_mean_is((gradient - 2) ** 2, 8 + 6)
