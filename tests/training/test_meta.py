"""No step of training makes a tensor on the wrong device: meta refuses to meet any other.

What runs here runs on CUDA and MPS without a changed line.
"""

import pytest
import torch

from dgm_core import data, diffusion, objectives, training
from dgm_core.autoregressive import MADE, GreyPixelCNN, PixelCNN
from dgm_core.distributions import DiagonalNormal, DiscretizedLogisticPixels, NormalPixels
from dgm_core.flows import CoarseToFine, affine_image_flow, coupling_flow, masked_flow, spline_flow
from dgm_core.gan import Discriminator, Generator
from dgm_core.live.plane import flow_step, gan_step
from dgm_core.nets import GaussianHead, mlp
from dgm_core.targets import Moons, Ring
from dgm_core.vae import VAE, mlp_vae

META = torch.device("meta")


def grey_vae() -> VAE:
    decoder = DiscretizedLogisticPixels(mlp([2, 8, 2 * 784]))
    return VAE(DiagonalNormal(GaussianHead(784, 8, 2)), decoder, latent_dim=2)


def normal_vae() -> VAE:
    decoder = NormalPixels(mlp([2, 8, 784]))
    return VAE(DiagonalNormal(GaussianHead(784, 8, 2)), decoder, latent_dim=2)


MODELS = {  # name: make a model, and its loss for a batch of images
    "vae": (mlp_vae, lambda vae, x: -objectives.elbo(vae, x, num_samples=2)),
    "vae, grey pixels": (grey_vae, lambda vae, x: -objectives.elbo(vae, x)),
    "made": (lambda: MADE(784, (16,)), lambda made, x: -made.log_prob(x)),
    "pixelcnn": (
        lambda: PixelCNN(width=8, hidden=8, blocks=1, dropout=0.1),
        lambda model, x: -model.log_prob(x),
    ),
    "unmasker": (
        lambda: diffusion.DigitUnmasker((8, 8), (0, 1, 0)),
        lambda model, x: diffusion.masked_loss(model, x),
    ),
    "vae, importance weighted": (mlp_vae, lambda vae, x: -objectives.iwae_bound(vae, x, 3)),
    "vae, free bits": (mlp_vae, lambda vae, x: -objectives.free_bits(vae, x, 0.1)),
    "vae, learned width": (normal_vae, lambda vae, x: -objectives.elbo(vae, x)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_training_step_stays_on_its_device(name):
    make, loss_fn = MODELS[name]
    model = make().to(META)
    images = torch.empty(256, 28, 28, dtype=torch.uint8, device=META)
    adam = training.adam(list(model.parameters()), lr=1e-3)
    for batch in data.batches(images, 128, transform=data.binarize):
        losses = loss_fn(model, batch)
        assert losses.shape == (128,)
        losses.mean().backward()
        adam.step()
    for parameter in model.parameters():
        assert parameter.grad.device == META
        assert adam.state[parameter]["exp_avg"].device == META


@pytest.mark.parametrize("reference", [None, torch.zeros(16, 32)])
def test_a_step_of_a_gan_stays_on_its_device(reference):
    generator, discriminator = Generator(reference=reference).to(META), Discriminator().to(META)
    adams = [training.adam(list(m.parameters()), lr=1e-3) for m in (generator, discriminator)]
    x, z = torch.empty(64, 784, device=META), generator.prior.sample((64,))
    fake = generator(z)
    losses = (
        objectives.nonsaturating_generator_loss(discriminator(fake)),
        objectives.discriminator_loss(discriminator(x), discriminator(fake.detach())),
    )
    for adam, loss in zip(adams, losses, strict=True):
        assert loss.shape == (64,)
        loss.mean().backward()
        adam.step()
    assert all(p.grad.device == META for p in generator.parameters())


def test_a_step_of_the_coarse_to_fine_flow_stays_on_its_device():
    levels = (4, (0, 0, 0)), (4, (1, 0, 0)), (4, (0, 1, 1))
    flow = CoarseToFine(7, 256, levels, dropout=0.1).to(META)
    images = torch.empty(6, 7, 7, dtype=torch.uint8, device=META)
    adam = training.adam(list(flow.parameters()), lr=1e-3)
    log_mass = flow.log_mass(images)
    log_mass.mean().backward()
    adam.step()
    assert all(p.grad.device == META for p in flow.parameters())
    x = data.dequantize(images)
    for result in (*flow.inverse(x), *flow(x), flow.redraw(x, x, 2)):
        assert result.device == META
    assert log_mass.shape == (6,)


def test_a_step_of_a_pixelcnn_of_greys_stays_on_its_device():
    model = GreyPixelCNN(7, channels=4, layers=2, histogram=torch.ones(256)).to(META)
    images = torch.empty(6, 7, 7, dtype=torch.uint8, device=META)
    adam = training.adam(list(model.parameters()), lr=1e-3)
    log_mass = model.log_mass(images)
    log_mass.mean().backward()
    adam.step()
    assert log_mass.shape == (6,)
    assert all(p.grad.device == META for p in model.parameters())


def test_a_pure_step_of_a_gan_stays_on_its_device():
    generator = Generator(2, (8,), 2, batch_norm=False, dropout=0.0, bounded=False).to(META)
    discriminator = Discriminator(2, (8,), dropout=0.0).to(META)
    state = {
        "generator": training.adam_state(generator),
        "discriminator": training.adam_state(discriminator),
        "ones": torch.zeros(2, device=META),
    }
    real, z = Ring().sample((16,), device=META), torch.empty(2, 16, 2, device=META)
    rate = torch.zeros((), device=META)
    out = gan_step(generator, discriminator, state, real, z, (1e-3, rate))
    assert {value.device for value in out.values()} == {META}


def test_a_step_of_a_flow_of_images_stays_on_its_device():
    flow = affine_image_flow((2, 2), (4, 4)).to(META)
    x = data.dequantize(torch.empty(8, 28, 28, dtype=torch.uint8, device=META))
    assert flow.bijection.initialize(x).device == META
    adam = training.adam(list(flow.parameters()), lr=1e-3)
    losses = -flow.log_prob(x)
    assert losses.shape == (8,)
    losses.mean().backward()
    adam.step()
    assert all(p.grad.device == META for p in flow.parameters())
    assert objectives.bits_per_dim(losses, 784, bins=256).device == META
    assert flow.sample((3,)).device == META


@pytest.mark.parametrize("make", [masked_flow, spline_flow])
def test_a_step_of_a_masked_flow_stays_on_its_device(make):
    flow = make(3, 2, (8,)).to(META)
    x = torch.empty(8, 3, device=META)
    assert flow.bijection.initialize(x).device == META
    adam = training.adam(list(flow.parameters()), lr=1e-3)
    (-flow.log_prob(x)).mean().backward()
    adam.step()
    assert all(p.grad.device == META for p in flow.parameters())
    assert flow.sample((3,)).device == META


def test_a_pure_step_of_a_flow_stays_on_its_device():
    flow = coupling_flow(2, 2, 8).to(META)
    state = {"flow": training.adam_state(flow), "ones": torch.zeros(2, device=META)}
    rate = torch.zeros((), device=META)
    out = flow_step(flow, state, Moons().sample((16,), device=META), rate)
    assert {value.device for value in out.values()} == {META}


@pytest.mark.parametrize("label", [None, 3])
def test_a_step_of_a_denoiser_stays_on_its_device(label):
    model = diffusion.DigitDenoiser((8, 8), (1, 1, 1), 8, num_classes=10, dropout=0.1).to(META)
    greys = diffusion.GreyValues(torch.ones(256)).to(META)
    images = torch.empty(6, 28, 28, dtype=torch.uint8, device=META)
    labels = None if label is None else torch.full((6,), label, device=META)

    def denoiser(z, log_snr):
        return model(z, log_snr, labels)

    levels = diffusion.training_log_snrs(diffusion.stratified(torch.rand(6, device=META)))
    losses = diffusion.squared_errors(denoiser, greys.numbers(images), levels).turn
    losses.mean().backward()
    training.adam(list(model.parameters()), lr=1e-3).step()
    for term in diffusion.bound_terms(denoiser, greys, images, -8.0, 8.0):
        assert term.shape == (6,) and term.device == META
    z, noise = torch.empty(6, 784, device=META), torch.empty(2, 6, 784, device=META)
    velocity = diffusion.velocity_on(diffusion.cosine_path, denoiser)
    for x in (
        diffusion.heun(velocity, z, 2),
        diffusion.ddim(denoiser, z, [-8.0, 0.0, 8.0]),
        diffusion.ancestral(denoiser, z, [-8.0, 0.0, 8.0], noise, diffusion.forward_variance),
        greys.greys(z),
    ):
        assert x.shape == z.shape and x.device == META


def test_a_step_of_flow_matching_stays_on_its_device():
    velocity = diffusion.TimeMLP(2, (8,), num_classes=3).to(META)
    x = torch.empty(5, 2, device=META)
    diffusion.flow_matching_loss(velocity, x).mean().backward()
    training.adam(list(velocity.parameters()), lr=1e-3).step()
    assert diffusion.ode_log_prob(velocity, x, 2).device == META
