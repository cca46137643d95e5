"""What a reader hands to the protocol by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
from contracts import refused, zeros

from dgm_core import protocol

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "seeds and digits": (lambda: protocol.measure(zeros(3, 5), "seeds"), "each of the seeds"),
    },
)


test_too_few_to_compute_with_is_refused = refused(
    ValueError,
    {
        "rates": (lambda: protocol.contest({"a": sum}, [], sum, sum), "rates of a is 0"),
        "another's rates": (
            lambda: protocol.contest({"a": sum}, {"b": [1.0]}, sum, sum),
            "rates of a",
        ),
    },
)
