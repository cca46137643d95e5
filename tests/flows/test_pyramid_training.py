import math

import pytest
import torch

from dgm_core.flows import CoarseToFine, log_masses, pyramid_training, train_pyramid
from dgm_core.training import History

LEVELS = ((8, (0, 0, 0)), (8, (1, 0, 0)))


def make():
    torch.manual_seed(0)
    return CoarseToFine(4, 4, LEVELS, hidden=8)


def test_two_images_in_equal_numbers_are_learned_to_one_bit():
    """No model does better than their entropy, log 2; this one comes near."""
    images = torch.tensor([[[0, 3], [2, 1]], [[0, 1], [0, 3]]], dtype=torch.uint8)
    torch.manual_seed(0)
    model = CoarseToFine(2, 4, LEVELS[1:], hidden=8)
    train_pyramid(model, images.repeat(16, 1, 1), epochs=300, batch_size=32, learning_rate=0.05)
    nats = -log_masses(model, images).mean().item()
    assert math.log(2) < nats < math.log(2) + 0.1


@pytest.mark.parametrize(("steps", "memory"), [(6, 1), (40, 3), (4200, 200)])
def test_what_is_returned_is_the_average_of_the_last_steps(monkeypatch, steps, memory):
    """Against the recursion, with the weights that each step left; a quick stand-in for `fit`."""
    weights = torch.randn(steps, 4).cumsum(0)

    def fit(loss, parameters, plan, *, after_step, **options):
        assert len(plan) == steps
        first = next(iter(parameters))
        for step in range(steps):
            with torch.no_grad():
                first.view(-1)[:4] = weights[step]
            after_step()
        return History([], [], [], [])

    monkeypatch.setattr(pyramid_training.training, "fit", fit)
    images = torch.randint(4, (40, 4, 4), dtype=torch.uint8)
    average, _ = train_pyramid(make(), images[:20], epochs=steps, batch_size=20, half=False)
    expected = weights[0]
    for now in weights[1:]:
        expected = expected + (now - expected) / memory
    kept = next(average.parameters()).view(-1)[:4]
    torch.testing.assert_close(kept, expected, rtol=1e-3, atol=1e-3)


def test_the_callback_sees_the_average_that_is_returned():
    images = torch.randint(4, (64, 4, 4), dtype=torch.uint8)
    model, steps = make(), []

    def note(average):
        steps.append([p.clone() for p in average.parameters()])

    average, history = train_pyramid(
        model, images, epochs=30, batch_size=32, half=False, callback=note
    )
    assert len(steps) == 30 and len(history.loss) == 60
    for last, kept, final in zip(steps[-1], average.parameters(), model.parameters(), strict=True):
        assert torch.equal(last, kept)
        assert not torch.equal(kept, final)


def test_the_masses_do_not_depend_on_the_chunks():
    images = torch.randint(4, (9, 4, 4), dtype=torch.uint8)
    model = make()
    torch.testing.assert_close(log_masses(model, images, chunk_size=4), model.log_mass(images))


@pytest.mark.parametrize("switch", ["0", "1"])
def test_the_device_decides_the_precision_of_the_networks(monkeypatch, switch):
    images = torch.randint(4, (64, 4, 4), dtype=torch.uint8)
    monkeypatch.setenv("DGM_BFLOAT16", switch)
    by_device = train_pyramid(make(), images, epochs=1, batch_size=32)[1].loss
    by_hand = {
        half: train_pyramid(make(), images, epochs=1, batch_size=32, half=half)[1].loss
        for half in (False, True)
    }
    assert by_device == by_hand[switch == "1"] != by_hand[switch == "0"]
