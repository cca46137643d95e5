"""Annealed importance sampling: log p(x) from below, and from above where the model made x.

A walk of Metropolis-corrected Hamiltonian steps leads from an easy distribution of z to p(x, z),
in small steps of an inverse temperature, and collects an importance weight on the way. Nothing of
it depends on how good an encoder is; with one step it is importance sampling.
"""

from dgm_core.annealing.bounds import (
    Sandwich,
    annealed_log_weights,
    log_marginal_upper_bound,
    reversed_log_weights,
    sandwich,
)
from dgm_core.annealing.plan import Annealing, inverse_temperatures, plan_annealing

__all__ = [
    "Annealing",
    "Sandwich",
    "annealed_log_weights",
    "inverse_temperatures",
    "log_marginal_upper_bound",
    "plan_annealing",
    "reversed_log_weights",
    "sandwich",
]
