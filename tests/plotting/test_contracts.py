"""What a reader hands to a drawing by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
from contracts import IMAGES, SIGNED, refused, zeros

from dgm_core import plotting

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")

floats = IMAGES.float() / 255


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "scatter": (lambda: plotting.latent_scatter(zeros(5, 3), zeros(5)), r"z\[:, :2\]"),
        "curve": (lambda: plotting.curve(zeros(3), zeros(2), xlabel="", ylabel=""), "needs both"),
        "pictures": (lambda: plotting.image_grid(zeros(2, 3, 4, 4)), "colours are drawn"),
    },
)


test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "pictures": (lambda: plotting.image_grid(IMAGES.long()), "int64, but uint8"),
        "arrays": (lambda: plotting.image_grid(floats.numpy()), r"torch\.as_tensor"),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "pictures": (lambda: plotting.image_grid(SIGNED), r"\(x \+ 1\) / 2"),
        "pictures in a row": (lambda: plotting.image_grid(floats, ncols=0), "ncols is 0"),
    },
)


test_too_few_to_compute_with_is_refused = refused(
    ValueError,
    {
        "pictures": (lambda: plotting.image_grid(zeros(0, 784)), "nothing to draw"),
        "rows of pictures": (lambda: plotting.image_rows({}), "nothing to draw"),
    },
)


def test_pictures_of_one_channel_are_pictures():
    ax = plotting.image_grid(zeros(6, 1, 28, 28), ncols=3)
    assert ax.images[0].get_array().shape == (56, 84)
