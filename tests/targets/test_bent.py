"""Bent densities integrate to 1, and samples follow them."""

import pytest
import torch

from dgm_core.targets import Banana, Moons


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
