import math
from contextlib import suppress

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_mean_is, iwae_bound_by_quadrature, ppca
from torch.distributions import Independent, Normal, kl_divergence

from dgm_core.data import batches
from dgm_core.evaluation import prior_gap
from dgm_core.objectives import (
    discriminator_loss,
    distortion_and_rate,
    elbo,
    free_bits,
    game_value,
    iwae_bound,
    log_weights,
    minimax_generator_loss,
    nonsaturating_generator_loss,
    spread_elbo,
)
from dgm_core.training import fit
from dgm_core.vae import linear_vae, mlp_vae

seeds = st.integers(0, 2**31)


@settings(max_examples=20)
@given(seeds, st.integers(1, 4), st.integers(1, 6), st.integers(1, 5))
def test_at_the_true_posterior_every_weight_and_bound_is_log_p(seed, latent, event, num_samples):
    model = ppca(latent, event, seed % 1000)
    torch.manual_seed(seed)
    x = model.marginal.sample((7,))
    log_p = model.marginal.log_prob(x)
    weights = log_weights(model.exact, x, num_samples)
    torch.testing.assert_close(weights, log_p.expand(num_samples, 7))
    torch.testing.assert_close(iwae_bound(model.exact, x, num_samples), log_p)
    # No closed form for the KL here, so both terms come from the same samples.
    torch.testing.assert_close(elbo(model.exact, x, num_samples), log_p)


def test_the_oracle_agrees_with_itself():
    model = ppca()
    x = model.marginal.sample((4,))
    q = model.rough.encoder(x)
    q = torch.distributions.MultivariateNormal(q.mean, torch.diag_embed(q.variance))
    gap = kl_divergence(q, model.exact.encoder(x))
    torch.testing.assert_close(model.rough_elbo(x) + gap, model.marginal.log_prob(x))


def test_the_elbo_estimate_is_unbiased():
    torch.manual_seed(0)
    model = ppca()
    x = model.marginal.sample((4,))
    draws = elbo(model.rough, x.repeat(20_000, 1), num_samples=2)
    assert draws.shape == (80_000,)
    assert_mean_is(draws.view(20_000, 4).detach(), model.rough_elbo(x).detach())


def test_many_samples_come_nearer_to_the_elbo():
    torch.manual_seed(0)
    model = ppca()
    x = model.marginal.sample((200,))
    errors = [(elbo(model.rough, x, s) - model.rough_elbo(x)).std().item() for s in (1, 100)]
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.3)


def test_the_gradient_of_the_elbo_is_that_of_its_closed_form():
    torch.manual_seed(0)
    model = ppca()
    x = model.marginal.sample((4,))
    parameters = [*model.rough.encoder.parameters(), *model.rough.decoder.parameters()]
    expected = torch.autograd.grad(model.rough_elbo(x).sum(), parameters)
    estimate = torch.autograd.grad(elbo(model.rough, x, 200_000).sum(), parameters)
    for found, truth in zip(estimate, expected, strict=True):
        torch.testing.assert_close(found, truth, rtol=0.02, atol=0.02 * truth.abs().max().item())


def test_the_rate_is_the_closed_form_of_two_gaussians():
    vae = mlp_vae(latent_dim=3, hidden=8, num_pixels=9).double()
    x = torch.rand(5, 9, dtype=torch.float64)
    q = vae.encoder(x)
    expected = 0.5 * (q.variance + q.mean**2 - 1 - q.variance.log()).sum(1)
    torch.testing.assert_close(distortion_and_rate(vae, x)[1], expected)


def test_the_distortion_is_the_negative_log_likelihood_summed_over_pixels():
    vae = mlp_vae(latent_dim=3, hidden=8, num_pixels=9).double()
    with torch.no_grad():
        vae.decoder.net[-1].weight.zero_()  # now p(x|z) is the same for every z
    logits = vae.decoder.net[-1].bias
    x = torch.bernoulli(torch.full((5, 9), 0.5, dtype=torch.float64))
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        logits.expand(5, 9), x, reduction="none"
    ).sum(1)
    torch.testing.assert_close(distortion_and_rate(vae, x, 3)[0], expected)


@given(st.floats(0, 10), seeds)
def test_beta_weighs_the_rate_and_nothing_else(beta, seed):
    model = ppca()
    x = model.marginal.sample((4,))
    torch.manual_seed(seed)
    distortion, rate = distortion_and_rate(model.rough, x, 2)
    torch.manual_seed(seed)
    torch.testing.assert_close(elbo(model.rough, x, 2, beta), -distortion - beta * rate)


def test_a_beta_that_is_a_tensor_may_change_under_the_objective():
    model, beta = ppca(), torch.zeros(()).double()
    x = model.marginal.sample((4,))
    for value in (0.0, 0.3, 1.0):
        beta.fill_(value)
        torch.manual_seed(0)
        found = elbo(model.rough, x, 2, beta)
        torch.manual_seed(0)
        torch.testing.assert_close(found, elbo(model.rough, x, 2, value))


def test_an_annealed_beta_goes_on_from_a_checkpoint(tmp_path):
    def run(steps):
        """Weights after `steps` of 8, and the betas that the loss has seen."""
        torch.manual_seed(0)
        vae, beta, seen = mlp_vae(2, 4, 9), torch.zeros(()), []

        def loss(x):
            seen.append(round(beta.item(), 4))
            if len(seen) > steps:
                raise KeyboardInterrupt
            return -elbo(vae, x, beta=beta)

        plan = batches(torch.ones(8, 9), batch_size=2, epochs=2)
        options = {"buffers": [beta], "after_step": lambda: beta.add_(0.2).clamp_(max=1)}
        options |= {"checkpoint": tmp_path / "vae.pt", "checkpoint_every": 1}
        with suppress(KeyboardInterrupt):
            fit(loss, vae.parameters(), plan, progress=False, **options)
        return seen

    assert run(3) == [0.0, 0.2, 0.4, 0.6]
    assert run(8) == [0.6, 0.8, 1.0, 1.0, 1.0]


def test_weights_may_come_from_another_proposal():
    torch.manual_seed(0)
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    x = model.marginal.sample((4,))
    exact = model.exact.encoder(x)
    q = Independent(Normal(exact.mean, exact.stddev), 1)  # one dimension: the posterior itself
    found = log_weights(model.rough, x, 3, proposal=q)
    torch.testing.assert_close(found, model.marginal.log_prob(x).expand(3, 4))


def test_free_bits_are_the_elbo_where_every_dimension_pays_more():
    vae = mlp_vae(latent_dim=3, hidden=8, num_pixels=9).double()
    x, noise = torch.rand(5, 9).double().round(), torch.randn(2, 5, 3).double()
    torch.testing.assert_close(free_bits(vae, x, 0.0, 2, noise), elbo(vae, x, 2, noise=noise))


def test_free_bits_charge_what_is_above_the_allowance_by_hand():
    # Means 2, 1, 0 and no width but the prior's: rates 2, 1/2, 0 nats, by half the square.
    q = Independent(Normal(torch.tensor([[3.0, 1.0, 0.0], [1.0, 1.0, 0.0]]), torch.ones(2, 3)), 1)
    vae = mlp_vae(latent_dim=3, hidden=8, num_pixels=9)
    vae.encoder = Constant(q)
    x, noise = torch.ones(2, 9), torch.randn(1, 2, 3)
    without = elbo(vae, x, beta=0.0, noise=noise)
    # The first dimension has 4.5 and 0.5, 2.5 on average; the second 0.5; the third nothing.
    paid = without - free_bits(vae, x, 1.0, noise=noise)
    torch.testing.assert_close(paid, torch.tensor([4.5 + 1 + 1, 0.5 + 1 + 1]))
    paid = without - free_bits(vae, x, 0.25, noise=noise)
    torch.testing.assert_close(paid, torch.tensor([4.5 + 0.5 + 0.25, 0.5 + 0.5 + 0.25]))
    assert paid.mean().item() == pytest.approx(2.5 + 0.5 + 0.25)


def test_a_dimension_below_its_allowance_has_no_gradient_of_its_rate():
    mean = torch.tensor([[3.0, 0.1], [1.0, 0.1]], requires_grad=True)
    vae = mlp_vae(latent_dim=2, hidden=8, num_pixels=9)
    vae.encoder = Constant(Independent(Normal(mean, torch.ones(2, 2)), 1))
    x, noise = torch.ones(2, 9), torch.randn(1, 2, 2)
    of_rate = elbo(vae, x, beta=0.0, noise=noise) - free_bits(vae, x, 1.0, noise=noise)
    (gradient,) = torch.autograd.grad(of_rate.sum(), mean)
    torch.testing.assert_close(gradient, torch.tensor([[3.0, 0.0], [1.0, 0.0]]))


def test_a_negative_allowance_is_refused():
    with pytest.raises(ValueError, match="at least 0 nats"):
        free_bits(mlp_vae(2, 8, 9), torch.ones(2, 9), -0.1)


class Constant(torch.nn.Module):
    """An encoder that says the same whatever it sees."""

    def __init__(self, q):
        super().__init__()
        self.q = q

    def forward(self, x):
        return self.q


@pytest.mark.parametrize("num_samples", [1, 2, 3])
def test_the_iwae_bound_and_its_gradient_are_what_quadrature_says(num_samples):
    torch.manual_seed(0)
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    x = model.marginal.sample((1,))
    expected = iwae_bound_by_quadrature(model, x, num_samples)
    many = x.expand(100_000, 2)
    found = iwae_bound(model.rough, many, num_samples)
    assert_mean_is(found.detach(), expected.detach())

    parameters = [*model.rough.encoder.parameters(), *model.rough.decoder.parameters()]
    estimate = torch.autograd.grad(found.mean(), parameters)
    truth = torch.autograd.grad(expected, parameters)
    for one, two in zip(estimate, truth, strict=True):
        torch.testing.assert_close(one, two, rtol=0.02, atol=0.02 * two.abs().max().item())


def test_iwae_bounds_rise_with_k_from_the_elbo_towards_log_p():
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    torch.manual_seed(0)
    x = model.marginal.sample((1,))
    bounds = [model.rough_elbo(x).item()]
    bounds += [iwae_bound_by_quadrature(model, x, k).item() for k in (1, 2, 3)]
    log_p = model.marginal.log_prob(x).item()
    assert math.isclose(bounds[0], bounds[1], rel_tol=1e-9)
    assert bounds[1] < bounds[2] < bounds[3] < log_p


def test_examples_do_not_see_each_other():
    model = ppca()
    x = model.marginal.sample((6,))
    for objective in (elbo, iwae_bound):
        whole = objective(model.exact, x, 2)
        single = torch.cat([objective(model.exact, row[None], 2) for row in x])
        torch.testing.assert_close(whole, single)


def test_the_iwae_bound_trains_both_networks():
    vae = mlp_vae(latent_dim=3, hidden=8, num_pixels=9)
    iwae_bound(vae, torch.bernoulli(torch.full((5, 9), 0.5)), 4).mean().backward()
    assert all(p.grad.abs().sum() > 0 for p in vae.parameters())


finite = st.floats(-1e4, 1e4)


@given(finite, finite)
def test_gan_losses_are_logarithms_of_the_sigmoid_to_the_last_digits(real, fake):
    def log_sigmoid(logit):  # where 60 digits lose the 1 beside exp(-logit), log1p is -logit
        with mpmath.workdps(60):
            return float(-mpmath.log1p(mpmath.exp(-mpmath.mpf(logit))))

    a, b = torch.tensor([[real], [fake]], dtype=torch.float64)
    value = log_sigmoid(real) + log_sigmoid(-fake)
    for found, expected in (
        (game_value(a, b), value),
        (discriminator_loss(a, b), -value),
        (minimax_generator_loss(b), log_sigmoid(-fake)),
        (nonsaturating_generator_loss(b), -log_sigmoid(fake)),
    ):
        assert found.shape == (1,)
        assert found.item() == pytest.approx(expected, rel=1e-14, abs=1e-300)


def test_gan_losses_and_their_gradients_stay_finite_for_huge_logits():
    logits = torch.tensor([-1e30, -1e4, -100.0, 0.0, 100.0, 1e4, 1e30], requires_grad=True)
    for loss in (
        discriminator_loss(logits, logits.flip(0)),
        minimax_generator_loss(logits),
        nonsaturating_generator_loss(logits),
    ):
        assert loss.isfinite().all()
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert gradient.isfinite().all()


@given(st.floats(-30, 30))
def test_the_generators_gradients_are_minus_d_and_minus_one_minus_d(logit):
    a = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    (minimax,) = torch.autograd.grad(minimax_generator_loss(a).sum(), a)
    (nonsaturating,) = torch.autograd.grad(nonsaturating_generator_loss(a).sum(), a)
    torch.testing.assert_close(minimax, -a.detach().sigmoid())
    torch.testing.assert_close(nonsaturating, -(-a.detach()).sigmoid())


def test_a_discriminator_that_knows_nothing_is_worth_minus_log_4():
    zeros = torch.zeros(3, dtype=torch.float64)
    torch.testing.assert_close(game_value(zeros, zeros), zeros - math.log(4))


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_the_same_noise_gives_the_numbers_of_a_seed(kind):
    torch.manual_seed(0)
    vae = (
        mlp_vae(3, 8, 6)
        if kind == "diagonal"
        else linear_vae(torch.randn(6, 3), *torch.ones(2, 6))
    )
    x = torch.rand(5, 6).round()
    for objective in (log_weights, distortion_and_rate, elbo, iwae_bound):
        torch.manual_seed(1)
        drawn = objective(vae, x, 4)
        torch.manual_seed(1)
        given = objective(vae, x, 4, noise=torch.randn(4, 5, 3))
        torch.testing.assert_close(drawn, given)
    with pytest.raises(ValueError, match=r"noise is \(1, 5, 3\); 4 draws take \(4, 5, 3\)"):
        elbo(vae, x, 4, noise=torch.randn(1, 5, 3))


def test_a_spread_bound_of_weight_one_is_the_elbos_estimate():
    torch.manual_seed(0)
    model = ppca()
    x = model.marginal.sample((6,))
    noise = torch.randn(1, 6, 3, dtype=torch.float64)
    torch.manual_seed(1)
    found = spread_elbo(model.rough, x, 100, weight=1.0)
    torch.manual_seed(1)
    z = model.rough.encoder(x).rsample()
    noise = ((z - model.rough.encoder(x).mean) / model.rough.encoder(x).stddev)[None]
    torch.testing.assert_close(found, log_weights(model.rough, x, 1, noise)[0])


def test_a_spread_bound_loses_the_gap_between_codes_and_prior_as_often_as_it_weighs():
    """With the whole data as its batch, the mixture of posteriors is summed up in full."""
    torch.manual_seed(0)
    model = ppca()
    x = 3 + model.marginal.sample((50,))
    bounds = []
    for weight in (1.0, 4.0):
        torch.manual_seed(1)
        bounds.append(spread_elbo(model.rough, x, 50, weight).mean())
    torch.manual_seed(1)
    gap = prior_gap(model.rough, x)
    torch.testing.assert_close(bounds[0] - bounds[1], 3 * gap)


@pytest.mark.parametrize(("batch", "data"), [(1, 10), (4, 3)])
def test_a_spread_bound_wants_other_examples(batch, data):
    model = ppca()
    with pytest.raises(ValueError, match="at least 2 of them"):
        spread_elbo(model.rough, model.marginal.sample((batch,)), data, weight=2.0)
