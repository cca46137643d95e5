"""What a reader hands in by mistake is refused, in words that say what is right; none is fine.

What is handed to a module that is no room; a room has such a file in its own folder.
The checks of shapes in the annotations are off here, as they are for every reader.
"""

import math

import pytest
import torch
from contracts import IMAGES, SIGNED, made_of_none, normals, refused, tiny_pca, tiny_pyramid, zeros
from torch.distributions import Normal

from dgm_core import (
    annealing,
    divergences,
    estimators,
    evaluation,
    gradients,
    hamiltonian,
    proposals,
)
from dgm_core.classifier import DigitClassifier, digit_classifier
from dgm_core.diffusion import DigitDenoiser, GreyValues, bound_terms
from dgm_core.fields import divergence, estimated_divergence
from dgm_core.flows import affine_image_flow
from dgm_core.gan import Generator
from dgm_core.mixtures import Mixture
from dgm_core.posterior import divide_on_grid, latent_grid, posterior_on_grid, weigh_grid
from dgm_core.vae import linear_vae, mlp_vae

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


@pytest.fixture
def in_double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


PAIR = Mixture(zeros(2, 2), torch.ones(2), torch.full((2,), 0.5))
DENSITY, POINTS = zeros(5), torch.linspace(0, 1, 5)
floats = IMAGES.float() / 255

test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "surrogate": (
            lambda: gradients.score_function_surrogate(zeros(4), zeros(4, 4)),
            "one value and one log q",
        ),
        "reference latents": (
            lambda: Generator(4, reference=zeros(5, 3)),
            r"\(B, 4\) is expected",
        ),
        "baseline": (
            lambda: gradients.score_function_surrogate(zeros(4), zeros(4), zeros(4, 1)),
            "broadcast",
        ),
        "normal_kl": (lambda: divergences.normal_kl(*[zeros(3)] * 3, zeros(3, 1)), "expand"),
        "renyi": (
            lambda: divergences.renyi_divergence(normals(2), normals(1), 2.0),
            "events of p",
        ),
        "renyi, no event": (
            lambda: divergences.renyi_divergence(*[Normal(zeros(2), 1.0)] * 2, 2.0),
            r"Independent\(Normal",
        ),
        "quadrature": (
            lambda: divergences.kl_by_quadrature(*[zeros(4)] * 2, POINTS),
            "points of x",
        ),
        "frechet": (
            lambda: evaluation.frechet_distance(zeros(4, 1), zeros(4, 3)),
            "by one network",
        ),
        "recall": (
            lambda: evaluation.precision_and_recall(zeros(9, 1), zeros(9, 3)),
            "by one network",
        ),
        "balls": (
            lambda: evaluation.precision_and_recall(zeros(3, 1), zeros(9, 1)),
            "3 others",
        ),
        "judge": (lambda: DigitClassifier().classify(zeros(2, 28, 28)), r"flatten\(1\)"),
        "labels": (lambda: digit_classifier(IMAGES, zeros(3).long()), "one label an image"),
        "weight of PCA": (lambda: linear_vae(zeros(3, 2), zeros(1), zeros(1)), r"\(\.\.\., 1\)"),
        "units": (lambda: evaluation.active_units(mlp_vae(2), zeros(4, 1, 784)), r"flatten\(1\)"),
        "shares": (lambda: evaluation.class_shares(zeros(3, 2).long()), "one label an example"),
        "parts of a mixture": (
            lambda: Mixture(zeros(3, 2), zeros(1), zeros(3) + 1 / 3),
            "each mode",
        ),
        "means of a mixture": (lambda: Mixture(zeros(3), zeros(3), zeros(3) + 1 / 3), "one row a"),
        "a mixture's density": (lambda: PAIR.log_prob(zeros(5, 1)), "dimension of the means"),
        "its score": (lambda: PAIR.score(zeros(5, 1)), "dimension of the means"),
        "its noise": (lambda: PAIR.from_noise(zeros(5, 1), zeros(5, 2)), "one choice a point"),
        "its levels": (
            lambda: PAIR.posterior_means(zeros(5, 2), zeros(5, 1), torch.ones(5, 1)),
            "one for each point",
        ),
        "a field": (lambda: divergence(lambda x: x[:, :1], zeros(3, 2)), "a vector at each"),
        "probes": (
            lambda: estimated_divergence(lambda x: x, zeros(3, 2), zeros(4, 1, 2)),
            r"\(S, B, D\)",
        ),
        "data of PCA": (lambda: tiny_pca().encoder(zeros(5, 1)), "each row of the weight"),
        "a single weight": (lambda: estimators.effective_sample_size(zeros()), r"\(N, \.\.\.\)"),
        "a mean over draws": (
            lambda: gradients.pathwise_gradients(
                lambda z: z.mean(), lambda mean: Normal(mean, 1.0), [zeros()], 4
            ),
            "no sum or mean over the draws",
        ),
        "likelihoods on a grid": (
            lambda: weigh_grid(zeros(3, 1), latent_grid(1, 5)),
            "of the grid",
        ),
        "q on a grid": (
            lambda: divide_on_grid(zeros(3, 1), zeros(3, 5), latent_grid(1, 5)),
            "of the grid",
        ),
        "a vector of features": (
            lambda: evaluation.frechet_distance(zeros(4), zeros(4)),
            "by one network",
        ),
    },
)


test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "classifier": (lambda: digit_classifier(floats, zeros(4).long()), "0 to 255"),
        "samples of a VAE": (lambda: mlp_vae(2).sample(5), "for five samples"),
        "samples of a mixture": (lambda: PAIR.sample(5), "for five samples"),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "log p": (lambda: estimators.importance_log_likelihood(mlp_vae(2), SIGNED, 2), "0 to 1"),
        "judge": (lambda: DigitClassifier().classify(SIGNED), "0 to 1 is expected"),
        "judge, grey": (lambda: DigitClassifier()(255 * SIGNED.abs()), "0 to 1 is expected"),
        "variances": (lambda: divergences.normal_kl(*[zeros(2) - 1] * 4), "not their logarithms"),
        "falling": (lambda: divergences.kl_by_quadrature(DENSITY, DENSITY, -POINTS), "rise"),
        "no features": (
            lambda: evaluation.frechet_distance(zeros(4, 2) * math.nan, zeros(4, 2)),
            "NaN",
        ),
        "scales of PCA": (lambda: linear_vae(zeros(3, 2), zeros(3), zeros(3) - 1), "logarithms"),
        "shares of a mixture": (
            lambda: Mixture(zeros(2, 1), zeros(2), torch.ones(2)),
            "divide by it",
        ),
        "a mixture's variances": (
            lambda: Mixture(zeros(1, 1), zeros(1) - 1, zeros(1) + 1),
            "square",
        ),
        "density of points": (
            lambda: Mixture(zeros(1, 1), zeros(1), zeros(1) + 1).log_prob(zeros(1, 1)),
            "blur them",
        ),
        "no width of PCA": (lambda: linear_vae(zeros(3, 2), zeros(3), zeros(3)), "not their log"),
        "leapfrogs": (
            lambda: hamiltonian.move(None, zeros(1, 1), None, 0.5, zeros(1), leapfrogs=0),
            "leapfrogs is 0",
        ),
        "a grid's end": (lambda: latent_grid(1, 5, limit=math.nan), "limit is nan"),
        "a grid's room": (lambda: latent_grid(1, 5, limit=-1.0), "limit is -1.0"),
        "near to nothing": (
            lambda: evaluation.nearest_neighbours(zeros(2, 3) * math.nan, zeros(4, 3)),
            "no number",
        ),
    },
)


test_too_few_to_compute_with_is_refused = refused(
    ValueError,
    {
        "weights": (lambda: estimators.effective_sample_size(zeros(0, 3)), "draw at least one"),
        "others": (lambda: gradients.leave_one_out(zeros(1, 3)), "draws is 1"),
        "a covariance": (lambda: evaluation.frechet_distance(zeros(1, 2), zeros(9, 2)), "two"),
        "shares": (lambda: evaluation.class_shares(zeros(0).long()), "at least one label"),
        "units": (lambda: evaluation.active_units(mlp_vae(2), zeros(1, 784)), "two examples"),
        "neighbours": (
            lambda: evaluation.nearest_neighbours(zeros(2, 3), zeros(0, 3)),
            "0 images",
        ),
        "probes": (
            lambda: estimated_divergence(lambda x: x, zeros(3, 2), zeros(0, 3, 2)),
            "number of probes is 0",
        ),
        "draws of a proposal": (
            lambda: proposals.refit_proposal(tiny_pca(), zeros(2, 3), num_samples=0),
            "num_samples is 0",
        ),
        "chunks of digits": (
            lambda: DigitClassifier().classify(zeros(2, 784), chunk_size=0),
            "chunk_size is 0",
        ),
    },
)


test_no_examples_make_no_results = made_of_none(
    {
        "samples of a VAE": (lambda: mlp_vae(2).sample((0,)), (0, 784)),
        "likelihoods": (
            lambda: estimators.importance_log_likelihood(mlp_vae(2), zeros(0, 784), 3),
            (0,),
        ),
        "classes": (lambda: DigitClassifier().classify(zeros(0, 784)), (0,)),
        "queries": (lambda: evaluation.nearest_neighbours(zeros(0, 3), zeros(4, 3)), (0, 1)),
        "posteriors": (
            lambda: posterior_on_grid(mlp_vae(1).decoder, zeros(0, 784), latent_grid(1, 5)).log_p,
            (0,),
        ),
    }
)


def test_in_inference_mode_what_needs_gradients_says_so():
    family = lambda mean: Normal(mean, 1.0)  # noqa: E731
    with torch.inference_mode(), pytest.raises(RuntimeError, match=r"use torch\.no_grad"):
        annealing.sandwich(tiny_pca(), 2, annealing.inverse_temperatures(3), 2)
    with torch.inference_mode(), pytest.raises(RuntimeError, match=r"use torch\.no_grad"):
        gradients.pathwise_gradients(lambda z: z, family, [zeros()], 2)


def test_gradients_of_draws_are_taken_where_gradients_are_off():
    with torch.no_grad():
        (each,) = gradients.pathwise_gradients(
            lambda z: 3 * z, lambda mean: Normal(mean, 1.0), [zeros()], 2
        )
    assert each.tolist() == [3, 3]


def test_all_models_compute_in_the_default_precision(in_double):
    greys = GreyValues(torch.ones(256))
    found = [
        affine_image_flow((3,), (4,), side=4).log_prob(torch.rand(2, 16)),
        tiny_pyramid().log_mass(IMAGES[:, :2, :2]),
        *bound_terms(DigitDenoiser((8, 8), (0, 1, 0), 8), greys, IMAGES, -8.0, 8.0),
    ]
    assert {value.dtype for value in found} == {torch.float64}
