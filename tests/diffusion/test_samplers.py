"""Samplers against closed forms, and the mixture that they have to land on."""

import math

import pytest
import torch
from torch.testing import assert_close

from dgm_core.diffusion import (
    ancestral,
    best_variance,
    cosine_path,
    ddim,
    euler,
    exact_denoiser,
    forward_variance,
    heun,
    linear_betas,
    log_snr_of_betas,
    rk4,
    straight_path,
    variance_preserving,
    velocity_on,
)
from dgm_core.mixtures import Mixture

UNIT = Mixture(torch.zeros(1, 1).double(), torch.ones(1).double(), torch.ones(1).double())
TRIPLE = Mixture(
    torch.tensor([[-1.5], [0.5], [1.5]]).double(),
    torch.tensor([0.1, 0.05, 0.2]).double(),
    torch.tensor([0.3, 0.5, 0.2]).double(),
)


@pytest.mark.parametrize("solver, order", [(euler, 1), (heun, 2), (rk4, 4)])
def test_the_error_falls_with_the_power_of_the_steps_that_the_method_has(solver, order):
    z = torch.ones(1, 1, dtype=torch.float64)

    def velocity(z, time):
        return z * time[:, None].cos()

    errors = [abs(solver(velocity, z, n).item() - math.exp(math.sin(1))) for n in (16, 32)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)
    back = solver(velocity, solver(velocity, z, 400), 400, start=1.0, end=0.0)
    assert back.item() == pytest.approx(1, abs=5 / 400**order)


@pytest.mark.parametrize(
    "solver, expected",
    [
        (euler, {1: 0.0, 2: 0.5, 4: 0.72, 8: 0.851, 16: 0.923, 32: 0.961}),
        (heun, {1: 0.5, 2: 0.938, 4: 0.990, 8: 0.9987, 16: 0.9998}),
    ],
)
def test_few_steps_shrink_a_normal_by_a_known_factor(solver, expected):
    """From N(0, 1) to N(0, 1) on the straight path: the map is linear, so a point tells it."""
    velocity = velocity_on(straight_path, exact_denoiser(UNIT))
    for steps, factor in expected.items():
        found = solver(velocity, torch.ones(1, 1).double(), steps).item()
        assert found == pytest.approx(factor, abs=6e-4)


def test_one_step_of_euler_lands_every_sample_on_the_mean():
    velocity = velocity_on(straight_path, exact_denoiser(TRIPLE))
    ends = euler(velocity, torch.randn(5, 1).double(), 1)
    mean = (TRIPLE.weights @ TRIPLE.means).expand(5, 1)
    assert_close(ends, mean, rtol=0, atol=1e-5)


def test_flow_matching_is_not_straight():
    """N(0, 1) to N(0, 1): half-way every sample is at .707 of where it begins and ends."""
    velocity = velocity_on(straight_path, exact_denoiser(UNIT))
    middle = rk4(velocity, torch.ones(1, 1).double(), 100, end=0.5)
    assert middle.item() == pytest.approx(math.sqrt(0.5), abs=1e-6)
    assert rk4(velocity, middle, 100, start=0.5).item() == pytest.approx(1, abs=1e-6)


def energy_distance(a, b):
    """Return 2 E|a - b| - E|a - a'| - E|b - b'| of two samples of one size, (N,), by sorting."""

    def within(x):
        rank = torch.arange(1, len(x) + 1).double()
        return 4 * ((2 * rank - len(x) - 1) * x.sort().values).sum() / len(x) ** 2 / 2

    both = torch.cat([a, b])
    across = (4 * within(both) - within(a) - within(b)) / 2
    return 2 * across - within(a) - within(b)


def lands(x, seed=1) -> float:
    """How far a sample, (N, 1), is from the mixture: in standard errors of real samples."""
    generator = torch.Generator().manual_seed(seed)
    draws = [TRIPLE.sample((len(x),), generator)[:, 0] for _ in range(31)]
    null = torch.stack([energy_distance(draws[0], other) for other in draws[1:]])
    found = energy_distance(draws[0], x[:, 0])
    return ((found - null.mean()) / null.std()).item()


def test_the_energy_distance_is_what_its_definition_says():
    a, b = torch.randn(2, 50).double()
    b = b + 1
    direct = (
        2 * (a[:, None] - b).abs().mean()
        - (a[:, None] - a).abs().mean()
        - (b[:, None] - b).abs().mean()
    )
    assert_close(energy_distance(a, b), direct)


def test_ddim_with_the_exact_score_lands_on_the_mixture():
    torch.manual_seed(0)
    levels = torch.linspace(-14, 14, 161)
    x = ddim(exact_denoiser(TRIPLE), torch.randn(5_000, 1).double(), levels)
    assert abs(lands(x)) < 5
    few = ddim(exact_denoiser(TRIPLE), torch.randn(5_000, 1).double(), levels[::40])
    assert lands(few) > 8


@pytest.mark.parametrize("variance", [None, forward_variance])
def test_ancestral_sampling_lands_on_the_mixture(variance):
    torch.manual_seed(0)
    levels = torch.linspace(-14, 14, 301)
    z, noise = torch.randn(5_000, 1).double(), torch.randn(300, 5_000, 1).double()
    assert abs(lands(ancestral(exact_denoiser(TRIPLE), z, levels, noise, variance))) < 5


def test_with_the_best_variance_few_steps_keep_the_variance_of_a_normal():
    """Exact at every level, by the law of total variance; with btilde it is too small."""
    torch.manual_seed(0)
    data = Mixture(
        torch.zeros(1, 1).double(), torch.tensor([0.3]).double(), torch.ones(1).double()
    )
    levels = torch.linspace(-14, 3, 8).double()
    z, noise = torch.randn(200_000, 1).double(), torch.randn(7, 200_000, 1).double()

    def best(low, high):
        return best_variance(0.3, low, high)

    a, s = variance_preserving(levels[-1])
    expected = (a**2 * 0.3 + s**2).item()
    error = expected * math.sqrt(2 / 200_000)
    found = ancestral(exact_denoiser(data), z, levels, noise, best).var().item()
    assert found == pytest.approx(expected, abs=5 * error)
    small = ancestral(exact_denoiser(data), z, levels, noise).var().item()
    assert small < expected - 20 * error


def test_ddim_is_eulers_method_for_the_ratio_of_noise_to_signal():
    z, levels = torch.randn(3, 1).double(), torch.linspace(-3, 5, 9).double()
    found = ddim(exact_denoiser(TRIPLE), z, levels)
    a, s = variance_preserving(levels)
    y, ratio = z / a[0], s / a
    for i in range(8):
        noise = exact_denoiser(TRIPLE)(y * a[i], levels[i].expand(3)).noise
        y = y + (ratio[i + 1] - ratio[i]) * noise
    assert_close(found, y * a[-1])


@pytest.mark.parametrize("path", [straight_path, cosine_path])
def test_ode_samples_are_those_of_the_mixture(path):
    torch.manual_seed(0)
    x = heun(velocity_on(path, exact_denoiser(TRIPLE)), torch.randn(5_000, 1).double(), 60)
    assert abs(lands(x)) < 5


def test_noise_for_each_step_is_asked_for():
    with pytest.raises(ValueError, match="3 log-SNRs make 2 steps; 1 sets of noise came"):
        ancestral(exact_denoiser(UNIT), torch.zeros(1, 1), [-1.0, 0.0, 1.0], torch.zeros(1, 1, 1))


def test_a_chain_of_betas_is_walked_up_in_all_its_steps():
    """A mistake: ranges off by one leave a step out, or ask for one that was never trained."""
    levels = log_snr_of_betas(linear_betas(50, 1e-3, 0.3)).flip(0)
    asked = []

    def watched(z, log_snr):
        asked.append(log_snr[0].item())
        return exact_denoiser(UNIT)(z, log_snr)

    ddim(watched, torch.randn(2, 1).double(), levels)
    assert_close(torch.tensor(asked).double(), levels[:-1])
    assert (torch.randint(1, 50, (10_000,)).unique() < 50).all()  # as is common: no step 50
