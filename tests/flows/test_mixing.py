"""Mixtures of features by matrices that are computed once."""

import copy

import torch

from dgm_core.flows import ActNorm, Compose, Invertible1x1, without_substitution


def test_without_substitution_a_flow_is_the_same_and_solves_nothing():
    torch.manual_seed(0)
    flow = Compose([Invertible1x1(4, 1), Compose([ActNorm(4), Invertible1x1(4, 2)])]).double()
    for parameter in flow.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    z = torch.randn(3, 4, 2, 2, dtype=torch.float64)
    want, back = flow(z), flow.inverse(z)
    changed = without_substitution(copy.deepcopy(flow))
    torch.testing.assert_close(changed(z), want)
    torch.testing.assert_close(changed.inverse(z), back)
    assert not [part for part in changed.modules() if isinstance(part, Invertible1x1)]
    assert [part for part in flow.modules() if isinstance(part, Invertible1x1)]
