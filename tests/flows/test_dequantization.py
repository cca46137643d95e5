"""Bounds on the probability of integers, where the probability is known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_mean_is
from torch import nn

from dgm_core.flows import (
    Affine,
    Bijection,
    Compose,
    Dequantizer,
    Flow,
    Logit,
    MixtureCDF,
    dequantization_bound,
)
from dgm_core.objectives import bits_per_dim

NODES = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000


def random_parts(seed: int, *shape: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    w, m, s = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(3))
    return w, m, 0.5 * s


def random_flow(seed: int) -> Flow:
    w, m, s = random_parts(seed, 1, 3)
    return Flow(MixtureCDF(w, 2 + m, s), (1,), uniform=True).double()


def integers(count: int = 4) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float64)[:, None]


def on_bins(log_density, x):
    """The log-density at nodes of each bin, (len(x), nodes)."""
    return log_density((x + NODES).view(-1, 1)).view(len(x), -1)


def log_masses(flow: Flow, count: int = 4) -> torch.Tensor:
    z, _ = flow.bijection.inverse(integers(count + 1))
    return z.squeeze(1).diff().log()


class Lookup(nn.Module):
    """A net for integers: the parameters of each, (B, 1, K)."""

    def __init__(self, seed: int, components: int = 2):
        super().__init__()
        self.parts = random_parts(seed, 4, 1, components)

    def forward(self, x):
        w, m, s = (part[x[:, 0].long()] for part in self.parts)
        return w, m, s.clamp(min=-0.5)


class StepDensity(Bijection):
    """Uniform z to a density that is constant on bins of a width, with these masses."""

    def __init__(self, masses: torch.Tensor, width: float):
        super().__init__()
        self.masses, self.width = masses, width

    def inverse(self, x):
        k, fraction = x.floor().long(), x - x.floor()
        inside = fraction < self.width
        below = self.masses.cumsum(0)[k] - self.masses[k]
        z = below + self.masses[k] * (fraction / self.width).clamp(max=1)
        log_slope = torch.where(inside, (self.masses[k] / self.width).log(), -torch.inf)
        return z, log_slope.sum(1)

    def forward(self, z):
        raise NotImplementedError


@given(st.integers(0, 10_000))
def test_the_uniform_bound_misses_the_mass_by_a_divergence(seed):
    flow = random_flow(seed)
    log_p = on_bins(flow.log_prob, integers())
    log_posterior = log_p - log_p.exp().mean(1, keepdim=True).log()
    gap = -log_posterior.mean(1)  # KL(uniform || p(u | x))
    torch.testing.assert_close(log_p.mean(1), log_masses(flow) - gap, atol=1e-4, rtol=1e-4)
    assert (gap > 0).all()


def test_the_bound_is_an_unbiased_estimate():
    flow, x = random_flow(1), integers()
    torch.manual_seed(0)
    draws = torch.stack([dequantization_bound(flow, x, num_samples=5) for _ in range(1000)])
    assert_mean_is(draws, on_bins(flow.log_prob, x).mean(1))


def test_the_learned_bound_misses_the_mass_by_its_own_divergence():
    flow, q, x = random_flow(2), Dequantizer(Lookup(3)), integers()
    log_p = on_bins(flow.log_prob, x)
    log_posterior = log_p - log_p.exp().mean(1, keepdim=True).log()
    again = x.repeat_interleave(len(NODES), 0)
    log_q = q.log_prob(NODES.repeat(4)[:, None], again).view(4, -1)
    gap = (log_q.exp() * (log_q - log_posterior)).mean(1)
    torch.manual_seed(1)
    draws = torch.stack([dequantization_bound(flow, x, q, num_samples=5) for _ in range(1000)])
    assert_mean_is(draws, log_masses(flow) - gap)
    assert (gap > 0).all()


def test_learned_noise_has_mass_one_and_knows_its_own_density():
    q, x = Dequantizer(Lookup(4)), integers()
    again = x.repeat_interleave(len(NODES), 0)
    density = q.log_prob(NODES.repeat(4)[:, None], again).exp().view(4, -1)
    torch.testing.assert_close(density.mean(1), torch.ones(4).double(), atol=1e-3, rtol=0)
    torch.manual_seed(2)
    u, log_q = q(again)
    assert ((u > 0) & (u < 1)).all()
    torch.testing.assert_close(log_q, q.log_prob(u, again), atol=1e-8, rtol=1e-8)
    means = (density * NODES).mean(1)
    for k in range(4):
        assert_mean_is(u.view(4, -1)[k], means[k])


def test_a_neutral_table_draws_uniform_noise():
    class Neutral(nn.Module):
        def forward(self, x):
            return tuple(torch.zeros(*x.shape, 2, dtype=x.dtype) for _ in range(3))

    neutral = Neutral()
    flow, x = random_flow(5), integers()
    torch.manual_seed(3)
    u, log_q = Dequantizer(neutral)(x)
    torch.manual_seed(3)
    torch.testing.assert_close(u, torch.rand_like(x))
    torch.testing.assert_close(log_q, torch.zeros(4).double(), atol=1e-12, rtol=0)
    torch.manual_seed(4)
    learned = dequantization_bound(flow, x, Dequantizer(neutral), num_samples=3)
    torch.manual_seed(4)
    torch.testing.assert_close(dequantization_bound(flow, x, num_samples=3), learned)


def test_gradients_reach_the_noise():
    class Free(Lookup):
        def __init__(self):
            super().__init__(6)
            self.parts = nn.ParameterList(self.parts)

    flow, net = random_flow(6), Free()
    torch.manual_seed(5)
    before = dequantization_bound(flow, integers(), Dequantizer(net), 2000).mean()
    before.backward()
    with torch.no_grad():
        for part in net.parts:
            part += 0.05 * part.grad
    after = dequantization_bound(flow, integers(), Dequantizer(net), 2000).mean()
    assert after > before + 1e-3


def test_a_density_that_is_constant_on_bins_leaves_no_gap_in_any_draw():
    masses = torch.tensor([0.4, 0.1, 0.3, 0.2], dtype=torch.float64)
    flow = Flow(StepDensity(masses, width=1.0), (1,), uniform=True).double()
    for _ in range(20):
        torch.testing.assert_close(dequantization_bound(flow, integers()), masses.log())


def test_noise_on_half_a_bin_says_one_bit_too_little():
    """With all mass on half-bins, P is as before, the density twice as high: log 2 nats, 1 bit."""
    masses = torch.tensor([0.4, 0.1, 0.3, 0.2], dtype=torch.float64)
    flow = Flow(StepDensity(masses, width=0.5), (1,), uniform=True).double()
    x = integers()
    torch.testing.assert_close(on_bins(flow.log_prob, x).exp().mean(1), masses)  # P
    half = flow.log_prob(x + torch.rand_like(x) / 2)
    torch.testing.assert_close(half, masses.log() + math.log(2))
    torch.testing.assert_close(bits_per_dim(half, 1), bits_per_dim(masses.log(), 1) - 1)


@pytest.mark.parametrize("alpha", [1e-5, 0.05])
def test_every_jacobian_term_of_pixels_is_that_of_autograd(alpha):
    """From pixels y in [0, 256) to logits: divide by 256, shrink, take the logit."""
    dims, torch_seed = 3, torch.manual_seed(6)
    y = 256 * torch.rand(5, dims, generator=torch_seed, dtype=torch.float64)
    zero = torch.zeros(dims, dtype=torch.float64)
    scaling = Affine(zero, zero + math.log(256))
    parts = [Logit(alpha), scaling]
    for part, point in ((scaling, y), (parts[0], y / 256), (Compose(parts), y)):
        _, log_det = part.inverse(point)
        for k in range(5):
            jacobian = torch.autograd.functional.jacobian(
                lambda v, part=part: part.inverse(v[None])[0][0], point[k]
            )
            torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], log_det[k])
    v = alpha + (1 - 2 * alpha) * y / 256
    by_hand = (math.log(1 - 2 * alpha) - v.log() - (1 - v).log() - math.log(256)).sum(1)
    torch.testing.assert_close(Compose(parts).inverse(y)[1], by_hand)


def test_a_uniform_model_of_bytes_has_eight_bits():
    zero = torch.zeros(2, dtype=torch.float64)
    flow = Flow(Affine(zero, zero + math.log(256)), (2,), uniform=True).double()
    x = torch.tensor([[0.0, 255.0], [17.0, 128.0]], dtype=torch.float64)
    bits = bits_per_dim(dequantization_bound(flow, x), 2)
    torch.testing.assert_close(bits, torch.full_like(bits, 8.0))
