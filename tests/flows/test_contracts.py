"""What a reader hands to a flow by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import math

import pytest
import torch
from contracts import IMAGES, made_of_none, refused, tiny_pyramid, zeros
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from dgm_core.flows import (
    ActNorm,
    Affine,
    AffineCoupling,
    Bijection,
    CategoricalCDF,
    CoarseToFine,
    Cube,
    FactorOut,
    Flow,
    Invertible1x1,
    Logit,
    MixtureCDF,
    Permutation,
    Reshape,
    Squeeze,
    affine_image_flow,
    bin_of,
    coupling_flow,
    dequantization_bound,
    log_masses,
)

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


class Summed(Bijection):
    """A map whose log-determinant has an axis too many."""

    def forward(self, z):
        return z, zeros(len(z), 1)

    inverse = forward


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "a flow, more numbers": (
            lambda: coupling_flow().log_prob(zeros(5, 10)),
            r"\(B, 2\).*expected",
        ),
        "a flow, one example": (lambda: coupling_flow().log_prob(zeros(2)), r"x is \(2,\)"),
        "a flow of wrong layers": (lambda: Flow(Summed(), (2,)).log_prob(zeros(3, 2)), "sum it"),
        "a flow of another latent": (
            lambda: Flow(Reshape((2, 2), (4,)), (4,)).log_prob(zeros(3, 4)),
            "the latent z",
        ),
        "a permutation": (
            lambda: Permutation([1, 0])(zeros(1, 3)),
            r"\(1, 3\), but \(B, 2, \.\.\.\)",
        ),
        "its inverse": (lambda: Permutation([1, 0]).inverse(zeros(1, 3)), "2 features"),
        "affine": (lambda: Affine(zeros(1), torch.ones(1))(zeros(1, 3)), "expand"),
        "affine, shift and scale": (lambda: Affine(zeros(1), zeros(3)), "one shape is expected"),
        "actnorm": (lambda: ActNorm(1)(zeros(2, 3)), "the ActNorm was made for 1 features"),
        "actnorm, inverse": (lambda: ActNorm(1).inverse(zeros(2, 3)), "1 features"),
        "actnorm, initialize": (lambda: ActNorm(1).initialize(zeros(2, 3)), "1 features"),
        "mixture": (lambda: Invertible1x1(3)(zeros(2, 4)), "3 features"),
        "coupling": (lambda: AffineCoupling(nn.Linear(1, 2), 1)(zeros(2, 5)), "made for"),
        "cube": (lambda: Cube()(zeros(3)), r"x\[:, None\]"),
        "squeeze": (lambda: Squeeze().inverse(zeros(4, 1, 3, 3)), "pad an odd side"),
        "unsqueeze": (lambda: Squeeze()(zeros(4, 2, 2, 2)), r"\(B, 4 C, H, W\)"),
        "reshape": (lambda: Reshape((4,), (2, 2))(zeros(2, 2, 2)), r"\(B, 4\)"),
        "reshape to fewer": (lambda: Reshape((4,), (3,)), "keeps all"),
        "mixture CDF": (
            lambda: MixtureCDF(*[zeros(2, 4)] * 3).inverse(zeros(5, 1)),
            r"\(B, 2\) is expected",
        ),
        "mixture CDF's parts": (lambda: MixtureCDF(zeros(1, 4), zeros(2, 4), zeros(2, 4)), "each"),
        "pyramid": (lambda: tiny_pyramid().inverse(zeros(2, 9)), r"\(B, 4\)"),
        "pyramid, larger images": (lambda: log_masses(tiny_pyramid(), IMAGES), "this side"),
        "pyramid's histogram": (lambda: CoarseToFine(histogram=zeros(10)), r"\(\.\.\., 256\)"),
        "channels": (lambda: FactorOut(Cube(), 9)(zeros(2, 3)), "channels of z is 3"),
        "redraw": (lambda: tiny_pyramid().redraw(zeros(2, 4), zeros(1, 4), 1), "each pixel"),
        "a categorical CDF": (
            lambda: CategoricalCDF(zeros(2, 2) - math.log(2))(zeros(5, 1)),
            r"\(B, 2\) is expected",
        ),
        "a histogram of rows": (
            lambda: CoarseToFine(2, 3, [(8, (0, 0, 0))], 8, zeros(2, 3)),
            "bincount",
        ),
    },
)


test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "log_mass": (lambda: tiny_pyramid().log_mass(zeros(2, 2, 2)), "not divided"),
        "bound": (
            lambda: dequantization_bound(coupling_flow(), zeros(3, 2).long()),
            r"x\.float\(\)",
        ),
        "samples of a flow": (lambda: coupling_flow().sample(5), r"\(5,\) for five samples"),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "pyramid": (lambda: tiny_pyramid().inverse(zeros(2, 4) + 2), "data.dequantize"),
        "noise of a pyramid": (lambda: tiny_pyramid()(zeros(2, 4) - 1), "torch.rand"),
        "bins": (lambda: bin_of(zeros(3) + 7, 8), "divide integers"),
        "categorical": (lambda: CategoricalCDF(zeros(1, 2)), "log_softmax"),
        "logit": (lambda: Logit().inverse(zeros(3, 2) + 200), "data.dequantize"),
        "noise twice": (
            lambda: dequantization_bound(coupling_flow(), zeros(3, 2) + 0.4),
            "integers",
        ),
        "actnorm, NaN": (lambda: ActNorm(2).initialize(zeros(8, 2) * math.nan), "NaN"),
        "bound": (lambda: AffineCoupling(nn.Linear(1, 2), 1, bound=0.0), "more than 0"),
        "layers": (lambda: coupling_flow(layers=-1), "layers is -1"),
        "no bins": (lambda: bin_of(zeros(2), 0), "bins is 0"),
        "temperature": (lambda: coupling_flow().sample((2,), -1.0), "at least 0"),
        "an order of fractions": (lambda: Permutation([0.5, 1.2]), "whole"),
        "probabilities of a mixture": (
            lambda: MixtureCDF(*[zeros(1, 1)] * 3)(zeros(2, 1) + 7),
            "it is a probability",
        ),
        "a greater grey": (
            lambda: tiny_pyramid().log_mass(IMAGES[:, :2, :2] + 9),
            "3 grey values",
        ),
        "one grey": (lambda: CoarseToFine(2, 1, [(8, (0, 0, 0))], 8), "bins is 1"),
        "counts": (
            lambda: CoarseToFine(2, 3, [(8, (0, 0, 0))], 8, zeros(3) - 5),
            "bincount",
        ),
    },
)


test_too_few_to_compute_with_is_refused = refused(
    ValueError,
    {
        "noise": (
            lambda: dequantization_bound(coupling_flow(), zeros(3, 2), None, 0),
            "needs a draw",
        ),
        "an example": (lambda: ActNorm(2).initialize(zeros(1, 2)), "each feature is 1"),
        "chunks of masses": (
            lambda: log_masses(tiny_pyramid(), IMAGES[:, :2, :2], chunk_size=0),
            "chunk_size is 0",
        ),
    },
)


test_no_examples_make_no_results = made_of_none(
    {
        "density": (lambda: coupling_flow().log_prob(zeros(0, 2)), (0,)),
        "density of images": (
            lambda: affine_image_flow((3,), (4,), side=4).log_prob(zeros(0, 16)),
            (0,),
        ),
        "mass": (lambda: tiny_pyramid().log_mass(zeros(0, 2, 2).byte()), (0,)),
        "samples": (lambda: coupling_flow().sample((0,)), (0, 2)),
        "rows of none": (lambda: coupling_flow().sample((3, 0)), (3, 0, 2)),
        "samples of images": (lambda: affine_image_flow((3,), (4,), side=4).sample((0,)), (0, 16)),
        "dequantized": (lambda: dequantization_bound(coupling_flow(), zeros(0, 2)), (0,)),
        "mixtures": (lambda: Invertible1x1(3)(zeros(0, 3, 2, 2))[0], (0, 3, 2, 2)),
    }
)


@given(st.lists(st.integers(0, 4), max_size=4))
def test_a_flow_takes_its_own_shape_and_no_other(shape):
    flow, x = coupling_flow(3, layers=1), torch.zeros(shape)
    if len(shape) == 2 and shape[1] == 3:
        assert flow.log_prob(x).shape == (shape[0],)
    else:
        with pytest.raises(ValueError, match=r"\(B, 3\) is expected"):
            flow.log_prob(x)


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from([ActNorm, Invertible1x1]))
def test_no_layer_takes_another_number_of_features(made_for, given, layer):
    assume(made_for != given)
    for direction in ("forward", "inverse"):
        with pytest.raises(ValueError, match=f"was made for {made_for} features"):
            getattr(layer(made_for), direction)(torch.zeros(2, given, 3))
