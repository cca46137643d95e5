"""Paths, schedules and the log-SNR against their definitions and autograd."""

import pytest
import torch
from torch.testing import assert_close

from dgm_core.diffusion import (
    LOG_SNR_LIMIT,
    cosine_path,
    linear_betas,
    log_snr_at,
    log_snr_of_betas,
    mixed_path,
    straight_path,
    stratified,
    variance_preserving,
)

PATHS = {
    "straight": straight_path,
    "cosine": cosine_path,
    "between": mixed_path(straight_path, cosine_path, 0.3),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_path_goes_from_noise_to_data_and_knows_its_rates(path):
    ends = path(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert_close(ends.signal, torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert_close(ends.noise, torch.tensor([1.0, 0.0], dtype=torch.float64))
    time = torch.rand(5, dtype=torch.float64, requires_grad=True)
    point = path(time)
    for value, rate in ((point.signal, point.signal_rate), (point.noise, point.noise_rate)):
        assert_close(torch.autograd.grad(value.sum(), time, retain_graph=True)[0], rate)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_log_snr_is_twice_the_log_of_signal_over_noise_and_rises(path):
    time = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    point, log_snr = path(time), log_snr_at(path, time)
    assert_close(log_snr, 2 * (point.signal / point.noise).log())
    assert (log_snr.diff() > 0).all()
    ends = log_snr_at(path, torch.tensor([0.0, 1.0]))
    assert ends.tolist() == [-LOG_SNR_LIMIT, LOG_SNR_LIMIT]


def test_on_the_cosine_path_variance_is_preserved_as_by_the_clock():
    time = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    signal, noise = variance_preserving(log_snr_at(cosine_path, time))
    assert_close(signal, cosine_path(time).signal)
    assert_close(noise, cosine_path(time).noise)
    assert_close(signal**2 + noise**2, torch.ones_like(time))


def test_far_out_on_the_clock_neither_part_is_lost():
    signal, noise = variance_preserving(torch.tensor([-30.0, 30.0]))
    assert_close(signal.log(), torch.tensor([-15.0, 0.0]), rtol=1e-6, atol=1e-6)
    assert_close(noise.log(), torch.tensor([0.0, -15.0]), rtol=1e-6, atol=1e-6)


def test_the_log_snr_of_a_chain_is_that_of_its_steps_one_after_the_other():
    betas = linear_betas(20, 0.01, 0.3)
    signal, noise = torch.ones((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for beta, log_snr in zip(betas, log_snr_of_betas(betas), strict=True):
        signal, noise = (1 - beta) * signal, (1 - beta) * noise + beta  # squares
        assert_close(log_snr, (signal / noise).log())


def test_stratified_numbers_are_uniform_with_a_mean_that_varies_less():
    torch.manual_seed(0)
    u = torch.stack([stratified(torch.rand(16, dtype=torch.float64)) for _ in range(4000)])
    assert ((16 * u).floor() == torch.arange(16)).all()
    assert_close(u.mean(1).var(), torch.tensor(1 / 12 / 16**3).double(), rtol=0.15, atol=0)
    assert abs(u.mean().item() - 0.5) < 5 * (1 / 12 / 16**3 / 4000) ** 0.5
