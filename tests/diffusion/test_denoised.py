"""What follows from what: every prediction gives every other, by z = a x + s e."""

import pytest
import torch
from torch.testing import assert_close

from dgm_core.diffusion import (
    cosine_path,
    exact_denoiser,
    from_data,
    from_noise,
    from_score,
    from_turn,
    rk4,
    score_of_denoised,
    squared_errors,
    straight_path,
    variance_preserving,
    velocity_on,
)
from dgm_core.mixtures import Mixture

LINE = Mixture(
    torch.tensor([[-1.0], [0.5], [2.0]], dtype=torch.float64),
    torch.tensor([0.1, 0.3, 0.05], dtype=torch.float64),
    torch.tensor([0.3, 0.5, 0.2], dtype=torch.float64),
)


def noised():
    torch.manual_seed(0)
    x, e = torch.randn(2, 6, 3, dtype=torch.float64)
    log_snr = torch.linspace(-6, 6, 6, dtype=torch.float64)
    a, s = (level[:, None] for level in variance_preserving(log_snr))
    return x, e, log_snr, a, s


def test_each_prediction_gives_back_data_and_noise():
    x, e, log_snr, a, s = noised()
    z = a * x + s * e
    for found in (
        from_data(z, x, log_snr),
        from_noise(z, e, log_snr),
        from_turn(z, a * e - s * x, log_snr),
        from_score(z, -e / s, log_snr),
    ):
        assert_close(found.data, x)
        assert_close(found.noise, e)
        assert_close(score_of_denoised(found, log_snr), (a * x - z) / s**2)


def test_the_score_of_the_exact_denoiser_is_that_of_the_noised_mixture():
    """With the other sign, walkers flee: the mistake has a number in test_mistakes."""
    z = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
    for log_snr in (-3.0, 0.0, 4.0):
        at = torch.full((7,), log_snr, dtype=torch.float64)
        signal, noise = (level[0].item() for level in variance_preserving(at))
        expected = LINE.noised(signal, noise).score(z)
        assert_close(score_of_denoised(exact_denoiser(LINE)(z, at), at), expected)


def test_one_error_has_three_scales():
    x, e, log_snr, a, s = noised()

    def wrong(z, log_snr):
        return from_data(z, torch.zeros_like(z) + 0.3, log_snr)

    errors = squared_errors(wrong, x, log_snr, e)
    data = (x - 0.3).square().sum(1)
    assert_close(errors.data, data)
    assert_close(errors.noise, (a**2 / s**2)[:, 0] * data)
    assert_close(errors.turn, data / s[:, 0] ** 2)


def test_on_the_straight_path_the_velocity_is_what_the_formulas_say():
    """u = (x - z) / (1 - t) = (z + (1 - t) score) / t, at the best x and score of z."""
    time = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    z = torch.tensor([[0.3], [-1.0], [1.2]], dtype=torch.float64)
    u = velocity_on(straight_path, exact_denoiser(LINE))(z, time)
    for i in range(3):
        t, here = time[i].item(), z[i : i + 1]
        data, _ = LINE.posterior_means(here, time[i], 1 - time[i])
        score = LINE.noised(t, 1 - t).score(here)
        assert_close(u[i : i + 1], (data - here) / (1 - t))
        assert_close(u[i : i + 1], (here + (1 - t) * score) / t)


def test_all_paths_end_in_the_same_points_and_they_are_the_monotone_map():
    """In one dimension the ODE keeps the order, so that it maps quantiles to quantiles."""
    z = torch.linspace(-2.5, 2.5, 21, dtype=torch.float64)[:, None]
    ends = [
        rk4(velocity_on(path, exact_denoiser(LINE)), z, 100)
        for path in (straight_path, cosine_path)
    ]
    assert_close(ends[0], ends[1], rtol=0, atol=1e-7)
    below = torch.distributions.Normal(0.0, 1.0).cdf(z)
    parts = torch.distributions.Normal(LINE.means[:, 0], LINE.variances.sqrt())
    assert_close(parts.cdf(ends[0]) @ LINE.weights, below[:, 0], rtol=0, atol=1e-7)


@pytest.mark.parametrize("path", [straight_path, cosine_path])
def test_a_velocity_is_finite_at_both_ends(path):
    z = torch.randn(4, 1, dtype=torch.float64)
    for t in (0.0, 1.0):
        u = velocity_on(path, exact_denoiser(LINE))(z, torch.full((4,), t, dtype=torch.float64))
        assert u.isfinite().all()
