"""What a reader hands to scores and walks by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
from contracts import refused, zeros

from dgm_core import energy

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


def first(x):
    """A score that says too little of a point."""
    return x[:, :1]


def whole(x):
    return -x


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "a score": (lambda: energy.fisher_loss(first, whole, zeros(3, 2)), "number of a point"),
        "a true score": (
            lambda: energy.fisher_loss(whole, first, zeros(3, 2)),
            "number of a point",
        ),
        "a score matched": (lambda: energy.score_matching_loss(first, zeros(3, 2)), "of a point"),
        "a denoising score": (
            lambda: energy.denoising_score_loss(first, zeros(3, 2), 1.0),
            "number of a point",
        ),
        "denoising noise": (
            lambda: energy.denoising_score_loss(whole, zeros(3, 2), 1.0, zeros(1, 2)),
            "noise for each",
        ),
        "a floor": (lambda: energy.denoising_score_floor(first, zeros(3, 2), 1.0), "of a point"),
        "a mean": (lambda: energy.tweedie_mean(first, zeros(3, 2), 1.0), "number of a point"),
        "a covariance": (lambda: energy.tweedie_covariance(first, zeros(3, 2), 1.0), "of a point"),
        "a walk": (lambda: energy.langevin(first, zeros(3, 2), 1.0, zeros(1, 3, 2)), "of a point"),
        "a walk's noise": (
            lambda: energy.langevin(whole, zeros(3, 2), 1.0, zeros(4, 2)),
            "for each step",
        ),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "noise of no width": (
            lambda: energy.denoising_score_loss(whole, zeros(3, 2), 0.0),
            "scale is 0.0",
        ),
        "floor at no width": (
            lambda: energy.denoising_score_floor(whole, zeros(3, 2), zeros()),
            "standard deviation",
        ),
        "a step back": (
            lambda: energy.langevin(whole, zeros(3, 2), -0.5, zeros(1, 3, 2)),
            "step_size is -0.5",
        ),
    },
)
