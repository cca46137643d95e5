"""What a widget shows of a graph's values: one of them, or a text with fields; their summary."""

import json
import re
from collections.abc import Mapping

import numpy as np

from dgm_core.prose import number

_FIELD = re.compile(r"\{([^{}:]+)(?::(\+?\.\d+[fe%]))?\}")


def check_source(source: str, values: Mapping[str, np.ndarray | float]) -> None:
    """Hold what is to be shown to the values that there are.

    Args:
        source: the name of a value, or a text with fields such as ``"{kl:.3f} nats"``.
        values: outputs and inputs, by name.

    Raises:
        ValueError: there is no such value, a field is written wrongly, or it is an array.
    """
    fields = [name for name, _ in _FIELD.findall(source)]
    leftover = _FIELD.sub("", source) if "{" in source else ""
    unknown = (set(fields) if "{" in source else {source}) - {*values}
    if unknown or "{" in leftover or "}" in leftover:
        raise ValueError(
            f"cannot show {source!r}: there are {', '.join(values)}; fields look like {{name}}, "
            "{name:.3f}, {name:+.2f}, {name:.1e} or {name:.0%}"
        )
    for name in fields:
        if np.size(values[name]) != 1:
            raise ValueError(
                f"{name!r} in {source!r} is an array, and words show one number: put its "
                "mean, or one of them, among the outputs"
            )


def shown_value(
    source: str, kind: str, values: Mapping[str, np.ndarray | float]
) -> str | float | np.ndarray:
    """Return what a trait gets.

    Args:
        source: as `check_source` takes it.
        kind: "text", with fields, or "data".
        values: outputs and inputs, by name.
    """
    if kind == "text":
        return _FIELD.sub(lambda field: number(float(values[field[1]]), field[2] or ""), source)
    value = np.asarray(values[source], np.float32)
    return float(value) if value.ndim == 0 else value


def summarise(outputs: Mapping[str, np.ndarray]) -> str:
    """Return outputs as JSON with 6 significant digits; long arrays in a few numbers.

    Those are length, mean, middle (the mean of value times place, as a share of the length), min
    and max: two samples seldom share the middle, though they may the rest. Numbers that are not
    finite become null. The page writes the same for what it computes.
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
            with np.errstate(invalid="ignore"):  # 0 times infinity is no number
                middle = np.arange(flat.size) @ flat / flat.size**2
            parts = {"mean": flat.mean(), "middle": middle, "min": flat.min(), "max": flat.max()}
            short[name] = {"length": flat.size, **{k: number(v) for k, v in parts.items()}}
    return json.dumps(short)
