"""What a reader hands to a GAN by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
from contracts import made_of_none, refused, zeros

from dgm_core.gan import (
    ConvDiscriminator,
    ConvGenerator,
    Discriminator,
    Generator,
    VirtualBatchNorm1d,
    dirac_pull,
)

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "discriminator": (lambda: Discriminator()(zeros(2, 3, 784)), "one batch of many"),
        "reference": (lambda: VirtualBatchNorm1d(4, 8)(zeros(5, 4)), "rows is 5"),
        "images for convolutions": (lambda: ConvDiscriminator()(zeros(2, 28, 28)), "by flatten"),
        "latents for convolutions": (
            lambda: ConvGenerator(32)(zeros(2, 31)),
            "from the generator's",
        ),
        "a game of two": (lambda: dirac_pull(zeros(3)), "theta and the discriminator's psi"),
    },
)

test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "samples of a GAN": (lambda: Generator().eval().sample(5), "for five samples"),
        "samples of convolutions": (
            lambda: ConvGenerator().eval().sample(5),
            "for five samples",
        ),
    },
)

test_no_examples_make_no_results = made_of_none(
    {
        "samples of a GAN": (lambda: Generator().eval().sample((0,)), (0, 784)),
        "opinions": (lambda: Discriminator()(zeros(0, 784)), (0,)),
    }
)
