"""What a reader hands to annealing by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import math

import pytest
from contracts import refused, tiny_pca, zeros

from dgm_core import annealing

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


def tiny_plan():
    return annealing.plan_annealing(tiny_pca(), zeros(4, 3), annealing.inverse_temperatures(2))


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "a start for all": (
            lambda: annealing.plan_annealing(
                tiny_pca(), zeros(16, 3), annealing.inverse_temperatures(3), start=tiny_pca().prior
            ),
            r"start\.expand",
        ),
        "another z": (
            lambda: annealing.reversed_log_weights(
                tiny_pca(), zeros(4, 3), zeros(1, 2), tiny_plan()
            ),
            "made from",
        ),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "sharpness": (lambda: annealing.inverse_temperatures(3, math.nan), "sharpness is nan"),
        "one temperature": (
            lambda: annealing.plan_annealing(tiny_pca(), zeros(4, 3), zeros(0)),
            "rise from 0 to 1",
        ),
    },
)
