"""A network's normal distribution has its mean and log-variance, and lets gradients through."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from dgm_core.distributions import BernoulliPixels, DiagonalNormal, from_noise


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


def test_what_is_not_made_of_normal_noise_says_so():
    pixels = BernoulliPixels(torch.nn.Identity())(torch.zeros(2, 3))
    with pytest.raises(TypeError, match="Bernoulli is not made of standard normal noise"):
        from_noise(pixels, torch.zeros(2, 3))
