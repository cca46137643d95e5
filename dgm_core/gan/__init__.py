"""Generative adversarial networks: their two networks, and the smallest game that they play."""

from dgm_core.gan.convolutional import ConvDiscriminator, ConvGenerator
from dgm_core.gan.dirac import dirac_growth, dirac_pull, dirac_step
from dgm_core.gan.networks import Discriminator, Generator, VirtualBatchNorm1d

__all__ = [
    "ConvDiscriminator",
    "ConvGenerator",
    "Discriminator",
    "Generator",
    "VirtualBatchNorm1d",
    "dirac_growth",
    "dirac_pull",
    "dirac_step",
]
