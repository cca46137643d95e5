"""No tensor is made on the wrong device: the meta device refuses to meet any other.

What runs here runs on CUDA and MPS without a changed line. Steps of training are in
`training/test_meta.py`.
"""

import pytest
import torch

from dgm_core import (
    annealing,
    data,
    diffusion,
    divergences,
    energy,
    estimators,
    evaluation,
    objectives,
    posterior,
    proposals,
    training,
)
from dgm_core.autoregressive import MADE, GreyPixelCNN, PixelCNN
from dgm_core.classifier import DigitClassifier
from dgm_core.gan import Generator
from dgm_core.mixtures import Mixture
from dgm_core.targets import Banana, Moons, Ring
from dgm_core.vae import mlp_vae

META = torch.device("meta")


def test_mixtures_scores_and_walks_stay_on_their_device():
    pair = Mixture(*(torch.empty(shape, device=META) for shape in ((2, 2), (2,), (2,))))
    x, e = pair.sample((5,)), torch.empty(3, 5, 2, device=META)
    for result in (
        pair.log_prob(x),
        pair.part(1).noised(0.5, 0.5).score(x),
        *diffusion.exact_denoiser(pair)(x, x[:, 0]),
        energy.score_matching_loss(pair.score, x),
        energy.denoising_score_loss(pair.score, x, 0.1),
        energy.tweedie_covariance(pair.score, x, 0.1),
        energy.langevin(pair.score, x, 0.1, e),
        MADE(4).to(META).sample((2,)),
        PixelCNN(4, 8, 8, 1).to(META).sample((2,)),
        GreyPixelCNN(4, 4, 8, 1).to(META).sample((2,)),
    ):
        assert result.device == META


def test_the_meta_device_would_show_a_tensor_of_another():
    vae = mlp_vae().to(META)
    with pytest.raises((RuntimeError, NotImplementedError)):
        objectives.elbo(vae, torch.zeros(2, 784))


def test_everything_else_stays_on_its_device():
    vae = mlp_vae().to(META)
    images = torch.empty(9, 28, 28, dtype=torch.uint8, device=META)
    x = data.dequantize(images)
    z, plane = vae.prior.sample((9,)), mlp_vae(latent_dim=2, hidden=8).to(META)
    plan = annealing.plan_annealing(vae, x, annealing.inverse_temperatures(4), 2)
    grid = posterior.latent_grid(2, 5).to(x)
    line, ring = torch.linspace(-1, 1, 9, device=META), Ring()
    for result in (
        *data.mnist("test", META),
        *(tensor for part in data.mnist_splits(META) for tensor in part),
        data.binarize_once(images),
        vae.sample((3,)),
        estimators.importance_log_likelihood(vae, x, 5, chunk_size=7),
        estimators.effective_sample_size(objectives.log_weights(vae, x, 4)),
        estimators.importance_log_likelihood(vae, x, 5, 7, vae.prior.expand((9,))),
        plan.step_sizes,
        annealing.annealed_log_weights(vae, x, plan, 2),
        annealing.reversed_log_weights(vae, x, z, plan, 2),
        *annealing.sandwich(vae, 3, annealing.inverse_temperatures(2), 2),
        *posterior.posterior_on_grid(plane.decoder, x, grid),
        *posterior.divide_on_grid(grid.log_prior, torch.zeros(9, 25, device=META), grid),
        *evaluation.active_units(vae, x),
        evaluation.nearest_neighbours(x, x, k=2, chunk_size=4),
        divergences.jensen_shannon_by_quadrature(line, -line, line),
        divergences.game_value_by_quadrature(line, line, -line, line),
        DigitClassifier().to(META).features(x, chunk_size=4),
        DigitClassifier().to(META).classify(x),
        Generator().to(META).eval().sample((2, 3)),
        ring.log_prob(ring.sample((4,), device=META)),
        *ring.nearest(ring.centres(META)),
        *(t.log_prob(t.sample((4,), device=META)) for t in (Banana(), Moons())),
    ):
        assert result.device == META


def test_a_refitted_proposal_is_made_where_the_model_is():
    """On no device but the processor and meta can training be seen without a GPU; here again, the
    default is the odd one out.
    """
    vae, x = mlp_vae(latent_dim=2, hidden=8, num_pixels=9), torch.rand(5, 9).round()
    with META:
        q = proposals.refit_proposal(vae, x, steps=2)
        tuned = proposals.refit_encoder(vae, x, epochs=2)
    assert q.mean.device == q.stddev.device == x.device
    assert tuned.encoder(x).mean.device == x.device


def test_fit_makes_no_tensor_on_the_default_device(tmp_path):
    """Here the default is the odd one out: a tensor made without a device would be on meta."""
    images = torch.randint(256, (240, 28, 28), dtype=torch.uint8)
    vae = mlp_vae()

    def run(epochs):
        return training.fit(
            lambda x: -objectives.elbo(vae, x),
            vae.parameters(),
            data.batches(images, 8, epochs=4, transform=data.binarize),
            callback=lambda step: {"elbo": objectives.elbo(vae, data.binarize(images)).mean()},
            callback_every=40,
            checkpoint=tmp_path / "vae.pt",
        )

    with META:
        assert torch.zeros(()).device == META
        assert len(run(4).loss) == 120
        assert len(run(4).loss) == 120  # from the checkpoint
