"""What masked convolutions see, counted by autograd."""

import pytest
import torch

from dgm_core.autoregressive import MaskedConv2d, masked_stack


def seen(model, side=28, at=(14, 14)) -> torch.Tensor:
    """Which pixels the logit at a place depends on, (side, side); weights are made positive."""
    model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.2)
    x = torch.ones(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x)[0, 0, at[0], at[1]], x)
    return gradient[0, 0] != 0


def earlier(side=28, at=(14, 14)) -> torch.Tensor:
    place = torch.arange(side * side).view(side, side)
    return place < place[at]


def test_a_stack_has_a_blind_spot_at_the_upper_right_however_deep_it_is():
    """At (14, 14) it is 78 of the 406 earlier pixels, 19 %, and no layer more makes it smaller."""
    before = earlier()
    assert before.sum() == 406
    for layers in (30, 40):
        there = seen(masked_stack(1, layers))
        assert not (there & ~before).any()
        blind = before & ~there
        assert blind.sum() == 78
        rows, columns = blind.nonzero().T
        assert (columns - 14 > 14 - rows).all()


def test_a_first_layer_that_sees_itself_tells_the_answer():
    """A mistake: mask B in the first layer; the logit depends on the pixel to be predicted."""
    model = torch.nn.Sequential(MaskedConv2d(1, 1, 3, sees_itself=True))
    assert seen(model)[14, 14] and not seen(masked_stack(1, 3))[14, 14]


def test_a_later_layer_that_does_not_see_itself_loses_the_nearest_pixels():
    """A mistake: mask A in a later layer; what is lost is the pixel to the left."""
    model = torch.nn.Sequential(*(MaskedConv2d(1, 1, 3, sees_itself=False) for _ in range(2)))
    assert seen(masked_stack(1, 2))[14, 13] and not seen(model)[14, 13]


@pytest.mark.parametrize("size", [3, 5])
def test_a_mask_keeps_what_comes_before_in_reading_order(size):
    for sees_itself in (False, True):
        mask = MaskedConv2d(1, 1, size, sees_itself).mask.flatten()
        assert mask.sum() == size * size // 2 + sees_itself
        assert mask[: int(mask.sum())].all()
