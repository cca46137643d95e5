"""Models that ship, trained; ``python -m dgm_core.pretrained`` makes them anew."""

from dgm_core.pretrained.shipped import (
    DIGIT_FLOW,
    DIGIT_JUDGE,
    DIGIT_MAP,
    digit_flow,
    digit_flow_log,
    digit_judge,
    digit_judge_log,
    digit_map,
    digit_map_log,
    untrained_digit_flow,
    untrained_digit_map,
)

__all__ = [
    "DIGIT_FLOW",
    "DIGIT_JUDGE",
    "DIGIT_MAP",
    "digit_flow",
    "digit_flow_log",
    "digit_judge",
    "digit_judge_log",
    "digit_map",
    "digit_map_log",
    "untrained_digit_flow",
    "untrained_digit_map",
]
