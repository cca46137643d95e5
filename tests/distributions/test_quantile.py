"""The quantile of the normal distribution, against torch's."""

import torch

from dgm_core.distributions import normal_quantile


def test_the_normal_quantile_is_torchs():
    u = torch.cat(
        [10.0 ** torch.linspace(-6, -3, 50), torch.linspace(0.001, 0.999, 4001)]
    ).double()
    u = torch.cat([u, 1 - u[:50]])
    expected = torch.special.ndtri(u)
    torch.testing.assert_close(normal_quantile(u), expected, rtol=1e-6, atol=2e-6)
    lower = u[:-50]  # near 1, a float32 has few digits itself
    single = normal_quantile(lower.float()).double()
    torch.testing.assert_close(
        single, torch.special.ndtri(lower.float().double()), rtol=0, atol=4e-6
    )
