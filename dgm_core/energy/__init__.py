"""Scores and energies: learning a gradient where neither p nor its constant can be computed.

A score is a function from points, (B, D), to the gradient of log p there, (B, D).
"""

from dgm_core.energy.matching import (
    denoising_score_floor,
    denoising_score_loss,
    fisher_loss,
    score_matching_loss,
    score_of,
)
from dgm_core.energy.tweedie import tweedie_covariance, tweedie_mean
from dgm_core.energy.walk import langevin, langevin_variance

__all__ = [
    "denoising_score_floor",
    "denoising_score_loss",
    "fisher_loss",
    "langevin",
    "langevin_variance",
    "score_matching_loss",
    "score_of",
    "tweedie_covariance",
    "tweedie_mean",
]
