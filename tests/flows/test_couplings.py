"""Couplings and the scale before them: what moves, how far, and where a stack starts."""

import torch
from torch import nn

from dgm_core.flows import ActNorm, AffineCoupling, affine_image_flow, coupling_layers


def test_actnorm_is_the_identity_until_it_has_seen_data_and_then_normalises_them():
    torch.manual_seed(0)
    x = 3 * torch.randn(50, 2, 4, 4) + torch.tensor([5.0, -7.0]).view(2, 1, 1)
    norm = ActNorm(2)
    assert torch.equal(norm(x)[0], x)
    z = norm.initialize(x)
    torch.testing.assert_close(z.mean((0, 2, 3)), torch.zeros(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(z.std((0, 2, 3)), torch.ones(2), rtol=1e-3, atol=0)
    torch.testing.assert_close(norm(z)[0], x, rtol=1e-5, atol=1e-5)
    assert norm.initialize(torch.full((3, 2), 4.0)).isfinite().all()  # a feature that never moves


def test_a_stack_initialises_each_layer_with_what_reaches_it():
    torch.manual_seed(0)
    images = torch.rand(64, 16) ** 3
    for bijection, x in (
        (affine_image_flow((2, 2), (4, 4), side=4).bijection, images),
        (coupling_layers(2), 5 + torch.randn(64, 2) @ torch.tensor([[2.0, 1.0], [0.0, 0.3]])),
    ):
        z = bijection.initialize(x)
        torch.testing.assert_close(z, bijection.inverse(x)[0])
        assert 0.8 < z.std().item() < 1.2 and abs(z.mean().item()) < 0.1


def test_a_coupling_moves_half_and_its_scale_is_bounded():
    torch.manual_seed(0)
    net = nn.Linear(2, 4)
    coupling, z = AffineCoupling(net, keep=2, bound=0.5), torch.randn(6, 4)
    nn.init.constant_(net.bias, 100.0)
    x, log_det = coupling(z)
    assert torch.equal(x[:, :2], z[:, :2]) and (x[:, 2:] != z[:, 2:]).all()
    torch.testing.assert_close(log_det, torch.full((6,), 1.0))  # two numbers, 0.5 each
