import pytest
import torch
from torch import nn

from dgm_core.gan import ConvDiscriminator, ConvGenerator

FINAL = ["Flatten", "Linear", "LeakyReLU", "Linear"]


def kinds(module):
    return [type(layer).__name__ for layer in module.net]


def shapes(module):
    return [tuple(p.shape) for p in module.net.parameters() if p.ndim > 1]


def test_the_defaults_are_the_networks_of_the_book():
    generator, discriminator = ConvGenerator(), ConvDiscriminator()
    doubled = ["BatchNorm2d", "LeakyReLU", "ConvTranspose2d"]
    assert kinds(generator) == ["Linear", "Unflatten", *doubled * 2, "Tanh", "Flatten"]
    assert shapes(generator) == [(32 * 49, 32), (32, 16, 4, 4), (16, 1, 4, 4)]
    halved = ["Conv2d", "LeakyReLU"]
    assert kinds(discriminator) == ["Unflatten", *halved * 2, *FINAL]
    assert shapes(discriminator) == [(16, 1, 4, 4), (32, 16, 4, 4), (128, 32 * 49), (1, 128)]


@pytest.mark.parametrize("channels", [(6, 4), (3, 5)])
def test_images_are_made_and_judged_in_the_size_of_digits(channels):
    torch.manual_seed(0)
    generator = ConvGenerator(3, channels).double()
    discriminator = ConvDiscriminator(channels[::-1]).double()
    x = generator(torch.randn(7, 3).double())
    assert x.shape == (7, 784) and x.abs().max() <= 1 and x.dtype == torch.float64
    assert discriminator(x).shape == (7,)


def test_a_shift_by_a_stride_moves_what_the_discriminator_sees():
    """Convolutions, so that what it learns at one place it knows at another."""
    torch.manual_seed(0)
    discriminator = ConvDiscriminator().double()
    seen = nn.Sequential(*discriminator.net[:5])
    stroke = torch.zeros(1, 28, 28).double()
    stroke[0, 8:12, 8:12] = 1.0
    near, far = (seen(stroke.roll(shift, -1).flatten(1)) for shift in (0, 4))
    torch.testing.assert_close(near.roll(1, -1)[..., 2:5], far[..., 2:5])
    assert (near - far).abs().max() > 0.01


def test_no_opinion_depends_on_companions():
    torch.manual_seed(0)
    x = torch.rand(4, 784).double()
    discriminator = ConvDiscriminator().double()
    torch.testing.assert_close(discriminator(x)[:1], discriminator(x[:1]))


@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
def test_samples_have_the_shape_that_is_asked_for(shape):
    x = ConvGenerator().eval().sample(shape)
    assert x.shape == (*shape, 784) and not x.requires_grad


def test_gradients_reach_every_parameter_of_both():
    torch.manual_seed(0)
    generator, discriminator = ConvGenerator(), ConvDiscriminator()
    discriminator(generator(torch.randn(8, 32))).sum().backward()
    both = [*generator.parameters(), *discriminator.parameters()]
    assert all(p.grad.abs().sum() > 0 for p in both)
