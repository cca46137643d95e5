"""Distributions on the plane whose densities are known exactly: data for small experiments."""

from dgm_core.targets.bent import Banana, Moons
from dgm_core.targets.plane import PlanarMixture
from dgm_core.targets.ring import Ring

__all__ = [
    "Banana",
    "Moons",
    "PlanarMixture",
    "Ring",
]
