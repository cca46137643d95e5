"""Checks that look at no value: of shapes, of types, and of whether gradients are to be had."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dgm_core.checks.numbers import at_least


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
