"""Guidance: three answers to one weight, in closed form and by following the guided score."""

import math
from itertools import pairwise

import pytest
import torch
from oracles import legendre_nodes, normal_nodes
from torch.testing import assert_close

from dgm_core.diffusion import (
    ancestral,
    ddim,
    exact_denoiser,
    guided,
    guided_normal,
    score_of_denoised,
    squared_errors,
    variance_preserving,
)
from dgm_core.mixtures import Mixture

WEIGHTS = [0.0, 0.5, 1.0, 2.0, 3.0]


def normal(variance):
    return Mixture(
        torch.zeros(1, 1).double(), torch.tensor([variance]).double(), torch.ones(1).double()
    )


def model(weight):
    return guided(exact_denoiser(normal(2.0)), exact_denoiser(normal(1.0)), weight)


def test_the_three_answers_in_closed_form():
    for weight in WEIGHTS:
        tilted, ode, sde = guided_normal(weight)
        assert tilted == pytest.approx(2 / (1 + weight))
        assert ode == pytest.approx(2 ** (1 - weight))
        if weight != 0.5:
            assert sde == pytest.approx((2 - 2 ** (2 - 2 * weight)) / (2 * weight - 1))
    assert guided_normal(3.0) == pytest.approx((0.5, 0.25, 0.3875))
    assert guided_normal(0.5).sde == pytest.approx(guided_normal(0.5 + 1e-6).sde, rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_without_guidance_all_three_agree(weight):
    for variances in ((2.0, 1.0), (5.0, 0.3)):
        answers = guided_normal(weight, *variances)
        assert answers == pytest.approx([variances[int(weight)]] * 3)


def variances_of_the_ode(steps):
    """Return the variance at the end for each of WEIGHTS: the map takes 1 to its root."""
    weights = torch.tensor(WEIGHTS).double()[:, None]
    end = ddim(model(weights), torch.ones(5, 1).double(), torch.linspace(-16, 16, steps + 1))
    return end.square().flatten()


def test_the_ode_ends_in_its_answer():
    """Half the step halves the error, so that two numbers of steps tell where it is none."""
    found = 2 * variances_of_the_ode(400) - variances_of_the_ode(200)
    expected = [guided_normal(weight).ode for weight in WEIGHTS]
    assert found.tolist() == pytest.approx(expected, rel=0.01)


def variances_of_the_sde(steps):
    """Return the variance at the end for each of WEIGHTS, exactly: the map is linear.

    For each weight one example begins at 1 without noise, and one begins at 0 and meets 1 in a
    single step, for each step. One more, of random numbers, has to be the sum of its parts.
    """
    torch.manual_seed(0)
    ones = torch.eye(steps + 1).double()
    parts = torch.cat([ones, torch.randn(1, steps + 1).double()])
    begin, *noise = parts.repeat(len(WEIGHTS), 1).T[..., None]
    weights = torch.tensor(WEIGHTS).double().repeat_interleave(len(parts))[:, None]
    levels = torch.linspace(-14, 14, steps + 1)
    end = ancestral(model(weights), begin, levels, torch.stack(noise)).view(len(WEIGHTS), -1)
    assert_close(end[:, -1], end[:, :-1] @ parts[-1])
    return end[:, :-1].square().sum(1)


def test_the_sde_ends_in_its_answer():
    found = 2 * variances_of_the_sde(200) - variances_of_the_sde(100)
    expected = [guided_normal(weight).sde for weight in WEIGHTS]
    assert found.tolist() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("variances", [(2.0, 1.0), (3.0, 0.4)])
def test_the_closed_form_of_the_sde_solves_its_equation(variances):
    """P' = 2 h P - 1 along the noise tau, h the guided precision, from far out down to 0."""
    weight, (wide, narrow) = 2.5, variances
    tau = torch.logspace(6, -6, 40_001, dtype=torch.float64)
    steps, tau = tau.log().diff().tolist(), tau.tolist()
    variance = tau[0]

    def slope(variance, tau):
        h = (1 - weight) / (wide + tau) + weight / (narrow + tau)
        return (2 * h * variance - 1) * tau

    for (here, there), step in zip(pairwise(tau), steps, strict=True):
        first = slope(variance, here)
        second = slope(variance + step * first, there)
        variance += 0.5 * step * (first + second)
    assert variance == pytest.approx(guided_normal(weight, wide, narrow).sde, rel=1e-3)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_guided_score_is_the_tilted_mixture_of_scores(weight):
    pair = Mixture(
        torch.tensor([[-1.0], [1.0]]).double(),
        torch.tensor([0.2, 0.4]).double(),
        torch.tensor([0.3, 0.7]).double(),
    )
    z = torch.linspace(-2, 2, 5).double()[:, None]
    at = torch.full((5,), 0.7).double()
    a, s = (level[0].item() for level in variance_preserving(at))
    given = pair.part(1)
    expected = (1 - weight) * pair.noised(a, s).score(z) + weight * given.noised(a, s).score(z)
    both = guided(exact_denoiser(pair), exact_denoiser(given), weight)(z, at)
    assert_close(score_of_denoised(both, at), expected)
    assert_close(a * both.data + s * both.noise, z)


def test_a_weight_of_one_gives_the_conditional():
    """A mistake: another convention, (1 + w) s_y - w s_0, gives it at w = 0."""
    z, at = torch.randn(5, 1).double(), torch.zeros(5).double()
    for found, expected in zip(model(1.0)(z, at), exact_denoiser(normal(1.0))(z, at), strict=True):
        assert_close(found, expected)
    assert not torch.allclose(model(0.0)(z, at).data, exact_denoiser(normal(1.0))(z, at).data)


def test_the_area_between_the_two_curves_is_the_information_of_the_label():
    """Ten balanced classes that never overlap: log 10 = 2.303 nats."""
    means = torch.arange(10).double()[:, None] * 4
    whole = Mixture(means, torch.full((10,), 0.01).double(), torch.full((10,), 0.1).double())
    (log_snrs, steps), (nodes, weights) = legendre_nodes(60, -14, 6), normal_nodes(40)
    inner, inner_weights = normal_nodes(6)
    area = 0.0
    for label in range(10):
        parts = torch.meshgrid(log_snrs, means[label] + 0.1 * inner, nodes, indexing="ij")
        level, x, e = (part.flatten() for part in parts)
        mass = torch.einsum("i,j,k->ijk", steps, inner_weights, weights).flatten()
        without, given = (
            squared_errors(exact_denoiser(data), x[:, None], level, e[:, None]).noise
            for data in (whole, whole.part(label))
        )
        area += 0.1 * 0.5 * mass @ (without - given)
    assert area.item() == pytest.approx(math.log(10), abs=2e-3)


def test_variances_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="the first is larger"):
        guided_normal(1.0, 1.0, 2.0)
    with pytest.raises(ValueError, match="is no density"):
        guided_normal(-3.0)
