"""A ± says what it is over, a table repeats it, and a contest shows test examples once."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dgm_core.protocol import Measured, contest, measure, operations, table
from dgm_core.training import History, TrainingDiverged


def test_a_mean_has_its_error_its_number_and_its_kind():
    values = torch.tensor([1.0, 2.0, 4.0, 9.0])
    found = measure(values, "digits")
    assert (found.mean, found.count, found.over) == (4.0, 4, "digits")
    assert found.error == pytest.approx(stats.sem(values.numpy()))
    with pytest.raises(ValueError, match="two values"):
        measure(torch.ones(1), "seeds")
    with pytest.raises(ValueError, match="say what the mean is over"):
        measure(torch.ones(3), "")


@given(st.floats(1e-6, 1e6))
def test_two_digits_of_the_error_are_shown(error):
    shown = f"{Measured(0.0, error, 5, 'seeds')}".split(" ± ")[1].split(" (")[0]
    digits = shown.replace(".", "").lstrip("0")
    assert len(digits) >= 2 or error < 1.96 or float(shown) >= 10
    assert float(shown) == pytest.approx(error, rel=0.05)


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (Measured(93.8042, 0.2401, 10_000, "digits"), "93.80 ± 0.24 (10,000 digits)"),
        (Measured(93.8042, 13.1, 3, "seeds"), "94 ± 13 (3 seeds)"),
        (Measured(0.5, 0.0, 3, "seeds"), "0.50 ± 0.00 (3 seeds)"),
        (Measured(0.5, math.inf, 3, "seeds"), "0.50 ± inf (3 seeds)"),
    ],
)
def test_a_measure_reads_as_one_writes_it(measured, text):
    assert str(measured) == f"{measured}" == text
    assert f"{measured:.1f}" == f"{measured.mean:.1f} ± {measured.error:.1f}"


NLL = Measured(93.804, 0.241, 10_000, "digits")
GAP = Measured(2.5, 0.1, 3, "seeds")


def test_what_every_error_is_over_stands_once_below():
    shown = repr(table({"a": {"NLL": NLL}, "b": {"NLL": NLL}}, first="model", note="Seed 0."))
    assert shown.splitlines() == [
        "| model | NLL |",
        "| --- | ---: |",
        "| a | 93.80 ± 0.24 |",
        "| b | 93.80 ± 0.24 |",
        "",
        "± is the standard error over 10,000 digits. Seed 0.",
    ]


def test_columns_over_different_things_say_so_each():
    shown = table({"a": {"NLL": NLL, "gap": GAP}})
    assert shown.note == (
        "NLL: ± is the standard error over 10,000 digits. "
        "gap: ± is the standard error over 3 seeds."
    )


def test_cells_of_one_column_over_different_things_say_so_each():
    shown = table({"a": {"NLL": NLL}, "b": {"NLL": GAP}, "c": {"NLL": NLL}})
    assert [row[1] for row in shown.rows] == [str(NLL), str(GAP), str(NLL)]
    assert shown.note == "NLL: ± over what stands there."


def test_other_cells_are_numbers_texts_or_empty():
    shown = table({"a": {"steps": 4700, "rate": 0.00312345}, "b|c": {"kind": "flow"}})
    assert shown.header == ["", "steps", "rate", "kind"]
    assert shown.rows == [["a", "4,700", "0.003123", ""], ["b|c", "", "", "flow"]]
    assert shown.note == "" and "b\\|c" in repr(shown)


def test_a_page_shows_the_same_cells():
    shown = table({"a < b": {"NLL": NLL}}, first="model", note="Test.")._repr_html_()
    assert '<tr><th scope="row">a &lt; b</th><td>93.80 ± 0.24</td></tr>' in shown
    assert "<tr><th>model</th><th>NLL</th></tr>" in shown
    assert shown.endswith("<p>± is the standard error over 10,000 digits. Test.</p>")


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


def test_a_table_writes_numbers_of_any_kind_alike():
    cells = {"torch": torch.tensor(0.25), "numpy": np.float32(0.25), "count": np.int64(12345)}
    assert "| a | 0.25 | 0.25 | 12,345 |" in repr(table({"a": cells}))
