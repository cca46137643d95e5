"""Figures for the page: every function draws on an ``ax`` (new ones if None) and returns it."""

from dgm_core.plotting.curves import COLORS, curve, latent_scatter, style
from dgm_core.plotting.images import image_grid, image_rows, latent_plane

__all__ = [
    "COLORS",
    "curve",
    "image_grid",
    "image_rows",
    "latent_plane",
    "latent_scatter",
    "style",
]
