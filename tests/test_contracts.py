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
    checks,
    data,
    divergences,
    estimators,
    evaluation,
    gradients,
    objectives,
    plotting,
    targets,
    training,
)
from dgm_core.classifier import DigitClassifier, digit_classifier
from dgm_core.distributions import BernoulliPixels, DiagonalNormal, DiscretizedLogistic, from_noise
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
from dgm_core.gan import Discriminator, Generator, VirtualBatchNorm1d
from dgm_core.vae import linear_vae, mlp_vae

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


def zeros(*shape):
    return torch.zeros(shape)


def normals(*shape):
    return Independent(Normal(zeros(*shape), torch.ones(shape)), 1)


def tiny_pyramid():
    return CoarseToFine(side=2, bins=3, levels=[(8, (0, 0, 0))], hidden=8)


def image_flow():
    return affine_image_flow((3,), (4,), side=4)


class Summed(Bijection):
    """A map whose log-determinant has an axis too many."""

    def forward(self, z):
        return z, zeros(len(z), 1)

    inverse = forward


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
    "reference": (lambda: VirtualBatchNorm1d(4, 8)(zeros(5, 4)), "rows is 5"),
    "surrogate": (
        lambda: gradients.score_function_surrogate(zeros(4), zeros(4, 4)),
        "one value and one log q",
    ),
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
    "bound": (lambda: AffineCoupling(nn.Linear(1, 2), 1, bound=0.0), "more than 0"),
    "layers": (lambda: coupling_flow(layers=-1), "layers is -1"),
    "no bins": (lambda: bin_of(zeros(2), 0), "bins is 0"),
    "temperature": (lambda: coupling_flow().sample((2,), -1.0), "at least 0"),
    "dimensions": (lambda: objectives.bits_per_dim(zeros(2), 0), "at least 1"),
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
