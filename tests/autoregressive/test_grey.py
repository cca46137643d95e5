"""The PixelCNN of grey values against enumeration, autograd, and a sampler that takes no crops."""

import math

import pytest
import torch
from torch.testing import assert_close

from dgm_core.autoregressive import GreyPixelCNN
from dgm_core.objectives import bits_per_dim
from dgm_core.training import fit


def small(side=2, bins=3, channels=6, layers=2) -> GreyPixelCNN:
    torch.manual_seed(0)
    model = GreyPixelCNN(side, bins, channels, layers).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return model


def every_image(side: int, bins: int) -> torch.Tensor:
    grey = torch.arange(bins, dtype=torch.uint8)
    return torch.cartesian_prod(*[grey] * side**2).view(-1, side, side)


@pytest.mark.parametrize(("side", "bins"), [(2, 5), (3, 3)])
def test_the_probabilities_of_all_images_add_up_to_one(side, bins):
    mass = small(side, bins).log_mass(every_image(side, bins)).exp()
    assert len(mass) == bins ** (side**2) and mass.max() > 4 * mass.min()
    assert_close(mass.sum(), torch.ones((), dtype=torch.float64))


def test_logits_see_no_pixel_from_their_own_on():
    """Change a byte, and all logits up to its own place, in reading order, stay."""
    model = small(side=5, layers=3)
    image = torch.randint(3, (1, 5, 5), generator=torch.Generator().manual_seed(0)).byte()
    before = model.logits(image).flatten(2)
    for place in range(25):
        changed = image.flatten(1).clone()
        changed[0, place] = (changed[0, place] + 1) % 3
        after = model.logits(changed.view(1, 5, 5)).flatten(2)
        assert after[:, :, : place + 1].equal(before[:, :, : place + 1])
        if place % 5 < 4:  # beyond the end of a row begins the blind spot
            assert not after[:, :, place + 1].equal(before[:, :, place + 1])


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_crops_of_what_a_pixel_sees_draw_what_whole_images_would(layers):
    model = small(side=9, bins=4, layers=layers)
    noise = torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(0)).double()
    whole = torch.zeros(3, 9, 9, dtype=torch.uint8)
    for row in range(9):
        for column in range(9):
            shares = model.logits(whole)[:, :, row, column].softmax(1)
            below = shares.cumsum(1)[:, :-1]
            whole[:, row, column] = (noise[:, row, column, None] >= below).sum(1).byte()
    assert model.sample((3,), noise).equal(whole)
    assert model.sample((), noise[1]).equal(whole[1]) and whole.unique().numel() == 4


def test_samples_are_as_frequent_as_their_probability():
    model, count = small(), 20_000
    torch.manual_seed(1)
    x = model.sample((count,)).flatten(1).long()
    index = (x * 3 ** torch.arange(3, -1, -1)).sum(1)
    expected = count * model.log_mass(every_image(2, 3)).exp()
    chi_square = ((index.bincount(minlength=81) - expected) ** 2 / expected).sum()
    assert chi_square < 80 + 5 * math.sqrt(160)


def test_learning_starts_at_the_histogram():
    counts = torch.tensor([6, 0, 3])
    model = GreyPixelCNN(side=2, bins=3, channels=4, layers=1, histogram=counts)
    image = torch.tensor([[[0, 1], [2, 2]]], dtype=torch.uint8)
    shares = (counts + 1) / 12.0  # one more of each
    assert_close(model.log_mass(image)[0], shares[image.long()].log().sum())


def test_a_pixel_that_copies_its_neighbour_is_learned():
    torch.manual_seed(0)
    rows = torch.randint(4, (512, 4, 1)).byte().expand(-1, -1, 4)  # a grey value a row
    model = GreyPixelCNN(side=4, bins=4, channels=16, layers=2)
    batches = [rows[i % 8 :: 8] for i in range(300)]
    fit(lambda x: -model.log_mass(x), model.parameters(), batches, learning_rate=1e-2)
    bits = bits_per_dim(model.log_mass(rows), 16).mean()
    assert 0.5 - 1e-3 < bits < 0.6  # two bits for the first of four


REFUSED = {
    "greys from 0 to 1": (TypeError, lambda model: model.log_mass(torch.zeros(1, 2, 2)), "uint8"),
    "rows": (
        ValueError,
        lambda model: model.log_mass(torch.zeros(1, 4, dtype=torch.uint8)),
        r"\(B, 2, 2\) is expected",
    ),
    "a grey too many": (
        ValueError,
        lambda model: model.log_mass(torch.full((1, 2, 2), 3, dtype=torch.uint8)),
        "3 grey values",
    ),
    "a number of samples": (TypeError, lambda model: model.sample(5), r"\(5,\) for five samples"),
    "noise of others": (
        ValueError,
        lambda model: model.sample((5,), torch.zeros(3, 2, 2)),
        "as the sample shape says",
    ),
    "no layer": (ValueError, lambda _: GreyPixelCNN(layers=0), "layers is 0"),
    "no ink": (ValueError, lambda _: GreyPixelCNN(bins=1), "bins is 1"),
    "more than a byte": (ValueError, lambda _: GreyPixelCNN(bins=257), "at most 256"),
    "too few counts": (
        ValueError,
        lambda _: GreyPixelCNN(bins=3, histogram=torch.ones(2)),
        "histogram",
    ),
}


@pytest.mark.usefixtures("as_a_reader_calls")
@pytest.mark.parametrize("name", REFUSED)
def test_what_would_go_wrong_in_silence_is_refused(name):
    kind, wrong, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        wrong(small())
