"""A refitted proposal closes the encoder's part of the gap, and leaves the model alone."""

import copy

import pytest
import torch
from oracles import ppca
from torch.distributions import MultivariateNormal, kl_divergence

from dgm_core.estimators import importance_log_likelihood, mean_and_standard_error
from dgm_core.objectives import elbo, log_weights
from dgm_core.proposals import refit_encoder, refit_proposal
from dgm_core.vae import linear_vae, mlp_vae


def best_widths(model):
    """Widths of the diagonal normal with the least KL from itself to a normal posterior.

    They are one over the roots of the diagonal of the precision, and the mean is the posterior's.
    """
    weight, scale = model.exact.decoder.weight, model.exact.decoder.scale
    precision = torch.eye(weight.shape[1]).double() + weight.T / scale**2 @ weight
    return precision.diag().rsqrt().detach()


def test_with_one_draw_the_proposal_becomes_the_diagonal_normal_nearest_to_the_posterior():
    torch.manual_seed(0)
    model = ppca(latent_dim=3)
    x = model.marginal.sample((4,))
    q = refit_proposal(model.rough, x, steps=3000, num_samples=1, learning_rate=0.05)
    expected = model.exact.encoder(x).mean.detach()
    torch.testing.assert_close(q.mean, expected, rtol=0, atol=0.05)
    torch.testing.assert_close(q.stddev, best_widths(model).expand(4, 3), rtol=0.05, atol=0)


def test_with_more_draws_the_proposal_is_wider_and_its_weights_vary_less():
    torch.manual_seed(0)
    model = ppca(latent_dim=3)
    x = model.marginal.sample((20,))
    narrow, wide = (refit_proposal(model.rough, x, 1500, num_samples=k) for k in (1, 8))
    assert (wide.stddev.log() - narrow.stddev.log()).mean() > 0.05
    variances = [log_weights(model.rough, x, 4000, proposal=q).exp() for q in (narrow, wide)]
    narrow_ess, wide_ess = (w.sum(0) ** 2 / w.square().sum(0) for w in variances)
    mean, error = mean_and_standard_error(wide_ess - narrow_ess)
    assert mean > 5 * error


def test_a_likelihood_is_about_the_model_again_whatever_encoder_it_came_with():
    """Two models that differ in their encoders alone get one likelihood, with refitting."""
    torch.manual_seed(0)
    model = ppca(latent_dim=2)
    x = model.marginal.sample((100,))
    with torch.no_grad():
        model.rough.encoder.scale.fill_(0.05)  # far too sure of itself
    log_p = model.marginal.log_prob(x)
    own = importance_log_likelihood(model.rough, x, 100)
    q = refit_proposal(model.rough, x, steps=500, num_samples=8)
    refitted = importance_log_likelihood(model.rough, x, 100, proposal=q)
    assert (log_p - own).mean() > 1
    mean, error = mean_and_standard_error(log_p - refitted)
    assert abs(mean) < max(5 * error, 0.05)


def test_chunks_are_fitted_each_to_its_own_examples():
    torch.manual_seed(0)
    model = ppca(latent_dim=2)
    x = model.marginal.sample((7,))
    q = refit_proposal(model.rough, x, steps=600, num_samples=1, chunk_size=3)
    assert q.batch_shape == (7,)
    torch.testing.assert_close(q.mean, model.exact.encoder(x).mean.detach(), rtol=0, atol=0.1)


def test_an_encoder_is_refitted_on_the_examples_and_its_bound_rises_to_the_best_of_its_kind():
    torch.manual_seed(0)
    model = ppca(latent_dim=2)
    x = model.marginal.sample((256,))
    tuned = refit_encoder(model.rough, x, epochs=600, batch_size=64, learning_rate=0.02)
    best = MultivariateNormal(model.exact.encoder(x).mean, best_widths(model).square().diag())
    gap = kl_divergence(best, model.exact.encoder(x)).mean().item()  # linear: it can be reached
    bound, error = mean_and_standard_error(elbo(tuned, x, 2000) - model.marginal.log_prob(x))
    assert bound == pytest.approx(-gap, abs=max(5 * error, 0.02))


def test_nothing_of_the_model_changes():
    vae = mlp_vae(latent_dim=2, hidden=8, num_pixels=9)
    before = copy.deepcopy(vae.state_dict())
    x = torch.rand(10, 9).round()
    refit_proposal(vae, x, steps=3)
    tuned = refit_encoder(vae, x, epochs=3)
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in vae.parameters())
    assert not torch.equal(tuned.encoder.net.mean.weight, vae.encoder.net.mean.weight)


def test_an_encoder_with_nothing_to_train_is_refused():
    exact = linear_vae(torch.ones(3, 1), torch.zeros(3), torch.ones(3))
    with pytest.raises(ValueError, match="nothing of its own to train"):
        refit_encoder(exact, torch.zeros(4, 3))
