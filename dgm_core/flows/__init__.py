"""Normalizing flows: bijections that know their Jacobians, and the distributions made of them."""

from dgm_core.flows.bijections import Bijection, Compose, Inverse
from dgm_core.flows.cdf import CategoricalCDF, MixtureCDF, bin_of
from dgm_core.flows.couplings import ActNorm, AffineCoupling, SplineCoupling, coupling_layers
from dgm_core.flows.dequantization import Dequantizer, dequantization_bound
from dgm_core.flows.elementwise import Affine, Cube, Logit
from dgm_core.flows.flow import (
    Flow,
    affine_image_flow,
    coupling_flow,
    masked_flow,
    spline_flow,
    spline_image_flow,
)
from dgm_core.flows.images import ConvNet, FactorOut, Reshape, Squeeze, multiscale_layers
from dgm_core.flows.masked import MaskedAutoregressive, ScaleAndShift, masked_layers
from dgm_core.flows.mixing import (
    FixedMixture,
    Invertible1x1,
    Permutation,
    without_substitution,
)
from dgm_core.flows.pyramid import CoarseToFine
from dgm_core.flows.pyramid_levels import DIGIT_LEVELS, LESSON_LEVELS, LevelSize
from dgm_core.flows.pyramid_training import log_masses, train_pyramid
from dgm_core.flows.splines import RationalQuadratic

__all__ = [
    "DIGIT_LEVELS",
    "LESSON_LEVELS",
    "ActNorm",
    "Affine",
    "AffineCoupling",
    "Bijection",
    "CategoricalCDF",
    "CoarseToFine",
    "Compose",
    "ConvNet",
    "Cube",
    "Dequantizer",
    "FactorOut",
    "FixedMixture",
    "Flow",
    "Inverse",
    "Invertible1x1",
    "LevelSize",
    "Logit",
    "MaskedAutoregressive",
    "MixtureCDF",
    "Permutation",
    "RationalQuadratic",
    "Reshape",
    "ScaleAndShift",
    "SplineCoupling",
    "Squeeze",
    "affine_image_flow",
    "bin_of",
    "coupling_flow",
    "coupling_layers",
    "dequantization_bound",
    "log_masses",
    "masked_flow",
    "masked_layers",
    "multiscale_layers",
    "spline_flow",
    "spline_image_flow",
    "train_pyramid",
    "without_substitution",
]
