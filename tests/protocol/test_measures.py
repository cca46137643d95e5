"""A ± says what it is over, with two digits of the error."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dgm_core.protocol import Measured, measure


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
    shown = f"{Measured(0.0, error, 5, 'seeds')}".split(" ± ")[1].split(" (")[0].replace(",", "")
    digits = shown.replace(".", "").lstrip("0")
    assert len(digits) >= 2 or error < 1.96 or float(shown) >= 10
    assert float(shown) == pytest.approx(error, rel=0.05)


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (Measured(93.8042, 0.2401, 10_000, "digits"), "93.80 ± 0.24 (10,000 digits)"),
        (Measured(93.8042, 13.1, 3, "seeds"), "94 ± 13 (3 seeds)"),
        (Measured(-1393.8, 0.24, 3, "seeds"), "−1,393.80 ± 0.24 (3 seeds)"),
        (Measured(0.5, 0.0, 3, "seeds"), "0.50 ± 0.00 (3 seeds)"),
        (Measured(0.5, math.inf, 3, "seeds"), "0.50 ± inf (3 seeds)"),
    ],
)
def test_a_measure_reads_as_one_writes_it(measured, text):
    assert str(measured) == f"{measured}" == text
    mean = f"{measured.mean:.1f}".replace("-", "−")
    assert f"{measured:.1f}" == f"{mean} ± {measured.error:.1f}"
