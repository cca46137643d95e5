"""Checks of arguments whose mistakes would go unnoticed; each error names what cures it.

What a shape, a type or a length says is looked at in every call: that costs microseconds, and
holds while a function is traced, exported or compiled. Values are looked at where a look is free:
on a processor, and outside of the steps of a training after its first; see `values_seen`.
"""

from dgm_core.checks.numbers import at_least, counts, positive
from dgm_core.checks.shapes import (
    arranged,
    event,
    features,
    floating,
    kind,
    last,
    rows,
    same_shape,
    sizes,
    slopes,
)
from dgm_core.checks.values import (
    above,
    finite,
    grey_images,
    rising,
    values_seen,
    whole,
    within,
)

__all__ = [
    "above",
    "arranged",
    "at_least",
    "counts",
    "event",
    "features",
    "finite",
    "floating",
    "grey_images",
    "kind",
    "last",
    "positive",
    "rising",
    "rows",
    "same_shape",
    "sizes",
    "slopes",
    "values_seen",
    "whole",
    "within",
]
