"""Networks in bfloat16, everything else in float32: what `fit(half=True)` changes and what not."""

import math

import pytest
import torch
from torch import nn

from dgm_core import training
from dgm_core.data import batches, binarize, mnist
from dgm_core.distributions import BernoulliPixels, DiagonalNormal, DiscretizedLogisticPixels
from dgm_core.gan import Discriminator, Generator
from dgm_core.nets import GaussianHead, full_precision, mlp
from dgm_core.objectives import elbo
from dgm_core.vae import mlp_vae


def make_vae(hidden=64):
    torch.manual_seed(0)
    return mlp_vae(latent_dim=8, hidden=hidden)


def one_step(images, **options):
    """Return the gradient of a VAE on a batch, as `fit` sees it: what a step of 1 takes off."""
    vae = make_vae()
    before = nn.utils.parameters_to_vector(vae.parameters()).detach().clone()
    plan = batches(images, len(images), transform=binarize)
    sgd = {"optimizer": torch.optim.SGD, "learning_rate": 1.0, "warmup_steps": 1}
    history = training.fit(lambda x: -elbo(vae, x), vae.parameters(), plan, **sgd, **options)
    after = nn.utils.parameters_to_vector(vae.parameters()).detach()
    assert after.dtype == torch.float32
    return before - after, history.loss[0]


def test_gradients_in_half_precision_are_those_in_full_precision():
    """To within the 8 significant bits of bfloat16, at every layer's output once rounded."""
    images = mnist("train")[0][:256]
    (half, half_loss), (full, full_loss) = one_step(images, half=True), one_step(images)
    assert 0 < (half - full).norm() / full.norm() < 8 * 2**-8
    assert half_loss == pytest.approx(full_loss, rel=2**-10) and half_loss != full_loss


def test_without_half_precision_the_numbers_are_those_of_the_plain_loop():
    images = mnist("train")[0][:600]
    trained, by_hand = make_vae(), make_vae()
    plan = batches(images, 100, epochs=2, transform=binarize)
    history = training.fit(
        lambda x: -elbo(trained, x), trained.parameters(), plan, warmup_steps=0, half=False
    )

    torch.manual_seed(0)
    mlp_vae(latent_dim=8, hidden=64)  # the random numbers that making the model takes
    adam, losses = training.adam(list(by_hand.parameters()), lr=2e-3), []
    for step, x in enumerate(batches(images, 100, epochs=2, transform=binarize), 1):
        adam.param_groups[0]["lr"] = 2e-3 * (0.5 * (1 + math.cos(math.pi * step / 13)))
        loss = -elbo(by_hand, x).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert history.loss == losses
    for a, b in zip(trained.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_the_loss_is_computed_under_autocast():
    weight, seen = nn.Parameter(torch.ones(3)), []

    def enabled(*_):
        seen.append(torch.is_autocast_enabled("cpu"))

    def loss(x):
        enabled()
        return (weight * x[:, None]).sum(1)

    weight.register_hook(enabled)
    for half in (False, True):
        training.fit(loss, [weight], batches(torch.ones(1), 1), callback=enabled, half=half)
    assert seen == [False, False, False, True, False, False]


def test_a_bound_after_training_in_half_precision_is_that_of_full_precision():
    train, test = mnist("train")[0][:3000], mnist("test")[0][:500]
    bounds = {}
    for half in (False, True):
        vae = make_vae()
        plan = batches(train, 50, epochs=2, transform=binarize)
        training.fit(
            lambda x, vae=vae: -elbo(vae, x), vae.parameters(), plan, warmup_steps=20, half=half
        )
        torch.manual_seed(1)
        with torch.no_grad():
            bounds[half] = elbo(vae, binarize(test), 4).mean()
    assert bounds[False] > -215  # it has learned: untrained it has -545
    assert bounds[True] == pytest.approx(bounds[False], abs=0.5)


@pytest.mark.parametrize(
    "numbers",
    [
        lambda x: DiagonalNormal(GaussianHead(784, 8, 4))(x).log_prob(torch.zeros(4)),
        lambda x: BernoulliPixels(mlp([784, 8, 784]))(x).log_prob(x.round()),
        lambda x: DiscretizedLogisticPixels(mlp([784, 8, 1568]))(x).log_prob(x),
        lambda x: Generator(784, (8,), 784)(x),
        lambda x: Generator(784, (8,), 784, reference=torch.randn(4, 784))(x),
        lambda x: Discriminator()(x),
    ],
)
def test_what_leaves_the_networks_has_full_precision(numbers):
    x = torch.rand(5, 784)
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(0)
        half = numbers(x)
    torch.manual_seed(0)
    full = numbers(x)
    assert half.dtype == torch.float32
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.05)


def test_full_precision_leaves_other_types_alone():
    for dtype in (torch.float32, torch.float64, torch.float16):
        x = torch.ones(2, dtype=dtype)
        assert full_precision(x) is x
    assert full_precision(torch.ones(2, dtype=torch.bfloat16)).dtype == torch.float32
