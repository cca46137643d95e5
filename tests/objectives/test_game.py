"""The losses of a GAN to the last digits, with gradients that stay finite."""

import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dgm_core.objectives import (
    discriminator_loss,
    game_value,
    minimax_generator_loss,
    nonsaturating_generator_loss,
)

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
