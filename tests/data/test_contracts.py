"""What a reader hands to the data by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
from contracts import IMAGES, made_of_none, refused, zeros

from dgm_core import data

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")

floats = IMAGES.float() / 255


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "one image": (lambda: data.binarize(IMAGES[0]), r"images\[:1\]"),
        "vectors": (lambda: data.binarize_once(IMAGES.flatten(1)), "unflatten"),
        "an image to dequantize": (lambda: data.dequantize(IMAGES[0]), r"\(N, H, W\)"),
    },
)


test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "binarize": (
            lambda: data.binarize(floats),
            r"float32, but torch\.uint8.*torch\.bernoulli",
        ),
        "dequantize": (lambda: data.dequantize(floats), "not divided"),
        "binarize_once": (lambda: data.binarize_once(floats), "not divided"),
        "part of a batch": (lambda: data.batches(zeros(9, 2), 9 / 2), "batch_size is 4.5"),
        "part of an epoch": (lambda: data.batches(zeros(9, 2), 2, epochs=1.5), "epochs is 1.5"),
    },
)


test_too_few_to_compute_with_is_refused = refused(
    ValueError,
    {
        "batches": (lambda: data.batches(zeros(0, 2), 5), "nothing to cut"),
    },
)


test_no_examples_make_no_results = made_of_none(
    {
        "coins": (lambda: data.binarize(IMAGES[:0]), (0, 784)),
    }
)
