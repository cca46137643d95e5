"""Conditional distributions: modules whose call returns a ``torch.distributions`` object.

torch's own validation of their arguments is off. It looks at values, and so does not work where
there are none: when a model is traced, exported for the page, or run on the meta device. What data
have to be, `checks` look at instead, where there is something to see: 0 to 1 for pixels.
"""

from dgm_core.distributions.joint import Joint
from dgm_core.distributions.latents import DiagonalNormal, LatentPrior, from_noise
from dgm_core.distributions.linear import LinearNormal, LinearPosterior
from dgm_core.distributions.pixels import (
    BernoulliPixels,
    DiscretizedLogistic,
    DiscretizedLogisticPixels,
    GreyBernoulli,
    NormalPixels,
)
from dgm_core.distributions.quantile import normal_quantile

__all__ = [
    "BernoulliPixels",
    "DiagonalNormal",
    "DiscretizedLogistic",
    "DiscretizedLogisticPixels",
    "GreyBernoulli",
    "Joint",
    "LatentPrior",
    "LinearNormal",
    "LinearPosterior",
    "NormalPixels",
    "from_noise",
    "normal_quantile",
]
