"""A contest shows test examples once, to what validation chose."""

import math
from dataclasses import dataclass

import pytest
import torch

from dgm_core.protocol import contest, operations
from dgm_core.training import History, TrainingDiverged


@dataclass
class Descent:
    """A training that does as its rate says: the best rate is 0.3, and 2 diverges."""

    best: float
    log: list

    def __call__(self, rate, seed):
        self.log.append((rate, seed))
        if rate >= 2:
            raise TrainingDiverged("away", 1, History())
        return {"loss": (rate - self.best) ** 2, "seed": seed, "noise": torch.rand(()).item()}


def losses(model):
    return torch.full((4,), model["loss"]) + torch.arange(4) + model["seed"]


def test_each_is_tested_with_the_rate_that_validation_chose_from_every_seed():
    low, high = Descent(0.1, []), Descent(0.3, [])
    seen = []

    def test(model):
        seen.append((model["loss"], model["seed"]))
        return losses(model)

    rates = {"low": [0.1, 0.2, 0.3, 2.0], "high": [0.1, 0.3, 0.5]}
    found = contest({"low": low, "high": high}, rates, losses, test, seeds=[5, 6, 7])
    assert (found["low"].rate, found["high"].rate) == (0.1, 0.3)
    assert found["low"].at_edge and not found["high"].at_edge
    assert found["low"].tried[2.0] == math.inf
    assert found["low"].tried[0.2] == pytest.approx(0.01 + 1.5 + 5)
    expected = torch.arange(4) + torch.tensor([[5.0], [6.0], [7.0]])
    torch.testing.assert_close(found["low"].losses, expected)
    # The first seed chooses; the others train with what was chosen, and only these are tested.
    assert low.log == [(0.1, 5), (0.2, 5), (0.3, 5), (2.0, 5), (0.1, 6), (0.1, 7)]
    assert seen == [(0.0, seed) for seed in (5, 6, 7)] * 2


def test_every_training_begins_with_its_own_seed():
    found = {}

    def train(rate, seed):
        found[rate, seed] = torch.rand(()).item()
        return {"loss": rate, "seed": seed}

    contest({"a": train}, [0.1, 0.2], losses, losses, seeds=[3, 4])
    torch.manual_seed(3)
    third = torch.rand(()).item()
    torch.manual_seed(4)
    assert found == {(0.1, 3): third, (0.2, 3): third, (0.1, 4): torch.rand(()).item()}


def test_losses_are_taken_without_gradients_and_a_nan_is_no_winner():
    weight = torch.ones((), requires_grad=True)

    def loss(model):
        return weight * torch.tensor([model, model])

    found = contest({"a": lambda rate, seed: rate}, [math.nan, 0.5, 0.7], loss, loss, [0])
    assert found["a"].rate == 0.5 and not found["a"].losses.requires_grad


def test_contests_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="at least one seed"):
        contest({"a": Descent(0.1, [])}, [0.1], losses, losses, seeds=[])
    with pytest.raises(ValueError, match=r"a diverges with all of its rates, \[2.0, 3.0\]"):
        contest({"a": Descent(0.1, [])}, [2.0, 3.0], losses, losses)


def test_operations_are_those_of_the_matrix_products():
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4))
    x = torch.zeros(3, 6)
    forward = 2 * 3 * (6 * 5 + 5 * 4)
    assert operations(lambda: net(x)) == forward
    # Backward: both weights, and the one hidden layer.
    backward = forward + 2 * 3 * 5 * 4
    assert operations(lambda: net(x).mean().backward()) == forward + backward
