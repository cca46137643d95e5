"""Score matching against closed forms and quadrature."""

import pytest
import torch
from oracles import assert_mean_is, legendre_nodes, normal_nodes
from torch.testing import assert_close

from dgm_core import energy
from dgm_core.mixtures import Mixture
from dgm_core.nets import mlp

PAIR = Mixture(
    torch.tensor([[-1.0, 0.5], [1.5, 0.0]], dtype=torch.float64),
    torch.tensor([0.2, 0.5], dtype=torch.float64),
    torch.tensor([0.3, 0.7], dtype=torch.float64),
)


def network(dims=2):
    torch.manual_seed(1)
    return mlp([dims, 8, dims], torch.nn.Tanh).double()


def two_modes(distance: float, weight: float) -> Mixture:
    return Mixture(
        torch.tensor([[-distance / 2], [distance / 2]], dtype=torch.float64),
        torch.ones(2, dtype=torch.float64),
        torch.tensor([weight, 1 - weight], dtype=torch.float64),
    )


def test_the_constant_of_an_energy_has_no_say_in_its_score():
    x = torch.randn(5, 2, dtype=torch.float64)
    for constant in (0.0, 1e3):
        score = energy.score_of(lambda x, c=constant: c - PAIR.log_prob(x))
        assert_close(score(x), PAIR.score(x))


def test_hyvarinens_loss_is_the_explicit_one_less_a_constant():
    """By quadrature in one dimension, for a score that is wrong everywhere."""
    one, wrong = two_modes(2.0, 0.3), network(1)
    x, weights = legendre_nodes(400, -12, 12)
    mass = weights * one.log_prob(x[:, None]).exp()
    x = x[:, None]
    explicit = mass @ energy.fisher_loss(wrong, one.score, x)
    implicit = mass @ energy.score_matching_loss(wrong, x)
    assert_close(implicit, explicit - 0.5 * mass @ one.score(x).square().sum(1))


def test_without_a_density_that_decays_hyvarinens_identity_fails():
    """Uniform on [0, 1]: the true score is 0, s(x) = -x is wrong, and its loss is lower than 0."""
    x, weights = legendre_nodes(50, 0, 1)
    assert weights @ energy.score_matching_loss(lambda x: -x, x[:, None]) < -0.5
    assert weights @ energy.fisher_loss(lambda x: -x, lambda x: 0 * x, x[:, None]) > 0.1


def test_denoising_is_explicit_matching_of_the_noised_density_plus_its_floor():
    """By quadrature over data and noise; the floor needs a single draw of the noise."""
    data, scale, wrong = two_modes(2.0, 0.3), 0.6, network(1)
    noised = data.noised(1.0, scale)
    points, weights = normal_nodes(80)
    x = (data.means + points).flatten()
    mass = (data.weights[:, None] * weights).flatten()
    x, e = (part.flatten()[:, None] for part in torch.meshgrid(x, points, indexing="ij"))
    mass = (mass[:, None] * weights).flatten()
    denoising = mass @ energy.denoising_score_loss(wrong, x, scale, e)
    explicit = mass @ energy.fisher_loss(wrong, noised.score, x + scale * e)
    floor = mass @ energy.denoising_score_floor(noised.score, x + scale * e, scale)
    assert_close(denoising, explicit + floor)
    exact = mass @ energy.denoising_score_loss(noised.score, x, scale, e)
    assert_close(exact, floor)


def test_the_floor_of_a_normal_is_in_closed_form():
    """Half of 1 / s^2 - 1 / (1 + s^2) a dimension: at s = .01 a loss of 4,999.5 is perfect."""
    torch.manual_seed(0)
    x = torch.randn(40_000, 2, dtype=torch.float64)
    losses = energy.denoising_score_loss(lambda z: -z / 1.0001, x, 0.01)
    expected = 2 * 0.5 * (1e4 - 1 / 1.0001)
    assert expected == pytest.approx(2 * 4999.5, abs=0.1)
    assert_mean_is(losses, expected)


@pytest.mark.parametrize(
    "distance, kl, half_fisher",
    [
        (2, 0.246, 0.171),
        (4, 0.467, 0.100),
        (6, 0.508, 0.0131),
        (8, 0.511, 5.4e-4),
        (10, 0.511, 7.6e-6),
    ],
)
def test_a_score_cannot_count(distance, kl, half_fisher):
    """Weights .5 against .9: the farther apart the modes, the less their scores differ."""
    truth, model = two_modes(distance, 0.5), two_modes(distance, 0.9)
    x, weights = legendre_nodes(1200, -18, 18)
    x = x[:, None]
    mass = weights * truth.log_prob(x).exp()
    assert (mass @ (truth.log_prob(x) - model.log_prob(x))).item() == pytest.approx(kl, abs=6e-4)
    found = (mass @ energy.fisher_loss(model.score, truth.score, x)).item()
    assert found == pytest.approx(half_fisher, rel=0.01)
