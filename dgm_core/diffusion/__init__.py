"""Diffusion and flow matching: noise as a clock, denoisers, their bound, and ways to sample."""

from dgm_core.diffusion.bound import BoundTerms, bound_terms, diffusion_term, prior_term
from dgm_core.diffusion.chain import (
    best_variance,
    forward_variance,
    posterior_variance,
    step_kl,
    step_posterior,
)
from dgm_core.diffusion.clock import (
    LOG_SNR_LIMIT,
    Path,
    PathPoint,
    cosine_path,
    linear_betas,
    log_snr_at,
    log_snr_of_betas,
    mixed_path,
    straight_path,
    stratified,
    variance_preserving,
)
from dgm_core.diffusion.denoised import (
    Denoised,
    Denoiser,
    exact_denoiser,
    from_data,
    from_noise,
    from_score,
    from_turn,
    score_of_denoised,
    velocity_on,
)
from dgm_core.diffusion.density import ode_log_prob
from dgm_core.diffusion.greys import GreyValues
from dgm_core.diffusion.guidance import GuidedVariances, guided, guided_normal
from dgm_core.diffusion.masked import Unmasker, masked_loss, order_loss, unmask
from dgm_core.diffusion.matching import SquaredErrors, flow_matching_loss, squared_errors
from dgm_core.diffusion.nets import DigitDenoiser, DigitUnmasker, TimeMLP
from dgm_core.diffusion.samplers import Velocity, ancestral, ddim, euler, heun, rk4
from dgm_core.diffusion.training import train_denoiser, training_log_snrs
from dgm_core.diffusion.unet import UNet

__all__ = [
    "LOG_SNR_LIMIT",
    "BoundTerms",
    "Denoised",
    "Denoiser",
    "DigitDenoiser",
    "DigitUnmasker",
    "GreyValues",
    "GuidedVariances",
    "Path",
    "PathPoint",
    "SquaredErrors",
    "TimeMLP",
    "UNet",
    "Unmasker",
    "Velocity",
    "ancestral",
    "best_variance",
    "bound_terms",
    "cosine_path",
    "ddim",
    "diffusion_term",
    "euler",
    "exact_denoiser",
    "flow_matching_loss",
    "forward_variance",
    "from_data",
    "from_noise",
    "from_score",
    "from_turn",
    "guided",
    "guided_normal",
    "heun",
    "linear_betas",
    "log_snr_at",
    "log_snr_of_betas",
    "masked_loss",
    "mixed_path",
    "ode_log_prob",
    "order_loss",
    "posterior_variance",
    "prior_term",
    "rk4",
    "score_of_denoised",
    "squared_errors",
    "step_kl",
    "step_posterior",
    "straight_path",
    "stratified",
    "train_denoiser",
    "training_log_snrs",
    "unmask",
    "variance_preserving",
    "velocity_on",
]
