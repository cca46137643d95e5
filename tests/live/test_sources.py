"""Values of a graph are summarised for those who cannot see them."""

import json

import numpy as np

from dgm_core.live.sources import summarise


def test_outputs_are_summarised_with_six_digits_and_null_for_what_is_not_finite():
    outputs = {"a": np.float32(1 / 3), "b": np.array([np.nan, 2.0]), "c": np.arange(65.0)}
    outputs["a"] = np.asarray(outputs["a"])
    assert json.loads(summarise(outputs)) == {
        "a": 0.333333,
        "b": [None, 2.0],
        "c": {"length": 65, "mean": 32.0, "middle": 21.1692, "min": 0.0, "max": 64.0},
    }


def test_two_pictures_with_as_much_ink_have_two_summaries():
    first, second = np.zeros((2, 784))
    first[:90], second[-90:] = 1, 1
    assert summarise({"x": first}) != summarise({"x": second})
