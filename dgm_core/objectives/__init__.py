"""What a model is trained on: free functions of model and data, one value per example, in nats."""

from dgm_core.objectives.bits import bits_per_dim
from dgm_core.objectives.bounds import distortion_and_rate, elbo, free_bits, iwae_bound
from dgm_core.objectives.game import (
    discriminator_loss,
    game_value,
    minimax_generator_loss,
    nonsaturating_generator_loss,
)
from dgm_core.objectives.spread import spread_elbo
from dgm_core.objectives.weights import log_mean_exp, log_weights

__all__ = [
    "bits_per_dim",
    "discriminator_loss",
    "distortion_and_rate",
    "elbo",
    "free_bits",
    "game_value",
    "iwae_bound",
    "log_mean_exp",
    "log_weights",
    "minimax_generator_loss",
    "nonsaturating_generator_loss",
    "spread_elbo",
]
