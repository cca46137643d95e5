"""What a chart can show: series of arrays, and which values and limits an axis has."""

import math
from collections.abc import Container, Mapping, Sequence

import ipywidgets as widgets
import numpy as np
import traitlets
from torch import Tensor

from dgm_core.live.base import array_trait
from dgm_core.palette import LIGHT

Number = float | int
Values = Sequence[Number] | np.ndarray | Tensor
DASHES = ("solid", "dashed", "dotted")


class Series(widgets.Widget):
    """One series of a `Chart`: arrays as traits, for ``Graph.drive``; a chart's methods make it.

    Its traits are ``x`` and ``y``, (N,) each; of bands and bars ``low``, too, and of shaded points
    ``shade``.
    """

    _mark = traitlets.Dict().tag(sync=True)

    def __init__(self, spec: dict, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(_mark=spec)
        self.add_traits(**{name: array_trait(values) for name, values in arrays.items()})


def make_series(
    spec: dict, values: Mapping[str, Values | Number], logarithmic: Container[str] = ()
) -> Series:
    """Return the series of these values, if a chart can show them.

    Args:
        spec: what the page has to know of it: its kind, role and label, and by kind more, such as
            the dash of a line or the role towards whose colour points go.
        values: (N,) or a number, by trait; one without values is driven by a graph.
        logarithmic: which axes are, of "x" and "y".

    Raises:
        ValueError: lengths that differ, values that a logarithmic axis has no place for, or an
            unknown role or dash.
    """
    arrays = {name: as_array(value) for name, value in values.items()}
    lengths = {name: arrays[name].size for name in ("x", "y", "shade") if name in arrays}
    if len({length for length in lengths.values() if length}) > 1:  # 0: a graph drives it
        raise ValueError(f"lengths differ: {lengths}; every point needs all of them")
    for axis, names in (("x", ("x",)), ("y", ("y", "low"))):
        for name in names:
            if axis in logarithmic and (arrays.get(name, np.ones(1)) <= 0).any():
                raise ValueError(
                    f"the {axis} axis is logarithmic, and {name} has values at or below 0: "
                    f"leave them out, or put nan in their place"
                )
    for role in (spec[key] for key in ("role", "towards") if key in spec):
        if role not in LIGHT:
            raise ValueError(f"no role {role!r}: colours mean {', '.join(LIGHT)}")
    if (dash := spec.get("dash", "solid")) not in DASHES:
        raise ValueError(f"a line is {', '.join(DASHES)}, not {dash!r}")
    return Series(spec, arrays)


def check_limits(axis: str, low: Number | None, high: Number | None, log: bool) -> None:
    """Refuse limits that no axis has.

    Args:
        axis: "x" or "y".
        low: its lower end; None follows the data.
        high: its upper end.
        log: whether the axis is logarithmic.

    Raises:
        ValueError: the ends are in the wrong order, infinite, or at or below 0 on a logarithmic
            axis.
    """
    if low is not None and high is not None and not low < high:
        raise ValueError(f"{axis}lim goes from {low} to {high}: put the lower end first")
    if not all(math.isfinite(end) for end in (low, high) if end is not None):
        raise ValueError(f"{axis}lim is {(low, high)}: None follows the data, inf cannot")
    if log and min(v for v in (low, high, 1) if v is not None) <= 0:
        raise ValueError(f"{axis}lim is {(low, high)}, but a logarithm needs more than 0")


def as_array(values: Values | Number) -> np.ndarray:
    """Return values of any kind and device as float32, (N,)."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.atleast_1d(np.asarray(values, np.float32)).ravel()
