"""A small training that tests stop, resume and watch."""

import signal

import torch

from dgm_core.data import batches, binarize
from dgm_core.objectives import elbo
from dgm_core.training import fit
from dgm_core.vae import mlp_vae

STEPS = 120


def train_vae(steps_seen=None, before=lambda step: None, hidden=16, **options):
    """Train a small VAE for 120 steps on noise; `before` runs before the loss of each step."""
    torch.manual_seed(0)
    images = torch.randint(256, (240, 4, 4), dtype=torch.uint8)
    vae = mlp_vae(latent_dim=3, hidden=hidden, num_pixels=16)
    seen = [] if steps_seen is None else steps_seen

    def loss(x):
        seen.append(None)
        before(len(seen))
        return -elbo(vae, x)

    plan = batches(images, 20, epochs=10, transform=binarize)
    history = fit(loss, vae.parameters(), plan, warmup_steps=10, **options)
    return vae, history


def assert_same_run(one, two):
    for a, b in zip(one[0].parameters(), two[0].parameters(), strict=True):
        assert torch.equal(a, b)
    assert one[1].loss == two[1].loss and one[1].step == two[1].step
    assert one[1].learning_rate == two[1].learning_rate and one[1].metrics == two[1].metrics


def interrupt(step):
    return lambda now: signal.raise_signal(signal.SIGINT) if now == step else None


def watched(step):
    return {"noise": torch.randn(()), "step": step}
