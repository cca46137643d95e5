import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from dgm_core.distributions import (
    BernoulliPixels,
    DiagonalNormal,
    DiscretizedLogistic,
    DiscretizedLogisticPixels,
    LinearNormal,
    NormalPixels,
    from_noise,
    normal_quantile,
)
from dgm_core.nets import mlp


class Heads(nn.Module):
    """Passes on its input as (mean, log_var)."""

    def forward(self, x):
        return x[..., 0, :], x[..., 1, :]


numbers = st.floats(-8, 8)


@given(numbers, numbers, numbers)
def test_the_second_output_is_the_logarithm_of_the_variance(mean, log_var, z):
    q = DiagonalNormal(Heads())(torch.tensor([[mean], [log_var]], dtype=torch.float64))
    expected = stats.norm(mean, math.sqrt(math.exp(log_var))).logpdf(z)
    found = q.log_prob(torch.tensor([z], dtype=torch.float64)).item()
    torch.testing.assert_close(found, float(expected))


def test_log_prob_sums_over_one_event_dimension():
    q = DiagonalNormal(Heads())(torch.zeros(4, 6, 2, 3))
    assert q.batch_shape == (4, 6) and q.event_shape == (3,)
    torch.testing.assert_close(
        q.log_prob(torch.ones(5, 4, 6, 3)),
        torch.full((5, 4, 6), 3 * (-0.5 - 0.5 * math.log(2 * math.pi))),
    )


def test_samples_are_reparameterised():
    parameters = torch.zeros(2, 1, requires_grad=True)
    z = DiagonalNormal(Heads())(parameters).rsample()
    (gradient,) = torch.autograd.grad(z.sum(), parameters)
    torch.testing.assert_close(gradient[0], torch.ones(1))
    torch.testing.assert_close(gradient[1], 0.5 * z.detach())  # d sigma / d log_var = sigma / 2


@given(st.lists(numbers, min_size=1, max_size=5), st.data())
def test_pixels_are_bernoulli_with_the_network_as_logits(logits, draw):
    x = draw.draw(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=len(logits), max_size=len(logits))
    )
    p = BernoulliPixels(nn.Identity())(torch.tensor(logits, dtype=torch.float64))
    expected = sum(
        stats.bernoulli(1 / (1 + math.exp(-logit))).logpmf(value)
        for logit, value in zip(logits, x, strict=True)
    )
    assert p.event_shape == (len(logits),) and p.batch_shape == ()
    torch.testing.assert_close(p.log_prob(torch.tensor(x).double()).item(), float(expected))


def test_certain_pixels_stay_finite():
    logits = torch.tensor([-500.0, 500.0], requires_grad=True)
    wrong = BernoulliPixels(nn.Identity())(logits).log_prob(torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(wrong, torch.tensor(-1000.0))
    wrong.backward()
    torch.testing.assert_close(logits.grad, torch.tensor([1.0, -1.0]))


GREYS = torch.arange(256, dtype=torch.float64) / 255
locations, log_scales = st.floats(-2, 3), st.floats(-7, 2)


def logistic_pixel(loc, log_scale):
    return DiscretizedLogistic(
        torch.tensor(loc, dtype=torch.float64), torch.tensor(log_scale, dtype=torch.float64).exp()
    )


@given(locations, log_scales)
def test_the_masses_of_the_256_grey_values_sum_to_one(loc, log_scale):
    total = logistic_pixel(loc, log_scale).log_prob(GREYS).logsumexp(0)
    torch.testing.assert_close(total, torch.zeros_like(total), atol=1e-12, rtol=0)


@given(locations, log_scales)
def test_the_mass_of_a_grey_value_is_that_of_its_bin(loc, log_scale):
    pixel = logistic_pixel(loc, log_scale)
    edges = (torch.arange(257).double() - 0.5) / 255
    edges[0], edges[-1] = -math.inf, math.inf
    below = torch.from_numpy(stats.logistic(loc, math.exp(log_scale)).cdf(edges))
    torch.testing.assert_close(pixel.log_prob(GREYS).exp(), below.diff(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_mass_of_a_grey_value_far_from_the_location_keeps_its_digits(dtype):
    """A difference of sigmoids is 0 there, already at 40 scales in float64."""
    scale = torch.tensor(0.001, dtype=dtype)
    pixel = DiscretizedLogistic(torch.tensor(0.0, dtype=dtype), scale)
    value = GREYS[200].to(dtype)
    lower, width = (value - 0.5 / 255) / scale, 1 / (255 * scale)
    expected = -lower + (1 - torch.exp(-width)).log()  # the tail of the logistic is exponential
    torch.testing.assert_close(pixel.log_prob(value), expected)


def test_grey_values_keep_finite_gradients_at_any_scale():
    loc = torch.zeros(6, requires_grad=True)
    log_scale = torch.tensor([-9.0, -9.0, -9.0, 9.0, 9.0, 9.0], requires_grad=True)
    value = torch.tensor([0.0, 100 / 255, 1.0]).repeat(2)
    DiscretizedLogistic(loc, log_scale.exp()).log_prob(value).sum().backward()
    assert loc.grad.isfinite().all() and log_scale.grad.isfinite().all()
    assert log_scale.grad[1] > 0 and log_scale.grad[2] > 0  # far from the location: be less sure


def test_grey_pixels_are_drawn_as_often_as_their_masses_say():
    torch.manual_seed(0)
    pixel = DiscretizedLogistic(torch.tensor(0.2), torch.tensor(0.3))
    drawn = (255 * pixel.sample((200_000,))).round().long().bincount(minlength=256) / 200_000
    mass = pixel.log_prob(GREYS.float()).exp()
    error = (mass * (1 - mass) / 200_000).sqrt()
    assert drawn.shape == (256,) and drawn[0] > 0.3 and drawn[255] > 0.05  # both tails count
    assert ((drawn - mass).abs() < 5 * error).all()


def test_the_quantiles_of_a_grey_pixel_are_where_its_masses_add_up():
    pixel = logistic_pixel(0.4, -1.5)
    below = pixel.log_prob(GREYS).exp().cumsum(0)
    u = torch.linspace(0.001, 0.999, 501).double()
    torch.testing.assert_close(pixel.icdf(u), GREYS[torch.searchsorted(below, u)])
    assert pixel.icdf(torch.tensor(0.0)) == 0 and pixel.icdf(torch.tensor(1.0)) == 1


def test_grey_pixels_take_locations_first_and_then_logarithms_of_scales():
    outputs = torch.tensor([[0.1, 0.9, -1.0, -2.0]])
    p = DiscretizedLogisticPixels(nn.Identity())(outputs)
    assert p.event_shape == (2,) and p.batch_shape == (1,)
    ones = [logistic_pixel(0.1, -1.0), logistic_pixel(0.9, -2.0)]
    expected = ones[0].log_prob(GREYS[30]) + ones[1].log_prob(GREYS[200])
    found = p.log_prob(torch.stack([GREYS[30], GREYS[200]]).float())
    torch.testing.assert_close(found, expected.float()[None])
    assert p.sample((5,)).shape == (5, 1, 2)


def test_what_is_not_made_of_normal_noise_says_so():
    pixels = BernoulliPixels(torch.nn.Identity())(torch.zeros(2, 3))
    with pytest.raises(TypeError, match="Bernoulli is not made of standard normal noise"):
        from_noise(pixels, torch.zeros(2, 3))


def test_normal_pixels_have_the_density_of_scipy():
    torch.manual_seed(0)
    p = NormalPixels(mlp([2, 5]), scale=0.3).double()
    z, x = torch.randn(7, 2).double(), torch.randn(7, 5).double()
    expected = stats.norm(p.net(z).detach(), 0.3).logpdf(x).sum(1)
    torch.testing.assert_close(p(z).log_prob(x).detach(), torch.from_numpy(expected))


def test_the_learned_width_of_pixels_is_their_root_mean_squared_error():
    torch.manual_seed(0)
    p = NormalPixels(mlp([2, 5]), scale=2.0).double()
    z, x = torch.randn(50, 2).double(), torch.randn(50, 5).double()
    best = (x - p.net(z)).square().mean().sqrt().detach()
    with torch.no_grad():
        p.log_scale.copy_(best.log())
    (slope,) = torch.autograd.grad(p(z).log_prob(x).sum(), p.log_scale)
    assert slope.abs() < 1e-9
    lower, middle, upper = (at(p, z, x, best * factor) for factor in (0.9, 1.0, 1.1))
    assert middle > max(lower, upper)


def at(p, z, x, scale):
    with torch.no_grad():
        p.log_scale.copy_(scale.log())
        return p(z).log_prob(x).mean()


def test_the_likeliest_width_of_a_linear_model_is_what_tipping_and_bishop_say():
    """With the likeliest weight, s^2 is the mean of the eigenvalues that are left out."""
    torch.manual_seed(0)
    x = torch.randn(400, 4).double() @ torch.diag(torch.tensor([3.0, 1.0, 0.7, 0.4]).double())
    x = x - x.mean(0)
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    s2 = values[:3].mean()
    p = NormalPixels(torch.nn.Linear(1, 4)).double()
    with torch.no_grad():
        p.net.weight.copy_(vectors[:, 3:] * (values[3] - s2).sqrt())
        p.net.bias.zero_()
        p.log_scale.copy_(0.5 * s2.log())

    linear = LinearNormal(p.net.weight, p.net.bias, p(torch.zeros(1).double()).stddev)
    posterior = linear.posterior(x)
    z = posterior.mean[None] + posterior.stddev * torch.tensor([-1.0, 1.0]).double()[:, None, None]
    # Two points with the posterior's mean and variance: log p(x|z) is quadratic in z, so exact.
    slopes = torch.autograd.grad(p(z.detach()).log_prob(x).mean(), [p.log_scale, p.net.weight])
    assert all(slope.abs().max() < 1e-9 for slope in slopes)


def test_grey_values_broadcast_with_locations_one_by_one():
    logistic = DiscretizedLogistic(torch.zeros(9), torch.ones(9))
    assert logistic.log_prob(torch.tensor([[0.0], [1.0]])).shape == (2, 9)


def test_one_scale_is_that_of_every_number():
    weight, bias = torch.randn(3, 2), torch.randn(3)
    one = LinearNormal(weight, bias, torch.tensor([0.5]))
    each = LinearNormal(weight, bias, torch.full((3,), 0.5))
    torch.testing.assert_close(one.marginal().covariance_matrix, each.marginal().covariance_matrix)
    x = torch.randn(4, 3)
    torch.testing.assert_close(one.posterior(x).mean, each.posterior(x).mean)


def test_the_normal_quantile_is_torchs():
    u = torch.cat(
        [10.0 ** torch.linspace(-6, -3, 50), torch.linspace(0.001, 0.999, 4001)]
    ).double()
    u = torch.cat([u, 1 - u[:50]])
    expected = torch.special.ndtri(u)
    torch.testing.assert_close(normal_quantile(u), expected, rtol=1e-6, atol=2e-6)
    lower = u[:-50]  # near 1, a float32 has few digits itself
    single = normal_quantile(lower.float()).double()
    torch.testing.assert_close(
        single, torch.special.ndtri(lower.float().double()), rtol=0, atol=4e-6
    )
