"""Tweedie's formula against quadrature over a grid of the plane."""

import pytest
import torch
from torch.testing import assert_close

from dgm_core import energy
from dgm_core.mixtures import Mixture

PAIR = Mixture(
    torch.tensor([[-1.0, 0.5], [1.5, 0.0]], dtype=torch.float64),
    torch.tensor([0.2, 0.5], dtype=torch.float64),
    torch.tensor([0.3, 0.7], dtype=torch.float64),
)


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_tweedie_gives_the_moments_of_the_posterior(scale):
    """By quadrature over a grid of the plane."""
    z = torch.tensor([[0.2, 0.1], [-1.0, 2.0]], dtype=torch.float64)
    noised = PAIR.noised(1.0, scale)
    line = torch.linspace(-7, 7, 701, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    for point in z:
        log_joint = PAIR.log_prob(grid) - 0.5 * ((point - grid) / scale).square().sum(1)
        share = log_joint.softmax(0)
        mean = share @ grid
        covariance = (grid - mean).T @ (share[:, None] * (grid - mean))
        assert_close(energy.tweedie_mean(noised.score, point[None], scale)[0], mean)
        found = energy.tweedie_covariance(noised.score, point[None], scale)[0]
        assert_close(found, covariance, rtol=1e-6, atol=1e-8)
