import math

import pytest
import torch

from dgm_core.coarse_to_fine import CoarseToFine
from dgm_core.coarse_training import log_masses, train

LEVELS = ((8, (0, 0, 0)), (8, (1, 0, 0)))


def make():
    torch.manual_seed(0)
    return CoarseToFine(4, 4, LEVELS, hidden=8)


def test_two_images_in_equal_numbers_are_learned_to_one_bit():
    """No model does better than their entropy, log 2; this one comes near."""
    images = torch.tensor([[[0, 3], [2, 1]], [[0, 1], [0, 3]]], dtype=torch.uint8)
    torch.manual_seed(0)
    model = CoarseToFine(2, 4, LEVELS[1:], hidden=8)
    train(model, images.repeat(16, 1, 1), epochs=300, batch_size=32, learning_rate=0.05)
    nats = -log_masses(model, images).mean().item()
    assert math.log(2) < nats < math.log(2) + 0.1


def test_what_is_returned_is_the_average_of_the_last_steps():
    images = torch.randint(4, (64, 4, 4), dtype=torch.uint8)
    model, steps = make(), []

    def note(average):
        steps.append([p.clone() for p in average.parameters()])

    start = [p.detach().clone() for p in model.parameters()]
    average, history = train(model, images, epochs=3, batch_size=32, half=False, callback=note)
    assert len(steps) == 3 and len(history.loss) == 6
    for last, kept, final, first in zip(
        steps[-1], average.parameters(), model.parameters(), start, strict=True
    ):
        assert torch.equal(last, kept)
        assert (kept - first).norm() <= (final - first).norm()


def test_the_masses_do_not_depend_on_the_chunks():
    images = torch.randint(4, (9, 4, 4), dtype=torch.uint8)
    model = make()
    torch.testing.assert_close(log_masses(model, images, chunk_size=4), model.log_mass(images))


@pytest.mark.parametrize("switch", ["0", "1"])
def test_the_device_decides_the_precision_of_the_networks(monkeypatch, switch):
    images = torch.randint(4, (64, 4, 4), dtype=torch.uint8)
    monkeypatch.setenv("DGM_BFLOAT16", switch)
    by_device = train(make(), images, epochs=1, batch_size=32)[1].loss
    by_hand = {
        half: train(make(), images, epochs=1, batch_size=32, half=half)[1].loss
        for half in (False, True)
    }
    assert by_device == by_hand[switch == "1"] != by_hand[switch == "0"]
