"""On a grid nothing is estimated: the sums agree with closed forms, and with finer sums."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import iwae_bound_by_quadrature, ppca
from scipy import special
from torch.distributions import Independent, MultivariateNormal, Normal

from dgm_core import live
from dgm_core.posterior import (
    divide_on_grid,
    latent_grid,
    log_likelihood_on_grid,
    posterior_on_grid,
    weigh_grid,
)
from dgm_core.vae import mlp_vae


def sensor(z):
    """N(z^2, 0.4^2): two humps for every positive x."""
    return Independent(Normal(z**2, 0.4), 1)


def plane_vae(hidden=8, pixels=20):
    torch.manual_seed(0)
    vae = mlp_vae(2, hidden, pixels).double()
    with torch.no_grad():
        for weight in vae.decoder.parameters():
            weight.mul_(3)  # decided pixels, so that the posterior is narrow
    return vae


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_log_p_and_the_posterior_are_those_of_the_linear_model(latent_dim):
    torch.manual_seed(0)
    model = ppca(latent_dim, event_dim=3)
    x = model.marginal.sample((6,))
    grid = latent_grid(latent_dim, per_axis=161, limit=6.0).to(x)
    log_p, mass = posterior_on_grid(model.exact.decoder, x, grid)
    torch.testing.assert_close(log_p, model.marginal.log_prob(x), rtol=0, atol=1e-6)
    torch.testing.assert_close(mass.sum(1), torch.ones(6).to(x))
    exact = model.exact.encoder(x)
    mean = mass @ grid.points
    torch.testing.assert_close(mean, exact.mean.detach(), rtol=0, atol=1e-5)
    centred = grid.points - mean[:, None]  # (6, G, D)
    covariance = torch.einsum("bg,bgi,bgj->bij", mass, centred, centred)
    torch.testing.assert_close(
        covariance, exact.covariance_matrix.detach().expand_as(covariance), rtol=0, atol=1e-5
    )
    assert not log_p.requires_grad


def test_two_humps_have_the_closed_form_of_a_bessel_function():
    # The integral of exp(-a z^4 + b z^2) is (pi/2) sqrt(b/2a) e^(b^2/8a) [I_1/4 + I_-1/4](b^2/8a).
    x, a = 1.0, 1 / (2 * 0.4**2)
    b = 2 * a * x - 0.5
    t = b**2 / (8 * a)
    bessel = special.ive(0.25, t) + special.ive(-0.25, t)  # times e^-t
    integral = math.log(math.pi / 2 * math.sqrt(b / (2 * a)) * bessel) + 2 * t
    exact = integral - a * x**2 - math.log(2 * math.pi * 0.4)
    grid = latent_grid(1, per_axis=401).to(torch.zeros(1).double())
    log_p, mass = posterior_on_grid(sensor, torch.full((1, 1), x).double(), grid)
    assert log_p.item() == pytest.approx(exact, abs=1e-6)
    assert exact == pytest.approx(-1.2562976013792, abs=1e-12)
    torch.testing.assert_close(mass, mass.flip(1))


def test_finer_grids_agree_ever_better_where_the_decoder_has_kinks():
    vae = plane_vae()
    x = vae.sample((20,))
    log_p = [posterior_on_grid(vae.decoder, x, latent_grid(2, n).to(x)).log_p for n in (26, 201)]
    finest = posterior_on_grid(vae.decoder, x, latent_grid(2, 401).to(x)).log_p
    coarse, fine = ((value - finest).abs().mean().item() for value in log_p)
    assert coarse < 5e-3 and 20 < coarse / fine < 200  # ReLU: the distance squared, so about 64


def test_chunks_change_nothing():
    vae, grid = plane_vae(), latent_grid(2, 15)
    x = vae.sample((5,))
    whole = posterior_on_grid(vae.decoder, x, grid.to(x))
    for chunk_size in (1, 7, 100):
        part = posterior_on_grid(vae.decoder, x, grid.to(x), chunk_size)
        torch.testing.assert_close(part, whole)


def test_the_elbo_on_a_grid_is_the_one_of_quadrature_and_the_gap_a_closed_form():
    torch.manual_seed(0)
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    x = model.marginal.sample((1,))
    grid = latent_grid(1, per_axis=1001, limit=9.0).to(x)
    q = model.rough.encoder(x)
    log_q = q.log_prob(grid.points)  # (G,)
    log_lik = log_likelihood_on_grid(model.rough.decoder, x, grid)
    elbo, gap = divide_on_grid(log_q, log_lik, grid)
    expected = iwae_bound_by_quadrature(model, x, 1)
    torch.testing.assert_close(elbo[0].detach(), expected.detach(), rtol=0, atol=1e-5)
    full = MultivariateNormal(q.mean, torch.diag_embed(q.variance))
    closed = torch.distributions.kl_divergence(full, model.exact.encoder(x))
    torch.testing.assert_close(gap.detach(), closed.detach(), rtol=0, atol=1e-5)


@given(st.integers(0, 1000), st.integers(2, 30), st.integers(1, 2))
def test_elbo_and_gap_add_up_to_log_p_on_any_grid(seed, per_axis, latent_dim):
    torch.manual_seed(seed)
    grid = latent_grid(latent_dim, per_axis).to(torch.zeros(1).double())
    log_q, log_lik = 5 * torch.randn(2, 3, len(grid.points)).double()
    elbo, gap = divide_on_grid(log_q, log_lik, grid)
    log_p, mass = weigh_grid(log_lik, grid)
    torch.testing.assert_close(elbo + gap, log_p)
    assert (gap > 0).all()
    at_the_posterior = divide_on_grid(mass.log(), log_lik, grid)
    torch.testing.assert_close(at_the_posterior.gap, torch.zeros(3).double())
    torch.testing.assert_close(at_the_posterior.elbo, log_p)


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_the_grid_covers_the_prior_and_the_second_axis_runs_first(latent_dim):
    grid = latent_grid(latent_dim, per_axis=51)
    assert grid.log_prior.exp().sum().item() == pytest.approx(1, abs=2e-6)
    map_ = grid.points.view(*[51] * latent_dim, latent_dim)
    assert (map_[..., -1].diff(dim=-1) > 0).all()
    assert grid.points.abs().max() == 5 and grid.points.dtype == torch.float32


@pytest.mark.parametrize(("latent_dim", "per_axis"), [(0, 9), (3, 9), (1, 1)])
def test_grids_that_cannot_be_are_refused(latent_dim, per_axis):
    with pytest.raises(ValueError, match=r"latent_dim is .* per_axis is"):
        latent_grid(latent_dim, per_axis)


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(ValueError, match="chunk_size is 0"):
        posterior_on_grid(sensor, torch.ones(1, 1), latent_grid(1, 9), chunk_size=0)


def test_a_live_figure_can_show_posterior_and_division():
    """The export compares what a browser would compute with PyTorch, and raises if they differ."""
    vae = plane_vae().float().requires_grad_(False)
    grid = latent_grid(2, per_axis=15)
    logits = vae.decoder.net(grid.points)  # (225, 20), a table
    offset = torch.nn.functional.softplus(logits).sum(1)

    def look(pixels, mean):
        log_lik = logits @ pixels - offset
        log_q = -0.5 * ((grid.points - mean) / 0.5).square().sum(1)
        log_p, mass = weigh_grid(log_lik, grid)
        elbo, gap = divide_on_grid(log_q, log_lik, grid)
        return {"log_p": log_p, "mass": mass, "elbo": elbo, "gap": gap}

    x = vae.sample(())
    graph = live.Graph(look, {"pixels": x.numpy(), "mean": [0.5, -0.5]})
    log_p, mass = posterior_on_grid(vae.decoder, x[None], grid)
    found = {name: torch.from_numpy(value) for name, value in graph.outputs.items()}
    torch.testing.assert_close(found["mass"], mass[0])
    torch.testing.assert_close(found["log_p"], log_p[0])
    torch.testing.assert_close(found["elbo"] + found["gap"], log_p[0])
