"""What a reader hands to a distribution of the plane by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
from contracts import made_of_none, refused, zeros

from dgm_core import targets

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "ring": (lambda: targets.Ring().log_prob(zeros(5, 1)), "plane"),
        "banana": (lambda: targets.Banana().log_prob(zeros(5, 3)), "plane"),
        "moons": (lambda: targets.Moons().log_prob(zeros(5, 3)), "plane"),
        "nearest": (lambda: targets.Ring().nearest(zeros(5, 1)), "plane"),
        "ring's noise": (
            lambda: targets.Ring().from_noise(zeros(4, 1), zeros(4, 2)),
            "one choice",
        ),
    },
)


test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "points of whole numbers": (
            lambda: targets.Ring().log_prob(zeros(5, 2).long()),
            r"float\(\)",
        ),
        "the nearest of them": (lambda: targets.Ring().nearest(zeros(5, 2).long()), r"float\(\)"),
        "part of a mode": (lambda: targets.Ring(modes=2.5), "modes is 2.5"),
        "samples of a ring": (lambda: targets.Ring().sample(5), "for five samples"),
        "samples of a banana": (lambda: targets.Banana().sample(5), "for five samples"),
        "samples of moons": (lambda: targets.Moons().sample(5), "for five samples"),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "modes": (lambda: targets.Ring(modes=0), "modes is 0, but at least 1"),
        "scale": (lambda: targets.Ring(scale=-1.0), "scale is -1.0, but more than 0"),
        "thickness": (lambda: targets.Banana(thickness=0.0), "more than 0"),
        "spread": (lambda: targets.Moons(spread=0.0), "more than 0"),
    },
)


test_no_examples_make_no_results = made_of_none(
    {
        "points": (lambda: targets.Ring().sample((0,)), (0, 2)),
        "Gaussians": (lambda: targets.Ring().log_prob(zeros(0, 2)), (0,)),
    }
)
