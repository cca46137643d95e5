"""What a reader hands to a diffusion model by mistake is refused, in words that say what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import math

import pytest
import torch

from dgm_core import diffusion
from dgm_core.diffusion import (
    DigitDenoiser,
    DigitUnmasker,
    GreyValues,
    TimeMLP,
    UNet,
    ancestral,
    bound_terms,
    cosine_path,
    ddim,
    diffusion_term,
    euler,
    exact_denoiser,
    flow_matching_loss,
    forward_variance,
    from_data,
    from_noise,
    from_score,
    from_turn,
    guided_normal,
    heun,
    linear_betas,
    log_snr_of_betas,
    masked_loss,
    ode_log_prob,
    order_loss,
    posterior_variance,
    rk4,
    squared_errors,
    step_kl,
    straight_path,
    train_denoiser,
    unmask,
    velocity_on,
)
from dgm_core.mixtures import Mixture

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")

zeros, ones = torch.zeros, torch.ones
PAIR = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), zeros(2), torch.full((2,), 0.5))
IMAGES = zeros(4, 28, 28, dtype=torch.uint8)
GREYS = GreyValues(ones(256))


def still(z, time):
    return torch.zeros_like(z)


def of_one(z, time):
    return z[:, :1]


def fair(x, known):
    return torch.zeros_like(x)


def tiny(num_classes=0):
    return DigitDenoiser((8, 8), (0, 1, 0), condition=8, num_classes=num_classes)


def levels(*numbers):
    return torch.tensor(numbers)


def train(images, labels=None, model=None):
    return train_denoiser(model or tiny(), GREYS, images, labels, epochs=1, batch_size=2)


SHAPES = {  # what is called, and a part of what it says
    "times of a network": (lambda: TimeMLP(2)(zeros(3, 2), zeros(3, 1)), "one time or log-SNR"),
    "a time": (lambda: TimeMLP(2)(zeros(3, 2), zeros(())), r"level\.expand"),
    "images of a U-Net": (lambda: UNet(condition=0)(zeros(2, 392)), r"\(B, 784\) is expected"),
    "images of a denoiser": (lambda: tiny()(zeros(2, 28, 28), zeros(2)), r"flatten\(1\)"),
    "what is known": (lambda: DigitUnmasker()(zeros(2, 784), zeros(1, 784)), "is known"),
    "a label too many": (
        lambda: TimeMLP(2)(zeros(3, 2), zeros(3), zeros(3).long()),
        "leave it out",
    ),
    "a label for digits": (lambda: tiny()(zeros(1, 784), zeros(1), zeros(1).long()), "num_class"),
    "labels": (lambda: train(IMAGES, zeros(3).long(), tiny(2)), "one label an image"),
    "labels for none": (lambda: train(IMAGES, zeros(4).long()), "make it with num_classes"),
    "predicted data": (lambda: from_data(zeros(3, 2), zeros(3, 1), zeros(3)), "for each of z"),
    "predicted noise": (lambda: from_noise(zeros(3, 2), zeros(2), zeros(3)), "for each of z"),
    "predicted turn": (lambda: from_turn(zeros(3, 2), zeros(3, 1), zeros(3)), "for each of z"),
    "predicted score": (lambda: from_score(zeros(3, 2), zeros(3, 1), zeros(3)), "for each of z"),
    "log-SNRs": (lambda: from_data(zeros(1, 2), zeros(1, 2), zeros(7)), r"level\.expand"),
    "a denoiser's points": (lambda: exact_denoiser(PAIR)(zeros(3, 1), zeros(3)), "dimension of"),
    "noise added": (
        lambda: squared_errors(exact_denoiser(PAIR), zeros(3, 2), zeros(3), zeros(1, 2)),
        "noise for each",
    ),
    "what a denoiser says": (
        lambda: squared_errors(
            lambda z, at: from_data(z[:, :1], z[:, :1], at), zeros(3, 2), zeros(3)
        ),
        "says of each",
    ),
    "noise matched": (
        lambda: flow_matching_loss(still, zeros(3, 2), zeros(3), zeros(1, 2)),
        "noise for each",
    ),
    "velocity matched": (lambda: flow_matching_loss(of_one, zeros(3, 2)), "velocity for each"),
    "velocity of euler": (lambda: euler(of_one, zeros(3, 2), 1), "velocity for each"),
    "velocity of heun": (lambda: heun(of_one, zeros(3, 2), 1), "velocity for each"),
    "velocity of rk4": (lambda: rk4(of_one, zeros(3, 2), 1), "velocity for each"),
    "trace": (
        lambda: ode_log_prob(still, zeros(3, 2), 1, trace=lambda f, x: zeros(1)),
        "one number a point",
    ),
    "noise of a chain": (
        lambda: ancestral(exact_denoiser(PAIR), zeros(3, 2), [-1.0, 1.0], zeros(1, 2)),
        "for each step",
    ),
    "step's noise": (
        lambda: step_kl(exact_denoiser(PAIR), zeros(3, 2), -ones(3), ones(3), zeros(1, 2)),
        "noise for each",
    ),
    "numbers of greys": (
        lambda: GREYS.log_prob(IMAGES, zeros(1, 784), zeros(4)),
        "for each pixel",
    ),
    "histogram": (lambda: GreyValues(ones(1, 256)), "bincount"),
    "noise of a bound": (
        lambda: bound_terms(GREYS, GREYS, IMAGES, -8.0, 8.0, noise=zeros(2, 1, 784)),
        "for the decoder",
    ),
    "uniform numbers": (
        lambda: diffusion_term(exact_denoiser(PAIR), zeros(3, 2), -1.0, 1.0, zeros(1)),
        "one log-SNR an example",
    ),
    "betas": (lambda: log_snr_of_betas(zeros(1, 5)), "for each step"),
    "logits": (lambda: masked_loss(lambda x, known: x[:, :1], zeros(2, 3)), "logit a dimension"),
    "times of masks": (lambda: masked_loss(fair, zeros(2, 3), ones(2, 1)), "one time an example"),
    "masks": (lambda: masked_loss(fair, zeros(2, 3), ones(2), zeros(1, 3)), "each dimension"),
    "an order for all": (
        lambda: order_loss(fair, zeros(2, 3), torch.tensor([[0, 1, 2]])),
        r"order\.expand",
    ),
    "ranks": (
        lambda: unmask(fair, zeros(2, 3), zeros(2, 3), 2, zeros(1, 3), zeros(2, 3)),
        "one of each",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_that_torch_would_stretch_or_cut_is_refused(name):
    wrong, words = SHAPES[name]
    with pytest.raises(ValueError, match=words):
        wrong()


RANGES = {
    "steps for times": (lambda: straight_path(torch.arange(4.0)), "by that of all"),
    "times on a circle": (lambda: cosine_path(zeros(2) - 1), "by that of all"),
    "a velocity's time": (
        lambda: velocity_on(straight_path, exact_denoiser(PAIR))(zeros(3, 2), ones(3) * 9),
        "by that of all",
    ),
    "times of a match": (lambda: flow_matching_loss(still, zeros(3, 2), 5 * ones(3)), "0 to 1"),
    "shares": (lambda: log_snr_of_betas(levels(0.5, 1.5)), "share of the variance"),
    "first share": (lambda: linear_betas(10, first=-0.1), "between 0 and 1"),
    "no share": (lambda: linear_betas(0), "num_steps is 0"),
    "a step backwards": (lambda: forward_variance(levels(1.0), levels(0.0)), "more signal, high"),
    "its posterior": (lambda: posterior_variance(levels(1.0), levels(0.0)), "more signal, high"),
    "its price": (
        lambda: step_kl(exact_denoiser(PAIR), zeros(3, 2), ones(3), -ones(3)),
        "more signal, high",
    ),
    "a term backwards": (
        lambda: diffusion_term(exact_denoiser(PAIR), zeros(3, 2), 1.0, -1.0),
        "from noise to data",
    ),
    "no steps": (lambda: euler(still, zeros(3, 2), 0), "num_steps is 0"),
    "steps below 0": (lambda: heun(still, zeros(3, 2), -3), "num_steps is -3"),
    "no steps of rk4": (lambda: rk4(still, zeros(3, 2), 0), "num_steps is 0"),
    "falling": (lambda: ddim(exact_denoiser(PAIR), zeros(3, 2), [1.0, -1.0]), "noise to data"),
    "falling, with noise": (
        lambda: ancestral(exact_denoiser(PAIR), zeros(3, 2), [1.0, -1.0], zeros(1, 3, 2)),
        "noise to data",
    ),
    "one log-SNR": (lambda: ddim(exact_denoiser(PAIR), zeros(3, 2), [1.0]), "two points or more"),
    "grey values": (lambda: GreyValues(ones(4)).numbers(IMAGES + 9), "has 4 grey values"),
    "one grey value": (lambda: GreyValues(ones(1)), "bins of histogram is 1"),
    "counts": (lambda: GreyValues(levels(1.0, -5.0)), "bincount"),
    "weight": (lambda: guided_normal(math.nan), "no density"),
    "grey bits": (lambda: masked_loss(fair, zeros(2, 3) + 0.4), "draw bits"),
    "signed bits": (lambda: order_loss(fair, zeros(1, 3) - 1, zeros(1, 3).long()), "draw bits"),
    "nothing hidden": (lambda: masked_loss(fair, zeros(2, 3), zeros(2)), "nothing to guess"),
    "more than all": (lambda: masked_loss(fair, zeros(2, 3), 2 * ones(2)), "share that is hidden"),
    "one twice": (lambda: order_loss(fair, zeros(1, 3), zeros(1, 3).long()), "dimension once"),
    "rounds": (lambda: unmask(fair, *[zeros(2, 3)] * 2, 0, *[zeros(2, 3)] * 2), "is 0"),
    "class": (lambda: tiny(2)(zeros(1, 784), zeros(1), levels(7)), "2 for no label"),
}


@pytest.mark.parametrize("name", RANGES)
def test_values_out_of_range_are_refused(name):
    wrong, words = RANGES[name]
    with pytest.raises(ValueError, match=words):
        wrong()


def test_images_in_other_units_are_refused():
    with pytest.raises(TypeError, match="not divided"):
        GREYS.numbers(IMAGES.float() / 255)
    with pytest.raises(TypeError, match="not divided"):
        train(IMAGES.float() / 255)


def test_images_of_any_strides_are_taken():
    torch.manual_seed(0)
    net, x = UNet(condition=0), torch.rand(784, 2).T
    torch.nn.init.normal_(net.leave[-1].weight)
    torch.testing.assert_close(net(x), net(x.contiguous()))


def test_no_examples_make_no_results():
    none = zeros(0, 2)
    assert euler(still, none, 2).shape == (0, 2)
    assert ddim(exact_denoiser(PAIR), none, [-1.0, 1.0]).shape == (0, 2)
    assert diffusion_term(exact_denoiser(PAIR), none, -1.0, 1.0).shape == (0,)
    assert masked_loss(fair, zeros(0, 3)).shape == (0,)
    assert order_loss(fair, zeros(0, 3), zeros(0, 3).long()).shape == (0,)
    assert ode_log_prob(still, none, 1).shape == (0,)
    assert tiny()(zeros(0, 784), zeros(0)).data.shape == (0, 784)
    assert diffusion.stratified(zeros(0)).shape == (0,)
