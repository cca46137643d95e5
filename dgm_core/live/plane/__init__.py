"""Live figures of models that train on the plane, in the reader's browser: flows and a GAN."""

from dgm_core.live.plane.flow import plane_density, plane_flow, plane_walk
from dgm_core.live.plane.gan import plane_field, plane_gan
from dgm_core.live.plane.matching import plane_matching, plane_roads
from dgm_core.live.plane.steps import flow_step, gan_step, matching_step

__all__ = [
    "flow_step",
    "gan_step",
    "matching_step",
    "plane_density",
    "plane_field",
    "plane_flow",
    "plane_gan",
    "plane_matching",
    "plane_roads",
    "plane_walk",
]
