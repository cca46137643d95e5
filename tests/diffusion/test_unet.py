"""The U-Net and its blocks: where they begin, and what a condition changes."""

import torch
from torch import nn
from torch.testing import assert_close

from dgm_core.diffusion import UNet
from dgm_core.diffusion.unet import FilmBlock


def test_a_new_block_is_the_identity_and_a_new_net_answers_0():
    h, condition = torch.randn(2, 8, 7, 7), torch.randn(2, 3)
    assert torch.equal(FilmBlock(8, 3)(h, condition), h)
    net = UNet(2, (8, 8), (1, 1, 1), condition=3)
    assert torch.equal(net(torch.randn(2, 1568), condition), torch.zeros(2, 784))


def test_a_condition_is_heard_through_scale_and_shift_alone():
    torch.manual_seed(0)
    told, plain, h = FilmBlock(8, 3), FilmBlock(8, 0), torch.randn(2, 8, 7, 7)
    nn.init.normal_(told.second.weight)
    plain.load_state_dict(told.state_dict(), strict=False)
    one, other = torch.randn(2, 2, 3)
    assert not torch.allclose(told(h, one), told(h, other))
    for parameter in told.film.parameters():
        nn.init.zeros_(parameter)
    assert_close(told(h, one), plain(h, None))
