import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from dgm_core.distributions import BernoulliPixels, DiagonalNormal


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
