import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_mean_is
from torch import nn

from dgm_core.gan import ConvGenerator, Discriminator, Generator, VirtualBatchNorm1d


def small_generator(**options):
    return Generator(3, (8, 8), 5, dropout=0.0, **options).double()


def layers(module):
    return [type(layer).__name__ for layer in module.net]


def sizes(module):
    return [tuple(p.shape) for p in module.net.parameters() if p.ndim == 2]


def test_the_defaults_are_the_networks_of_the_book():
    generator, discriminator = Generator(), Discriminator()
    module = ["Linear", "BatchNorm1d", "LeakyReLU", "Dropout"]
    assert layers(generator) == [*module * 4, "Linear", "Tanh"]
    assert sizes(generator) == [(128, 32), (256, 128), (512, 256), (1024, 512), (784, 1024)]
    assert layers(discriminator) == [*["Linear", "LeakyReLU", "Dropout"] * 2, "Linear"]
    assert sizes(discriminator) == [(512, 784), (256, 512), (1, 256)]
    both = [*generator.net, *discriminator.net]
    assert {layer.negative_slope for layer in both if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert {layer.p for layer in generator.net if isinstance(layer, nn.Dropout)} == {0.1}
    assert {layer.p for layer in discriminator.net if isinstance(layer, nn.Dropout)} == {0.3}


def test_the_networks_of_the_plane_are_plain_ones():
    generator = Generator(2, (64, 64), 2, batch_norm=False, dropout=0.0, bounded=False)
    discriminator = Discriminator(2, (64, 64), dropout=0.0)
    assert layers(generator) == layers(discriminator) == [*["Linear", "LeakyReLU"] * 2, "Linear"]
    assert sizes(generator) == [(64, 2), (64, 64), (2, 64)]
    assert discriminator(generator(torch.randn(7, 2))).shape == (7,)


def test_a_discriminator_may_normalise():
    module = ["Linear", "BatchNorm1d", "LeakyReLU", "Dropout"]
    assert layers(Discriminator(batch_norm=True)) == [*module * 2, "Linear"]


@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
def test_samples_have_the_shape_that_is_asked_for(shape):
    x = small_generator().eval().sample(shape)
    assert x.shape == (*shape, 5) and x.dtype == torch.float64 and not x.requires_grad
    assert x.abs().max() <= 1


def test_the_prior_is_standard_normal():
    torch.manual_seed(0)
    z = Generator().prior.sample((20_000,))
    assert z.shape == (20_000, 32)
    assert_mean_is(z, 0.0)
    assert_mean_is(z**2, 1.0)


def test_a_state_dict_holds_no_constants():
    names = {name for name, _ in Generator().state_dict().items()}
    assert not [name for name in names if name.startswith("prior")]


@settings(max_examples=30)
@given(st.integers(2, 9), st.integers(1, 5), st.integers(0, 10**6), st.floats(0.01, 100))
def test_virtual_normalisation_is_that_of_the_reference_and_one_example(size, batch, seed, scale):
    torch.manual_seed(seed)
    reference = scale * torch.randn(size, 4).double()
    x = 3 * scale * torch.randn(batch, 4).double()
    layer = VirtualBatchNorm1d(4, size).double()
    nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)

    def plain(rows):  # PyTorch's own batch normalisation, of these rows alone
        options = {"weight": layer.weight, "bias": layer.bias, "training": True}
        return nn.functional.batch_norm(rows, None, None, **options)

    found = layer(torch.cat([reference, x]))
    torch.testing.assert_close(found[:size], plain(reference))
    for i in range(batch):
        expected = plain(torch.cat([reference, x[i : i + 1]]))[-1]
        torch.testing.assert_close(found[size + i], expected)


def test_a_reference_needs_two_rows():
    with pytest.raises(ValueError, match="two rows"):
        VirtualBatchNorm1d(4, 1)


@pytest.mark.parametrize("training", [True, False])
def test_with_virtual_normalisation_companions_make_no_difference(training):
    torch.manual_seed(0)
    generator = small_generator(reference=torch.randn(16, 3)).train(training)
    z = torch.randn(6, 3).double()
    alone = torch.cat([generator(row[None]) for row in z])
    torch.testing.assert_close(generator(z), alone)
    assert layers(generator).count("VirtualBatchNorm1d") == 2


@pytest.mark.parametrize("make", [small_generator, lambda: ConvGenerator(3).double()])
def test_with_batch_normalisation_they_do_in_training_and_not_in_evaluation(make):
    torch.manual_seed(0)
    generator = make()
    z, companions = torch.randn(1, 3).double(), torch.randn(2, 15, 3).double()
    one, two = (generator(torch.cat([z, others]))[0] for others in companions)
    assert (one - two).abs().max() > 0.01
    generator.eval()
    one, two = (generator(torch.cat([z, others]))[0] for others in companions)
    torch.testing.assert_close(one, two)


def test_gradients_flow_through_the_reference_and_into_every_parameter():
    torch.manual_seed(0)
    generator = small_generator(reference=torch.randn(16, 3))
    z = torch.randn(4, 3).double()
    (generator(z) ** 2).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in generator.parameters())
    assert "reference" in generator.state_dict()


def test_a_reference_without_normalisation_is_refused():
    with pytest.raises(ValueError, match="leave it out, or batch_norm on"):
        Generator(2, batch_norm=False, reference=torch.randn(8, 2))
