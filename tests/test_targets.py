import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from dgm_core.evaluation import class_shares
from dgm_core.targets import Banana, Moons, Ring


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


@pytest.mark.parametrize("target", [Banana(), Moons(), Moons(radius=1.2, spread=1.1, lift=0.1)])
def test_a_bent_density_integrates_to_one_and_samples_follow_it(target):
    grid = torch.linspace(-6, 6, 1501).double()
    x = torch.cartesian_prod(grid, grid)
    log_p = target.log_prob(x).reshape(1501, 1501)
    mass = torch.trapezoid(torch.trapezoid(log_p.exp(), grid), grid)
    assert mass.item() == pytest.approx(1, abs=1e-3 if target == Banana() else 1e-6)
    terms = torch.where(log_p > -100, -log_p * log_p.exp(), 0.0)
    entropy = torch.trapezoid(torch.trapezoid(terms, grid), grid)
    sample = target.sample((200, 200), generator=torch.Generator().manual_seed(0))
    assert sample.shape == (200, 200, 2)
    drawn = -target.log_prob(sample)
    error = drawn.std().item() / len(drawn.flatten()) ** 0.5
    assert drawn.mean().item() == pytest.approx(entropy.item(), abs=5 * error)
    inside = ((sample[..., 0] > 0.5) & (sample[..., 1] > 0)).double().mean().item()
    corner = ((x[:, 0] > 0.5) & (x[:, 1] > 0)).reshape(1501, 1501)
    expected = (log_p.exp() * corner).sum().item() * (12 / 1500) ** 2
    assert inside == pytest.approx(expected, abs=0.02)  # mass in the wrong place would show


def test_the_entropy_of_a_banana_is_that_of_its_gaussian():
    banana = Banana(width=0.8, thickness=0.2, bend=1.0)
    drawn = -banana.log_prob(banana.sample((100_000,), generator=torch.Generator().manual_seed(0)))
    assert drawn.mean().item() == pytest.approx(banana.entropy, abs=0.02)


def test_the_moons_are_each_others_point_reflections_and_noise_alone_decides_a_sample():
    moons, spread = Moons(), torch.randn(50, 2)
    upper = moons.from_noise(torch.full((50,), 0.2), spread)
    lower = moons.from_noise(torch.full((50,), 0.7), spread)
    torch.testing.assert_close(upper, -lower)
    top = moons.from_noise(torch.tensor(0.0), torch.zeros(2))
    torch.testing.assert_close(top, torch.tensor([-moons.shift, moons.radius - moons.lift]))
    torch.testing.assert_close(moons.log_prob(upper), moons.log_prob(lower))
