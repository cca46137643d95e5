"""A ring of Gaussians is the mixture that PyTorch makes of its parts."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from dgm_core.evaluation import class_shares
from dgm_core.targets import Ring


def mixture(ring):
    """The same distribution, from PyTorch's own parts."""
    centres = torch.tensor(
        [
            [ring.radius * f(2 * math.pi * k / ring.modes) for f in (math.cos, math.sin)]
            for k in range(ring.modes)
        ],
        dtype=torch.float64,
    )
    parts = Independent(Normal(centres, ring.scale), 1)
    return MixtureSameFamily(Categorical(torch.ones(ring.modes).double()), parts)


@given(st.integers(1, 12), st.floats(0.1, 5), st.floats(0.05, 2), st.integers(0, 1000))
def test_the_density_of_a_ring_is_that_of_a_mixture(modes, radius, scale, seed):
    ring = Ring(modes, radius, scale)
    torch.manual_seed(seed)
    x = 3 * torch.randn(4, 5, 2).double()
    torch.testing.assert_close(ring.log_prob(x), mixture(ring).log_prob(x), rtol=1e-4, atol=1e-4)


def test_the_density_of_a_ring_integrates_to_one():
    grid = torch.linspace(-3, 3, 601).double()
    x = torch.stack(torch.meshgrid(grid, grid, indexing="ij"), -1)
    mass = torch.trapezoid(torch.trapezoid(Ring().log_prob(x).exp(), grid), grid)
    assert mass.item() == pytest.approx(1, abs=1e-6)


def test_samples_follow_the_density():
    generator = torch.Generator().manual_seed(0)
    ring = Ring(modes=5, radius=1.0, scale=0.3)
    x = ring.sample((200, 100), generator=generator)
    assert x.shape == (200, 100, 2)
    # Where they are sampled from, the mean of log p is minus the entropy, and that of q/p is 1.
    log_p, other = ring.log_prob(x), Normal(0.0, 0.7).log_prob(x).sum(-1)
    truth = mixture(ring).sample((20_000,))
    entropies = [-ring.log_prob(points).double() for points in (x.reshape(-1, 2), truth)]
    assert entropies[0].mean().item() == pytest.approx(entropies[1].mean().item(), abs=0.02)
    assert (other - log_p).exp().mean().item() == pytest.approx(1, abs=0.02)


def test_every_mode_is_drawn_and_found_again():
    torch.manual_seed(0)
    ring = Ring()
    index, sigmas = ring.nearest(ring.sample((8000,)))
    shares = class_shares(index, ring.modes)
    assert shares.min() > 0.1 and shares.max() < 0.15
    assert (sigmas < 3).float().mean().item() == pytest.approx(1 - math.exp(-4.5), abs=0.01)
    index, sigmas = ring.nearest(ring.centres())
    assert index.tolist() == list(range(8)) and sigmas.max() < 1e-4


def test_noise_alone_decides_a_sample():
    ring = Ring(modes=4, radius=2.0, scale=0.5)
    which = torch.tensor([0.0, 0.26, 0.5, 0.999])
    spread = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0], [2.0, 2.0]])
    expected = torch.tensor([[2.0, 0.0], [0.5, 2.0], [-2.0, -0.5], [1.0, -1.0]])
    torch.testing.assert_close(ring.from_noise(which, spread), expected)
