"""Models that ship, trained; ``python -m dgm_core.pretrained`` makes them anew."""

from dgm_core.pretrained.shipped import (
    DIGIT_DENOISER,
    DIGIT_FLOW,
    DIGIT_JUDGE,
    DIGIT_MAP,
    DIGIT_PIXELCNN,
    digit_denoiser,
    digit_denoiser_log,
    digit_flow,
    digit_flow_log,
    digit_judge,
    digit_judge_log,
    digit_map,
    digit_map_log,
    digit_pixelcnn,
    digit_pixelcnn_log,
)
from dgm_core.pretrained.untrained import (
    untrained_digit_denoiser,
    untrained_digit_flow,
    untrained_digit_map,
    untrained_digit_pixelcnn,
)

__all__ = [
    "DIGIT_DENOISER",
    "DIGIT_FLOW",
    "DIGIT_JUDGE",
    "DIGIT_MAP",
    "DIGIT_PIXELCNN",
    "digit_denoiser",
    "digit_denoiser_log",
    "digit_flow",
    "digit_flow_log",
    "digit_judge",
    "digit_judge_log",
    "digit_map",
    "digit_map_log",
    "digit_pixelcnn",
    "digit_pixelcnn_log",
    "untrained_digit_denoiser",
    "untrained_digit_flow",
    "untrained_digit_map",
    "untrained_digit_pixelcnn",
]
