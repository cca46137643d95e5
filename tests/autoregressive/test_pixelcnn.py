"""The PixelCNN on tokens against enumeration, and what it sees against autograd."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import every_bits
from torch.distributions import Bernoulli
from torch.testing import assert_close

from dgm_core.autoregressive import PixelCNN, from_tokens, to_tokens


def small(side=4, blocks=2, reach=1, width=8) -> PixelCNN:
    torch.manual_seed(0)
    model = PixelCNN(side, width=width, hidden=width, blocks=blocks, reach=reach).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@given(st.integers(0, 2**31), st.sampled_from([2, 4, 6]))
def test_tokens_and_pixels_are_the_same_images(seed, side):
    x = torch.rand(3, side * side, generator=torch.Generator().manual_seed(seed)).round()
    tokens = to_tokens(x, side)
    assert tokens.shape == (3, side // 2, side // 2) and 0 <= tokens.min() <= tokens.max() < 16
    assert from_tokens(tokens).equal(x)
    image = x.view(3, side, side)
    first = 8 * image[:, 0, 0] + 4 * image[:, 0, 1] + 2 * image[:, 1, 0] + image[:, 1, 1]
    assert tokens[:, 0, 0].float().equal(first)


@pytest.mark.parametrize("reach", [1, 2])
def test_the_probabilities_of_all_images_add_up_to_one(reach):
    model, every = small(blocks=1, reach=reach, width=4), every_bits(16)
    mass = torch.cat([model.log_prob(part) for part in every.split(8192)]).exp()
    assert mass.max() > 4 * mass.min()
    assert_close(mass.sum(), torch.ones((), dtype=torch.float64))


@pytest.mark.parametrize("reach", [1, 2])
def test_a_token_sees_all_before_it_and_nothing_else(reach):
    """On 14 x 14 tokens; in a stack of masked convolutions the upper right would be missing."""
    side = 28
    model = PixelCNN(side, width=4, hidden=4, blocks=14 // reach, reach=reach).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.05)
    x = torch.ones(1, 16, 14, 14, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.token_logits(x)[0, 0, 7, 7], x)
    place = torch.arange(196).view(14, 14)
    assert (gradient[0].abs().sum(0) != 0).equal(place < place[7, 7])


def test_pixel_logits_add_up_to_the_same_probability():
    model = small()
    x = torch.rand(9, 16, generator=torch.Generator().manual_seed(0)).round().double()
    logits = model.pixel_logits(x)
    assert_close(Bernoulli(logits=logits).log_prob(x).sum(1), model.log_prob(x))


def test_a_pixel_logit_does_not_know_its_own_pixel_or_later_ones():
    """Reading order of tokens, and within a token of pixels."""
    model = small()
    x = torch.rand(1, 16, generator=torch.Generator().manual_seed(0)).round().double()
    order = from_tokens_order()
    before = model.pixel_logits(x)[0]
    for place, pixel in enumerate(order):
        changed = x.clone()
        changed[0, pixel] = 1 - changed[0, pixel]
        after = model.pixel_logits(changed)[0]
        assert_close(after[order[: place + 1]], before[order[: place + 1]])
        if place < 15:
            assert not torch.allclose(after[order[place + 1 :]], before[order[place + 1 :]])


def from_tokens_order() -> list[int]:
    """The pixels of a 4 x 4 image in the order in which the model pays for them."""
    return [
        4 * (2 * r + a) + 2 * c + b for r in (0, 1) for c in (0, 1) for a in (0, 1) for b in (0, 1)
    ]


def test_samples_are_as_frequent_as_their_probability():
    torch.manual_seed(1)
    model, count = small(side=2), 20_000
    x = model.sample((count,))
    index = to_tokens(x, 2).flatten()
    expected = count * model.log_prob(every_bits(4)).exp()
    chi_square = ((index.bincount(minlength=16) - expected) ** 2 / expected).sum()
    assert chi_square < 15 + 5 * math.sqrt(30)


def test_a_completion_keeps_what_is_known_and_is_exact_given_it():
    torch.manual_seed(1)
    model, count = small(), 20_000
    x = torch.tensor([0, 1, 1, 0, 1, 1, 0, 0] + 8 * [0]).double()
    full = model.complete(x.expand(count, 16), torch.rand(count, 2, 2).double(), first=3)
    kept = [i for i in range(16) if i not in (10, 11, 14, 15)]
    assert (full[:, kept] == x[kept]).all()
    every = x.repeat(16, 1)
    every[:, [10, 11, 14, 15]] = every_bits(4)
    expected = count * model.log_prob(every).softmax(0)
    found = to_tokens(full, 4)[:, 1, 1].bincount(minlength=16)
    assert ((found - expected) ** 2 / expected).sum() < 15 + 5 * math.sqrt(30)


def test_an_odd_side_is_refused():
    with pytest.raises(ValueError, match="need an even one"):
        PixelCNN(side=5)
