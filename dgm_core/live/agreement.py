"""Whether what a page runs agrees with PyTorch: an exported graph under ONNX Runtime."""

import os
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from dgm_core.live.refusals import ExportError

#: Largest difference from PyTorch that an exported graph may show, relative to the output's scale.
TOLERANCE = 1e-4

# The exporter names what is inside of a graph as it likes: t, add, val_0. No such name has a dot,
# so that none can meet a figure's; nor does an output meet the state that it feeds. graph.js reads
# the same prefixes.
INPUT, OUTPUT = "in.", "out."


def nudged(value: Tensor) -> Tensor:
    """Return values a little off: at zeros and ones, many a wrong graph is right.

    Args:
        value: any shape; each number moves by at most a hundredth of itself and a thousandth.
    """
    return value * (1 + 0.01 * torch.rand_like(value)) + 1e-3 * torch.rand_like(value)


def open_session(data: bytes):
    """Return a session of ONNX Runtime for a serialised graph."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else it writes an id and reports home
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong, an exception says
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def check_agreement(session, feeds: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Hold a session to PyTorch's outputs.

    Args:
        session: of `open_session`.
        feeds: of the figure, by its names.
        expected: what PyTorch makes of them, by name, in the order of the graph's outputs.

    Raises:
        ExportError: an output is further off than `TOLERANCE`.
    """
    arrays = {INPUT + name: value.cpu().numpy() for name, value in feeds.items()}
    used = {node.name for node in session.get_inputs()}
    results = session.run(None, {name: a for name, a in arrays.items() if name in used})
    for (name, want), got in zip(expected.items(), results, strict=True):
        error = relative_error(got, want.float().cpu().numpy())
        if not error <= TOLERANCE:
            raise ExportError(
                f"output {name!r} of the exported graph differs from PyTorch by {error:.2g} of "
                f"its scale, more than {TOLERANCE:.0e}: compute it in a more stable form"
            )


def relative_error(got: np.ndarray, want: np.ndarray) -> float:
    """Return how far ``got`` is from ``want``, an array of one shape, relative to its scale.

    The scale is the largest finite magnitude in ``want``, at least 1e-6. Where either array is
    not finite the other must hold the same value, else the error is infinite.
    """
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    finite = np.isfinite(want)
    if got.shape != want.shape or not np.array_equal(got[~finite], want[~finite], equal_nan=True):
        return float("inf")
    if not np.isfinite(got[finite]).all():
        return float("inf")
    if not finite.any():
        return 0.0
    return float(np.abs(got - want)[finite].max() / max(np.abs(want[finite]).max(), 1e-6))
