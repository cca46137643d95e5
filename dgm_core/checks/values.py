"""Checks of values, which are looked at where a look is free; see `values_seen`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from dgm_core.checks.shapes import event, kind, sizes

_SLACK = 1e-3  # of a range: rounding is no mistake
# True: look at values, wherever they are. False: do not. None: only where nobody has to wait.
_LOOK: ContextVar[bool | None] = ContextVar("look", default=None)


@contextmanager
def values_seen(first: bool) -> Iterator[None]:
    """Within it, values are looked at if this is the first of many batches, and else not.

    Args:
        first: whether nothing like it has been looked at before.
    """
    before = _LOOK.set(first)
    try:
        yield
    finally:
        _LOOK.reset(before)


def within(name: str, value: Tensor, low: float | int, high: float | int, cure: str) -> None:
    """Refuse values out of a range, where they can be looked at for nothing.

    Args:
        name: of the argument.
        value: any shape.
        low: the lowest allowed; a thousandth below passes for rounding.
        high: the highest allowed.
        cure: what to do, after a colon.

    Raises:
        ValueError: a value out of the range, or NaN.
    """
    ends = _ends(value)
    if ends is not None and not (low - _SLACK <= ends[0] and ends[1] <= high + _SLACK):
        raise ValueError(
            f"{name} has values from {ends[0]:g} to {ends[1]:g}, but {low:g} to {high:g} is "
            f"expected: {cure}"
        )


def above(name: str, value: Tensor, bound: float | int, cure: str) -> None:
    """Refuse values at or below a bound, where they can be looked at for nothing.

    Args:
        name: of the argument.
        value: any shape.
        bound: what each has to exceed.
        cure: what to do, after a colon.

    Raises:
        ValueError: a value that is not above the bound, or NaN.
    """
    ends = _ends(value)
    if ends is not None and not ends[0] > bound:
        raise ValueError(
            f"{name} has values from {ends[0]:g} to {ends[1]:g}, but more than {bound:g} is "
            f"expected: {cure}"
        )


def whole(name: str, value: Tensor, low: int, high: int, cure: str) -> None:
    """Refuse fractions, and values out of a range, where they can be looked at for nothing.

    Args:
        name: of the argument.
        value: any shape.
        low: the lowest allowed.
        high: the highest allowed.
        cure: what to do, after a colon.

    Raises:
        ValueError: a value that is not a whole number of the range.
    """
    within(name, value, low, high, cure)
    within(f"the fraction of {name}", value - value.round(), 0, 0, cure)


def finite(name: str, value: Tensor, cure: str) -> None:
    """Refuse NaN and infinity, where values can be looked at for nothing.

    Args:
        name: of the argument.
        value: any shape.
        cure: what to do, after a colon.

    Raises:
        ValueError: a value that is not finite.
    """
    ends = _ends(value)
    if ends is not None and not float("-inf") < ends[0] <= ends[1] < float("inf"):
        raise ValueError(f"{name} has values that are NaN or infinite: {cure}")


def rising(name: str, value: Tensor, cure: str) -> None:
    """Refuse points that are not on a line, in rising order.

    Args:
        name: of the argument.
        value: (N,), two or more.
        cure: what to do, after a colon.

    Raises:
        ValueError: another shape, or points that do not rise.
    """
    if value.ndim != 1 or len(value) < 2:
        raise ValueError(
            f"{name} is {sizes(value.shape)}, but (N,) with two points or more is expected: {cure}"
        )
    ends = _ends(value.diff())
    if ends is not None and not ends[0] > 0:
        raise ValueError(f"{name} does not rise from each point to the next: {cure}")


def _ends(value: Tensor) -> tuple[float, float] | None:
    """Return the least and the greatest value, or None where there is none, or none to be seen."""
    if torch.compiler.is_compiling() or get_proxy_mode() is not None:  # compiled, or exported
        return None
    wanted = value.device.type == "cpu" if _LOOK.get() is None else _LOOK.get()
    if not wanted or value.is_meta or value.numel() == 0:
        return None
    try:
        low, high = value.detach().aminmax()
        return float(low), float(high)
    except RuntimeError:  # under torch.func.vmap, or with fake tensors, there is no one value
        return None


def grey_images(images: Tensor, side: int, bins: int, owner: str) -> None:
    """Refuse what are not bytes of square images, in as many grey values as a model has.

    Args:
        images: (B, side, side).
        side: their height and width.
        bins: the number of grey values.
        owner: what was made for both, "the flow".

    Raises:
        TypeError: images that are not uint8.
        ValueError: images of another size, or a grey value that is too large.
    """
    cure = "give grey values as data.mnist returns them, not divided"
    kind("images", images, torch.uint8, cure)
    event("images", images, (side, side), f"{owner} was made for this side")
    within("images", images, 0, bins - 1, f"{owner} was made for {bins} grey values")
