"""Checks of arguments whose mistakes would go unnoticed; each error names what cures it.

What a shape, a type or a length says is looked at in every call: that costs microseconds, and
holds while a function is traced, exported or compiled. Values are looked at where a look is free:
on a processor, and outside of the steps of a training after its first; see `values_seen`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from operator import index

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode

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


def sizes(shape: Sequence[int | str]) -> str:
    """Return a shape in words, ``(B, 28, 28)``.

    Args:
        shape: numbers, or letters for what may be any number.
    """
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def event(name: str, value: Tensor, shape: Sequence[int], cure: str) -> None:
    """Refuse a batch whose examples have another shape.

    Args:
        name: of the argument.
        value: (B, *shape).
        shape: of one example.
        cure: what to do, after a colon.

    Raises:
        ValueError: another shape.
    """
    if value.shape[1:] != torch.Size(shape) or value.ndim == 0:
        wanted = sizes(("B", *shape))
        raise ValueError(f"{name} is {sizes(value.shape)}, but {wanted} is expected: {cure}")


def rows(name: str, value: Tensor, cure: str) -> None:
    """Refuse a tensor without a leading axis, or with nothing on it.

    Args:
        name: of the argument.
        value: (N, ...), N at least 1.
        cure: what it is needed for, after a colon.

    Raises:
        ValueError: a single number, or none.
    """
    if value.ndim == 0:
        raise ValueError(f"{name} is a single number, but (N, ...) is expected: {cure}")
    at_least(1, cure, **{f"rows__{name}": len(value)})


def features(name: str, value: Tensor, count: int, owner: str) -> None:
    """Refuse a batch with another number of features, the first axis of an example.

    Args:
        name: of the argument.
        value: (B, count, ...).
        count: how many there should be.
        owner: what has so many.

    Raises:
        ValueError: another number, or no such axis.
    """
    if value.ndim < 2 or value.shape[1] != count:
        wanted = sizes(("B", count, "..."))
        raise ValueError(
            f"{name} is {sizes(value.shape)}, but {wanted} is expected: {owner} was made for "
            f"{count} features, so make it anew for others, or bring the data into this shape"
        )


def last(name: str, value: Tensor, size: int, cure: str) -> None:
    """Refuse a tensor whose last axis has another length.

    Args:
        name: of the argument.
        value: (..., size).
        size: its length.
        cure: what to do, after a colon.

    Raises:
        ValueError: another length, or no axis at all.
    """
    if value.ndim == 0 or value.shape[-1] != size:
        wanted = sizes(("...", size))
        raise ValueError(f"{name} is {sizes(value.shape)}, but {wanted} is expected: {cure}")


def same_shape(cure: str, **values: Tensor) -> None:
    """Refuse tensors of different shapes, which torch would stretch over each other.

    Args:
        cure: what to do, after a colon.
        values: by name of the argument, any one shape.

    Raises:
        ValueError: shapes that differ.
    """
    if len({value.shape for value in values.values()}) > 1:
        found = ", ".join(f"{name} is {sizes(value.shape)}" for name, value in values.items())
        raise ValueError(f"{found}, but one shape is expected: {cure}")


def kind(name: str, value: Tensor, dtype: torch.dtype, cure: str) -> None:
    """Refuse a tensor of another type.

    Args:
        name: of the argument.
        value: any shape.
        dtype: its type.
        cure: what to do, after a colon.

    Raises:
        TypeError: another type.
    """
    if value.dtype != dtype:
        raise TypeError(f"{name} is {value.dtype}, but {dtype} is expected: {cure}")


def floating(name: str, value: Tensor, cure: str) -> None:
    """Refuse whole numbers where real ones are meant: torch would cut constants to their type.

    Args:
        name: of the argument.
        value: any shape.
        cure: what to do, after a colon.

    Raises:
        TypeError: no floating-point numbers.
    """
    if not value.is_floating_point():
        raise TypeError(f"{name} is {value.dtype}, but floats are expected: {cure}")


def counts(cure: str, **numbers: int) -> None:
    """Refuse a number that is not whole.

    Args:
        cure: what to do, after a colon.
        numbers: by name of the argument.

    Raises:
        TypeError: a number with a fraction, or of a type that may have one.
    """
    for name, number in numbers.items():
        try:
            index(number)
        except TypeError:
            raise TypeError(
                f"{name} is {number!r}, but a whole number is expected: {cure}"
            ) from None


def arranged(sample_shape: Sequence[int]) -> torch.Size:
    """Return how many samples are wanted, as a shape.

    Args:
        sample_shape: how many, in any arrangement.

    Raises:
        TypeError: a number.
    """
    try:
        return torch.Size(sample_shape)
    except TypeError:
        raise TypeError(
            f"sample_shape is {sample_shape!r}, but sizes in a sequence are expected: (5,) for "
            "five samples, (3, 5) for three rows of five"
        ) from None


def slopes(what: str) -> None:
    """Refuse inference mode, within which nothing can be differentiated.

    Args:
        what: needs to be.

    Raises:
        RuntimeError: it is on.
    """
    if torch.is_inference_mode_enabled():
        raise RuntimeError(
            f"{what} needs gradients, which torch.inference_mode forbids: use torch.no_grad"
        )


def at_least(least: int | float, cure: str, **numbers: int | float) -> None:
    """Refuse a number that is too small, or not a number.

    Args:
        least: the smallest allowed.
        cure: what to do, after a colon.
        numbers: by name of the argument, or of what was counted.

    Raises:
        ValueError: a number below `least`, or NaN.
    """
    for name, number in numbers.items():
        if not number >= least:
            words = name.replace("__", " of ").replace("_", " " if "__" in name else "_")
            raise ValueError(f"{words} is {number}, but at least {least} is expected: {cure}")


def positive(cure: str, **numbers: int | float) -> None:
    """Refuse a number that is not above 0.

    Args:
        cure: what it is, after a colon.
        numbers: by name of the argument.

    Raises:
        ValueError: a number at or below 0, or NaN.
    """
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} is {number}, but more than 0 is expected: {cure}")


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
