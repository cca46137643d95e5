"""Weights that travel to the page in fewer bits: rounded first, so that no more is lost then.

A module is rounded in Python, where the change can be measured; `live.export` then finds the
numbers that fit into fewer bits exactly, and stores them so.
"""

import copy

import numpy as np
import torch
from torch import nn

#: Weights with fewer numbers are left as they are: a node more costs more than they do.
_SMALL = 256


def half_precision(module: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, its float32 weights rounded to what 16 bits can hold.

    The copy still computes in float32. Its weights travel to the page as float16 without any
    further loss, which halves the download, and a kernel that uses the same copy shows the same
    numbers. How much the rounding changes the outputs is for the caller to measure.

    Raises:
        ValueError: a weight is too large for float16 (above 65,504).

    Example:
        >>> half = half_precision(nn.Linear(8, 4))
        >>> torch.equal(half.weight, half.weight.half().float())
        True
    """
    rounded = copy.deepcopy(module).eval().requires_grad_(False)
    for name, tensor in (*rounded.named_parameters(), *rounded.named_buffers()):
        if tensor.dtype != torch.float32:
            continue
        tensor.copy_(tensor.half().float())
        if not tensor.isfinite().all():
            raise ValueError(
                f"{name} holds values that float16 cannot: drive the figure with the model itself "
                "instead of half_precision(model)"
            )
    return rounded


def eight_bits(module: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode whose float32 weight matrices are rounded to 8 bits.

    Each row of a weight (each output channel of a convolution) keeps a scale of its own, and its
    numbers become multiples, from -127 to 127, of that scale. Vectors are rounded as by
    `half_precision`. The copy still computes in float32, and travels to the page in a quarter of
    the bytes without any further loss. How much the rounding changes is for the caller to measure.

    Raises:
        ValueError: a number is too large for float16 (above 65,504).

    Example:
        >>> small = eight_bits(nn.Linear(1000, 2))
        >>> len(small.weight[0].unique()) <= 255
        True
    """
    rounded = half_precision(module)
    for tensor, full in zip(rounded.parameters(), module.parameters(), strict=True):
        if tensor.dtype != torch.float32 or tensor.ndim < 2 or tensor.numel() < _SMALL:
            continue
        rows = full.detach().flatten(1)
        largest = rows.abs().amax(1, keepdim=True)
        # A scale of 8 significant bits: its multiples up to 127 are exact in float32. Rounded up,
        # so that the largest number of a row is no more than 127 of them.
        scale = (largest / 127 * (1 + 2**-8)).bfloat16().float().clamp(min=2.0**-60)
        tensor.copy_(((rows / scale).round().clamp(-127, 127) * scale).view_as(full))
    return rounded


def store_small(model) -> None:
    """Store each large float32 constant of an ONNX model in as few bits as hold it exactly.

    Eight bits with a scale for each row, or float16, or as it is. A Cast (and a Mul) restores
    float32 when the page loads.

    Args:
        model: changed in place.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph, restored = model.graph, []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        value, name = numpy_helper.to_array(tensor), tensor.name
        if value.size < _SMALL:
            continue
        if (found := _bytes_and_scale(value)) is not None:
            small, scale = found
            graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
            cast = helper.make_node("Cast", [f"{name}_small"], [f"{name}_cast"], to=1)
            restored += [cast, helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name])]
        else:
            with np.errstate(over="ignore"):
                small = value.astype(np.float16)
            if not np.array_equal(small.astype(np.float32), value):
                continue
            restored.append(helper.make_node("Cast", [f"{name}_small"], [name], to=1))
        tensor.CopyFrom(numpy_helper.from_array(small, f"{name}_small"))
    nodes = [*restored, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _bytes_and_scale(value: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return int8 and float32 arrays whose product is `value`, one scale a row, if there are."""
    if value.ndim < 2:
        return None
    rows = value.reshape(len(value), -1)
    largest = np.abs(rows).max(1, keepdims=True)
    scale = np.zeros_like(largest)
    for top in (126, 127):  # what `eight_bits` may have made of the largest number of a row
        guess = np.where(largest > 0, largest / np.float32(top), np.float32(1))
        exact = (np.rint(rows / guess) * guess == rows).all(1, keepdims=True)
        scale = np.where(exact, guess, scale)
    if not (scale > 0).all():
        return None
    small = np.rint(rows / scale).astype(np.int8).reshape(value.shape)
    return small, scale.reshape(-1, *[1] * (value.ndim - 1)).astype(np.float32)
