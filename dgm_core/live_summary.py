"""What a live figure says of its outputs in a data attribute: numbers for tests and scripts."""

import json
from collections.abc import Mapping

import numpy as np


def summarise(outputs: Mapping[str, np.ndarray]) -> str:
    """Return outputs as JSON with 6 significant digits; long arrays as length, mean, min and max.

    Numbers that are not finite become null. The page writes the same for what it computes.
    """

    def number(value: float) -> float | None:
        return float(f"{value:.6g}") if np.isfinite(value) else None

    short = {}
    for name, array in outputs.items():
        flat = np.asarray(array, np.float64).ravel()
        if array.ndim == 0:
            short[name] = number(flat[0])
        elif flat.size <= 64:
            short[name] = [number(v) for v in flat]
        else:
            parts = {"mean": flat.mean(), "min": flat.min(), "max": flat.max()}
            short[name] = {"length": flat.size, **{k: number(v) for k, v in parts.items()}}
    return json.dumps(short)
