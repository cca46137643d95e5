"""One scale for every number of an event is that scale for each."""

import torch

from dgm_core.distributions import LinearNormal


def test_one_scale_is_that_of_every_number():
    weight, bias = torch.randn(3, 2), torch.randn(3)
    one = LinearNormal(weight, bias, torch.tensor([0.5]))
    each = LinearNormal(weight, bias, torch.full((3,), 0.5))
    torch.testing.assert_close(one.marginal().covariance_matrix, each.marginal().covariance_matrix)
    x = torch.randn(4, 3)
    torch.testing.assert_close(one.posterior(x).mean, each.posterior(x).mean)
