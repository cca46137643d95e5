"""What a reader hands in by mistake is refused, in words that say what is right; none is fine.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import math
import subprocess
import sys

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Independent, Normal
from torch.fx.experimental.proxy_tensor import make_fx

from dgm_core import (
    annealing,
    checks,
    data,
    divergences,
    energy,
    estimators,
    evaluation,
    gradients,
    hamiltonian,
    live,
    objectives,
    plotting,
    proposals,
    protocol,
    targets,
    training,
)
from dgm_core.classifier import DigitClassifier, digit_classifier
from dgm_core.diffusion import DigitDenoiser, GreyValues, bound_terms
from dgm_core.distributions import (
    BernoulliPixels,
    DiagonalNormal,
    DiscretizedLogistic,
    NormalPixels,
    from_noise,
)
from dgm_core.fields import divergence, estimated_divergence
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
from dgm_core.gan import (
    ConvDiscriminator,
    ConvGenerator,
    Discriminator,
    Generator,
    VirtualBatchNorm1d,
    dirac_pull,
)
from dgm_core.mixtures import Mixture
from dgm_core.posterior import divide_on_grid, latent_grid, posterior_on_grid, weigh_grid
from dgm_core.vae import linear_vae, mlp_vae

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


def zeros(*shape):
    return torch.zeros(shape)


def normals(*shape):
    return Independent(Normal(zeros(*shape), torch.ones(shape)), 1)


def tiny_pyramid():
    return CoarseToFine(side=2, bins=3, levels=[(8, (0, 0, 0))], hidden=8)


def tiny_pca():
    """A model with two latent numbers, of three pixels."""
    return linear_vae(torch.ones(3, 2), zeros(3), torch.ones(3))


def tiny_plan():
    return annealing.plan_annealing(tiny_pca(), zeros(4, 3), annealing.inverse_temperatures(2))


def weight():
    return zeros(3).requires_grad_()


SHARED = weight()


def first(x):
    """A score that says too little of a point."""
    return x[:, :1]


def whole(x):
    return -x


def image_flow():
    return affine_image_flow((3,), (4,), side=4)


class Summed(Bijection):
    """A map whose log-determinant has an axis too many."""

    def forward(self, z):
        return z, zeros(len(z), 1)

    inverse = forward


PAIR = Mixture(zeros(2, 2), torch.ones(2), torch.full((2,), 0.5))
IMAGES = torch.zeros(4, 28, 28, dtype=torch.uint8)
DENSITY, POINTS = zeros(5), torch.linspace(0, 1, 5)

SHAPES = {  # what is called, and a part of what it says
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
    "a permutation": (lambda: Permutation([1, 0])(zeros(1, 3)), r"\(1, 3\), but \(B, 2, \.\.\.\)"),
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
    "pixels": (
        lambda: BernoulliPixels(nn.Linear(2, 4))(zeros(3, 2)).log_prob(zeros(3, 1)),
        r"\(\.\.\., 4\) is expected",
    ),
    "mean and log-variance": (
        lambda: DiagonalNormal(lambda x: (x, x[:, :1]))(zeros(3, 2)),
        "log_variance",
    ),
    "noise": (lambda: from_noise(normals(3, 2), zeros(5, 1, 2)), r"\(\.\.\., 3, 2\)"),
    "logits": (lambda: objectives.game_value(zeros(4), zeros(4, 1)), "as many generated"),
    "discriminator": (lambda: Discriminator()(zeros(2, 3, 784)), "one batch of many"),
    "images for convolutions": (lambda: ConvDiscriminator()(zeros(2, 28, 28)), "by flatten"),
    "latents for convolutions": (lambda: ConvGenerator(32)(zeros(2, 31)), "from the generator's"),
    "a game of two": (lambda: dirac_pull(zeros(3)), "theta and the discriminator's psi"),
    "reference": (lambda: VirtualBatchNorm1d(4, 8)(zeros(5, 4)), "rows is 5"),
    "surrogate": (
        lambda: gradients.score_function_surrogate(zeros(4), zeros(4, 4)),
        "one value and one log q",
    ),
    "reference latents": (lambda: Generator(4, reference=zeros(5, 3)), r"\(B, 4\) is expected"),
    "noise of a figure": (lambda: live.normal((3, 2)), "one by one"),
    "baseline": (
        lambda: gradients.score_function_surrogate(zeros(4), zeros(4), zeros(4, 1)),
        "broadcast",
    ),
    "normal_kl": (lambda: divergences.normal_kl(*[zeros(3)] * 3, zeros(3, 1)), "expand"),
    "renyi": (lambda: divergences.renyi_divergence(normals(2), normals(1), 2.0), "events of p"),
    "renyi, no event": (
        lambda: divergences.renyi_divergence(*[Normal(zeros(2), 1.0)] * 2, 2.0),
        r"Independent\(Normal",
    ),
    "quadrature": (lambda: divergences.kl_by_quadrature(*[zeros(4)] * 2, POINTS), "points of x"),
    "frechet": (lambda: evaluation.frechet_distance(zeros(4, 1), zeros(4, 3)), "by one network"),
    "recall": (
        lambda: evaluation.precision_and_recall(zeros(9, 1), zeros(9, 3)),
        "by one network",
    ),
    "balls": (lambda: evaluation.precision_and_recall(zeros(3, 1), zeros(9, 1)), "3 others"),
    "judge": (lambda: DigitClassifier().classify(zeros(2, 28, 28)), r"flatten\(1\)"),
    "labels": (lambda: digit_classifier(IMAGES, zeros(3).long()), "one label an image"),
    "ring": (lambda: targets.Ring().log_prob(zeros(5, 1)), "plane"),
    "banana": (lambda: targets.Banana().log_prob(zeros(5, 3)), "plane"),
    "moons": (lambda: targets.Moons().log_prob(zeros(5, 3)), "plane"),
    "nearest": (lambda: targets.Ring().nearest(zeros(5, 1)), "plane"),
    "ring's noise": (lambda: targets.Ring().from_noise(zeros(4, 1), zeros(4, 2)), "one choice"),
    "parameters": (lambda: training.named_parameters(nn.Linear(2, 1), zeros(9)), "architecture"),
    "gradient": (lambda: training.adam_step(zeros(3, 4), zeros(1), zeros(2), 0.1), "each"),
    "scatter": (lambda: plotting.latent_scatter(zeros(5, 3), zeros(5)), r"z\[:, :2\]"),
    "curve": (lambda: plotting.curve(zeros(3), zeros(2), xlabel="", ylabel=""), "needs both"),
    "scales of pixels": (lambda: DiscretizedLogistic(zeros(3), zeros(1, 3)), "one shape"),
    "weight of PCA": (lambda: linear_vae(zeros(3, 2), zeros(1), zeros(1)), r"\(\.\.\., 1\)"),
    "channels": (lambda: FactorOut(Cube(), 9)(zeros(2, 3)), "channels of z is 3"),
    "redraw": (lambda: tiny_pyramid().redraw(zeros(2, 4), zeros(1, 4), 1), "each pixel"),
    "units": (lambda: evaluation.active_units(mlp_vae(2), zeros(4, 1, 784)), r"flatten\(1\)"),
    "shares": (lambda: evaluation.class_shares(zeros(3, 2).long()), "one label an example"),
    "pictures": (lambda: plotting.image_grid(zeros(2, 3, 4, 4)), "colours are drawn"),
    "one image": (lambda: data.binarize(IMAGES[0]), r"images\[:1\]"),
    "vectors": (lambda: data.binarize_once(IMAGES.flatten(1)), "unflatten"),
    "an image to dequantize": (lambda: data.dequantize(IMAGES[0]), r"\(N, H, W\)"),
    "parts of a mixture": (lambda: Mixture(zeros(3, 2), zeros(1), zeros(3) + 1 / 3), "each mode"),
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
    "normal pixels": (
        lambda: NormalPixels(nn.Linear(2, 4))(zeros(3, 2)).log_prob(zeros(3, 1)),
        r"\(\.\.\., 4\) is expected",
    ),
    "data of PCA": (lambda: tiny_pca().encoder(zeros(5, 1)), "each row of the weight"),
    "a proposal": (
        lambda: objectives.log_weights(mlp_vae(2), zeros(4, 784), 4, proposal=normals(2)),
        "one distribution an example",
    ),
    "betas": (
        lambda: objectives.elbo(mlp_vae(2), zeros(3, 784), beta=zeros(3, 1)),
        "distortion_and_rate",
    ),
    "a single weight": (lambda: estimators.effective_sample_size(zeros()), r"\(N, \.\.\.\)"),
    "a single value": (lambda: objectives.log_mean_exp(zeros()), "single number"),
    "a mean over draws": (
        lambda: gradients.pathwise_gradients(
            lambda z: z.mean(), lambda mean: Normal(mean, 1.0), [zeros()], 4
        ),
        "no sum or mean over the draws",
    ),
    "a start for all": (
        lambda: annealing.plan_annealing(
            tiny_pca(), zeros(16, 3), annealing.inverse_temperatures(3), start=tiny_pca().prior
        ),
        r"start\.expand",
    ),
    "another z": (
        lambda: annealing.reversed_log_weights(tiny_pca(), zeros(4, 3), zeros(1, 2), tiny_plan()),
        "made from",
    ),
    "likelihoods on a grid": (lambda: weigh_grid(zeros(3, 1), latent_grid(1, 5)), "of the grid"),
    "q on a grid": (
        lambda: divide_on_grid(zeros(3, 1), zeros(3, 5), latent_grid(1, 5)),
        "of the grid",
    ),
    "a score": (lambda: energy.fisher_loss(first, whole, zeros(3, 2)), "number of a point"),
    "a true score": (lambda: energy.fisher_loss(whole, first, zeros(3, 2)), "number of a point"),
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
    "a categorical CDF": (
        lambda: CategoricalCDF(zeros(2, 2) - math.log(2))(zeros(5, 1)),
        r"\(B, 2\) is expected",
    ),
    "a vector of features": (
        lambda: evaluation.frechet_distance(zeros(4), zeros(4)),
        "by one network",
    ),
    "seeds and digits": (lambda: protocol.measure(zeros(3, 5), "seeds"), "each of the seeds"),
    "a histogram of rows": (
        lambda: CoarseToFine(2, 3, [(8, (0, 0, 0))], 8, zeros(2, 3)),
        "bincount",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_that_torch_would_stretch_or_cut_is_refused(name):
    wrong, words = SHAPES[name]
    with pytest.raises(ValueError, match=words):
        wrong()


floats = IMAGES.float() / 255
TYPES = {
    "binarize": (lambda: data.binarize(floats), r"float32, but torch\.uint8.*torch\.bernoulli"),
    "dequantize": (lambda: data.dequantize(floats), "not divided"),
    "log_mass": (lambda: tiny_pyramid().log_mass(zeros(2, 2, 2)), "not divided"),
    "classifier": (lambda: digit_classifier(floats, zeros(4).long()), "0 to 255"),
    "bound": (lambda: dequantization_bound(coupling_flow(), zeros(3, 2).long()), r"x\.float\(\)"),
    "pictures": (lambda: plotting.image_grid(IMAGES.long()), "int64, but uint8"),
    "binarize_once": (lambda: data.binarize_once(floats), "not divided"),
    "points of whole numbers": (lambda: targets.Ring().log_prob(zeros(5, 2).long()), r"float\(\)"),
    "the nearest of them": (lambda: targets.Ring().nearest(zeros(5, 2).long()), r"float\(\)"),
    "part of a batch": (lambda: data.batches(zeros(9, 2), 9 / 2), "batch_size is 4.5"),
    "part of an epoch": (lambda: data.batches(zeros(9, 2), 2, epochs=1.5), "epochs is 1.5"),
    "part of a mode": (lambda: targets.Ring(modes=2.5), "modes is 2.5"),
    "arrays": (lambda: plotting.image_grid(floats.numpy()), r"torch\.as_tensor"),
    "samples of a flow": (lambda: coupling_flow().sample(5), r"\(5,\) for five samples"),
    "samples of a VAE": (lambda: mlp_vae(2).sample(5), "for five samples"),
    "samples of a GAN": (lambda: Generator().eval().sample(5), "for five samples"),
    "samples of convolutions": (lambda: ConvGenerator().eval().sample(5), "for five samples"),
    "samples of a ring": (lambda: targets.Ring().sample(5), "for five samples"),
    "samples of a banana": (lambda: targets.Banana().sample(5), "for five samples"),
    "samples of moons": (lambda: targets.Moons().sample(5), "for five samples"),
    "samples of a mixture": (lambda: PAIR.sample(5), "for five samples"),
    "samples of a pixel": (
        lambda: DiscretizedLogistic(zeros(3), torch.ones(3)).sample(5),
        "for five samples",
    ),
    "batches one by one": (
        lambda: training.fit(lambda x: SHARED * x, [SHARED], (zeros(3) for _ in range(2))),
        "give a list",
    ),
    "a module": (
        lambda: training.fit(lambda x: x, nn.Sequential(nn.Linear(1, 1)), zeros(2, 3)),
        r"give its \.parameters\(\)",
    ),
    "a loss that is a number": (
        lambda: training.fit(lambda x: x.mean().item(), [weight()], zeros(2, 3)),
        r"leave out \.item\(\)",
    ),
    "what a callback says": (
        lambda: training.fit(
            lambda x: SHARED * x, [SHARED], zeros(1, 3), callback=lambda step: 0.0
        ),
        "numbers by name",
    ),
    "parts": (
        lambda: training.fit_average(
            nn.Linear(1, 1),
            lambda model, x: model(x)[:, 0],
            zeros(8, 1),
            lambda batch: batch,
            epochs=1,
            batch_size=4,
        ),
        r"\(x,\) for one",
    ),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_that_means_another_scale_is_refused(name):
    wrong, words = TYPES[name]
    with pytest.raises(TypeError, match=words):
        wrong()


signed = 2 * torch.rand(8, 784) - 1
RANGES = {
    "elbo": (lambda: objectives.elbo(mlp_vae(2), signed), r"\(x \+ 1\) / 2"),
    "iwae": (lambda: objectives.iwae_bound(mlp_vae(2), 255 * signed.abs(), 2), "by 255"),
    "log p": (lambda: estimators.importance_log_likelihood(mlp_vae(2), signed, 2), "0 to 1"),
    "grey": (lambda: DiscretizedLogistic(zeros(3), torch.ones(3)).log_prob(zeros(3) + 9), "255"),
    "judge": (lambda: DigitClassifier().classify(signed), "0 to 1 is expected"),
    "judge, grey": (lambda: DigitClassifier()(255 * signed.abs()), "0 to 1 is expected"),
    "pyramid": (lambda: tiny_pyramid().inverse(zeros(2, 4) + 2), "data.dequantize"),
    "noise of a pyramid": (lambda: tiny_pyramid()(zeros(2, 4) - 1), "torch.rand"),
    "bins": (lambda: bin_of(zeros(3) + 7, 8), "divide integers"),
    "categorical": (lambda: CategoricalCDF(zeros(1, 2)), "log_softmax"),
    "logit": (lambda: Logit().inverse(zeros(3, 2) + 200), "data.dequantize"),
    "noise twice": (lambda: dequantization_bound(coupling_flow(), zeros(3, 2) + 0.4), "integers"),
    "variances": (lambda: divergences.normal_kl(*[zeros(2) - 1] * 4), "not their logarithms"),
    "falling": (lambda: divergences.kl_by_quadrature(DENSITY, DENSITY, -POINTS), "rise"),
    "no features": (
        lambda: evaluation.frechet_distance(zeros(4, 2) * math.nan, zeros(4, 2)),
        "NaN",
    ),
    "actnorm, NaN": (lambda: ActNorm(2).initialize(zeros(8, 2) * math.nan), "NaN"),
    "pictures": (lambda: plotting.image_grid(signed), r"\(x \+ 1\) / 2"),
    "modes": (lambda: targets.Ring(modes=0), "modes is 0, but at least 1"),
    "scale": (lambda: targets.Ring(scale=-1.0), "scale is -1.0, but more than 0"),
    "thickness": (lambda: targets.Banana(thickness=0.0), "more than 0"),
    "spread": (lambda: targets.Moons(spread=0.0), "more than 0"),
    "log-scales": (lambda: DiscretizedLogistic(zeros(3), zeros(3) - 1), "not their logarithms"),
    "scales of PCA": (lambda: linear_vae(zeros(3, 2), zeros(3), zeros(3) - 1), "logarithms"),
    "norm": (lambda: training.descend(zeros(1), None, -1.0), "clip_norm is -1.0, but more"),
    "bound": (lambda: AffineCoupling(nn.Linear(1, 2), 1, bound=0.0), "more than 0"),
    "layers": (lambda: coupling_flow(layers=-1), "layers is -1"),
    "no bins": (lambda: bin_of(zeros(2), 0), "bins is 0"),
    "temperature": (lambda: coupling_flow().sample((2,), -1.0), "at least 0"),
    "dimensions": (lambda: objectives.bits_per_dim(zeros(2), 0), "at least 1"),
    "shares of a mixture": (lambda: Mixture(zeros(2, 1), zeros(2), torch.ones(2)), "divide by it"),
    "a mixture's variances": (lambda: Mixture(zeros(1, 1), zeros(1) - 1, zeros(1) + 1), "square"),
    "density of points": (
        lambda: Mixture(zeros(1, 1), zeros(1), zeros(1) + 1).log_prob(zeros(1, 1)),
        "blur them",
    ),
    "width of pixels": (lambda: NormalPixels(nn.Linear(2, 4), scale=-1.0), "scale is -1.0"),
    "quantiles": (
        lambda: DiscretizedLogistic(zeros(3), torch.ones(3)).icdf(zeros(3) + 2),
        "give probabilities",
    ),
    "no width of PCA": (lambda: linear_vae(zeros(3, 2), zeros(3), zeros(3)), "not their log"),
    "allowance": (
        lambda: objectives.free_bits(mlp_vae(2), zeros(3, 784), math.nan),
        "free is nan",
    ),
    "sharpness": (lambda: annealing.inverse_temperatures(3, math.nan), "sharpness is nan"),
    "one temperature": (
        lambda: annealing.plan_annealing(tiny_pca(), zeros(4, 3), zeros(0)),
        "rise from 0 to 1",
    ),
    "an order of fractions": (lambda: Permutation([0.5, 1.2]), "whole"),
    "leapfrogs": (
        lambda: hamiltonian.move(None, zeros(1, 1), None, 0.5, zeros(1), leapfrogs=0),
        "leapfrogs is 0",
    ),
    "a grid's end": (lambda: latent_grid(1, 5, limit=math.nan), "limit is nan"),
    "a grid's room": (lambda: latent_grid(1, 5, limit=-1.0), "limit is -1.0"),
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
    "probabilities of a mixture": (
        lambda: MixtureCDF(*[zeros(1, 1)] * 3)(zeros(2, 1) + 7),
        "it is a probability",
    ),
    "a greater grey": (lambda: tiny_pyramid().log_mass(IMAGES[:, :2, :2] + 9), "3 grey values"),
    "one grey": (lambda: CoarseToFine(2, 1, [(8, (0, 0, 0))], 8), "bins is 1"),
    "counts": (
        lambda: CoarseToFine(2, 3, [(8, (0, 0, 0))], 8, zeros(3) - 5),
        "bincount",
    ),
    "near to nothing": (
        lambda: evaluation.nearest_neighbours(zeros(2, 3) * math.nan, zeros(4, 3)),
        "no number",
    ),
    "pictures in a row": (lambda: plotting.image_grid(floats, ncols=0), "ncols is 0"),
    "one rate for two": (
        lambda: training.play((sum, [weight()]), (sum, [weight()]), zeros(1, 3), learning_rates=1),
        "the generator's",
    ),
    "losses cut off": (
        lambda: training.fit(lambda x: (SHARED * x).detach(), [SHARED], zeros(2, 3)),
        r"without \.detach",
    ),
    "losses without gradients": (
        lambda: torch.no_grad()(training.fit)(lambda x: SHARED * x, [SHARED], zeros(2, 3)),
        r"outside of torch\.no_grad",
    ),
    "another model's parameters": (
        lambda: training.fit(lambda x: weight() * x, [weight()], zeros(2, 3)),
        "give both the same model",
    ),
}


@pytest.mark.parametrize("name", RANGES)
def test_values_out_of_range_are_refused(name):
    torch.manual_seed(0)
    wrong, words = RANGES[name]
    with pytest.raises(ValueError, match=words):
        wrong()


NONE = {
    "pictures": (lambda: plotting.image_grid(zeros(0, 784)), "nothing to draw"),
    "rows of pictures": (lambda: plotting.image_rows({}), "nothing to draw"),
    "losses": (lambda: training.descend(zeros(0), None), "number of losses is 0"),
    "an optimizer": (lambda: training.adam([], 1e-3), "number of parameters is 0"),
    "batches": (lambda: data.batches(zeros(0, 2), 5), "nothing to cut"),
    "training": (lambda: training.fit(lambda x: x, [zeros(1)], zeros(0, 4, 2)), "needs data"),
    "parameters": (lambda: training.fit(lambda x: x, [], zeros(2, 4)), "no parameters"),
    "weights": (lambda: estimators.effective_sample_size(zeros(0, 3)), "draw at least one"),
    "means": (lambda: objectives.log_mean_exp(zeros(0, 3)), "something to average"),
    "draws": (lambda: objectives.elbo(mlp_vae(2), zeros(3, 784), num_samples=0), "needs a draw"),
    "noise": (lambda: dequantization_bound(coupling_flow(), zeros(3, 2), None, 0), "needs a draw"),
    "others": (lambda: gradients.leave_one_out(zeros(1, 3)), "draws is 1"),
    "an example": (lambda: ActNorm(2).initialize(zeros(1, 2)), "each feature is 1"),
    "a covariance": (lambda: evaluation.frechet_distance(zeros(1, 2), zeros(9, 2)), "two"),
    "shares": (lambda: evaluation.class_shares(zeros(0).long()), "at least one label"),
    "units": (lambda: evaluation.active_units(mlp_vae(2), zeros(1, 784)), "two examples"),
    "neighbours": (lambda: evaluation.nearest_neighbours(zeros(2, 3), zeros(0, 3)), "0 images"),
    "probes": (
        lambda: estimated_divergence(lambda x: x, zeros(3, 2), zeros(0, 3, 2)),
        "number of probes is 0",
    ),
    "rates": (lambda: protocol.contest({"a": sum}, [], sum, sum), "rates of a is 0"),
    "another's rates": (
        lambda: protocol.contest({"a": sum}, {"b": [1.0]}, sum, sum),
        "rates of a",
    ),
    "draws of a proposal": (
        lambda: proposals.refit_proposal(tiny_pca(), zeros(2, 3), num_samples=0),
        "num_samples is 0",
    ),
    "chunks of digits": (
        lambda: DigitClassifier().classify(zeros(2, 784), chunk_size=0),
        "chunk_size is 0",
    ),
    "chunks of masses": (
        lambda: log_masses(tiny_pyramid(), IMAGES[:, :2, :2], chunk_size=0),
        "chunk_size is 0",
    ),
}


@pytest.mark.parametrize("name", NONE)
def test_too_few_to_compute_with_is_refused(name):
    wrong, words = NONE[name]
    with pytest.raises(ValueError, match=words):
        wrong()


EMPTY = {  # what works without an example: the shape that comes
    "density": (lambda: coupling_flow().log_prob(zeros(0, 2)), (0,)),
    "density of images": (
        lambda: affine_image_flow((3,), (4,), side=4).log_prob(zeros(0, 16)),
        (0,),
    ),
    "mass": (lambda: tiny_pyramid().log_mass(zeros(0, 2, 2).byte()), (0,)),
    "samples": (lambda: coupling_flow().sample((0,)), (0, 2)),
    "rows of none": (lambda: coupling_flow().sample((3, 0)), (3, 0, 2)),
    "samples of images": (lambda: affine_image_flow((3,), (4,), side=4).sample((0,)), (0, 16)),
    "samples of a VAE": (lambda: mlp_vae(2).sample((0,)), (0, 784)),
    "samples of a GAN": (lambda: Generator().eval().sample((0,)), (0, 784)),
    "opinions": (lambda: Discriminator()(zeros(0, 784)), (0,)),
    "bounds": (lambda: objectives.elbo(mlp_vae(2), zeros(0, 784)), (0,)),
    "likelihoods": (
        lambda: estimators.importance_log_likelihood(mlp_vae(2), zeros(0, 784), 3),
        (0,),
    ),
    "dequantized": (lambda: dequantization_bound(coupling_flow(), zeros(0, 2)), (0,)),
    "classes": (lambda: DigitClassifier().classify(zeros(0, 784)), (0,)),
    "queries": (lambda: evaluation.nearest_neighbours(zeros(0, 3), zeros(4, 3)), (0, 1)),
    "coins": (lambda: data.binarize(IMAGES[:0]), (0, 784)),
    "points": (lambda: targets.Ring().sample((0,)), (0, 2)),
    "Gaussians": (lambda: targets.Ring().log_prob(zeros(0, 2)), (0,)),
    "mixtures": (lambda: Invertible1x1(3)(zeros(0, 3, 2, 2))[0], (0, 3, 2, 2)),
    "posteriors": (
        lambda: posterior_on_grid(mlp_vae(1).decoder, zeros(0, 784), latent_grid(1, 5)).log_p,
        (0,),
    ),
    "normal pixels": (
        lambda: NormalPixels(nn.Linear(2, 4))(zeros(0, 2)).log_prob(zeros(0, 4)),
        (0,),
    ),
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_examples_make_no_results(name):
    make, shape = EMPTY[name]
    assert make().shape == shape


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


def test_grey_pixels_are_a_mean_over_coins():
    coin = BernoulliPixels(nn.Identity())(torch.tensor([[2.0, -1.0]]))
    of_ends = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    middle = coin.log_prob(of_ends.mean(0, keepdim=True))
    torch.testing.assert_close(middle, coin.log_prob(of_ends).mean(0, keepdim=True))


def test_pictures_of_one_channel_are_pictures():
    ax = plotting.image_grid(zeros(6, 1, 28, 28), ncols=3)
    assert ax.images[0].get_array().shape == (56, 84)


def looked_at(function):
    """Count the looks at values while a function runs."""
    count, ends = 0, torch.Tensor.aminmax

    def counted(self, *args, **kwargs):
        nonlocal count
        count += 1
        return ends(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "aminmax", counted)
        function()
    return count


def test_a_training_looks_at_values_in_its_first_step_alone():
    def train(steps):
        torch.manual_seed(0)
        vae = mlp_vae(2, hidden=4)
        loss = lambda x: -objectives.elbo(vae, x)  # noqa: E731
        training.fit(loss, vae.parameters(), torch.rand(steps, 3, 784), progress=False)

    assert looked_at(lambda: train(1)) == looked_at(lambda: train(5)) == 1


def test_a_training_on_pixels_below_0_stops_at_the_first_batch():
    vae = mlp_vae(2, hidden=4)
    before = [p.clone() for p in vae.parameters()]
    with pytest.raises(ValueError, match=r"x has values from -0\.99.*\(x \+ 1\) / 2"):
        training.fit(lambda x: -objectives.elbo(vae, x), vae.parameters(), signed[None])
    assert all(torch.equal(*pair) for pair in zip(before, vae.parameters(), strict=True))


def test_no_value_is_looked_at_where_a_function_is_traced_exported_or_mapped():
    vae, flow = mlp_vae(2, hidden=4), image_flow()
    x = 9 * torch.ones(3, 784)  # out of range

    def loss(x):
        return vae.decoder(torch.zeros(len(x), 2)).log_prob(x)

    assert make_fx(loss)(x)(x).shape == (3,)
    assert torch.vmap(lambda one: vae.decoder(torch.zeros(2)).log_prob(one))(x).shape == (3,)

    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            self.vae, self.flow = vae, flow

        def forward(self, x):
            return self.vae.decoder(x[:, :2]).log_prob(x) + self.flow.log_prob(x[:, :16])

    exported = torch.export.export(Loss(), (x,)).module()
    inside = torch.rand(3, 784)
    torch.testing.assert_close(exported(inside), Loss()(inside))


COMPILED = """
import torch
from dgm_core.distributions import BernoulliPixels
from dgm_core.flows import affine_image_flow
pixels = BernoulliPixels(torch.nn.Linear(2, 16))
flow = affine_image_flow((3,), (4,), side=4)
def loss(x):
    return pixels(x[:, :2]).log_prob(x) + flow.log_prob(x)
x = torch.rand(3, 16)
compiled = torch.compile(loss, backend="eager", fullgraph=True)
torch.testing.assert_close(compiled(x), loss(x))
"""


def test_a_compiler_sees_one_graph():
    run = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, encoding="utf8")
    assert run.returncode == 0, run.stderr[-3000:]


def test_the_words_of_a_shape():
    assert checks.sizes((5,)) == "(5,)" and checks.sizes(("B", 2)) == "(B, 2)"


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


@pytest.fixture
def in_double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_all_models_compute_in_the_default_precision(in_double):
    greys = GreyValues(torch.ones(256))
    found = [
        affine_image_flow((3,), (4,), side=4).log_prob(torch.rand(2, 16)),
        tiny_pyramid().log_mass(IMAGES[:, :2, :2]),
        *bound_terms(DigitDenoiser((8, 8), (0, 1, 0), 8), greys, IMAGES, -8.0, 8.0),
    ]
    assert {value.dtype for value in found} == {torch.float64}
