"""What ONNX Runtime makes of an exported figure, beside what PyTorch does."""

import numpy as np
import onnxruntime
import torch

from dgm_core import live
from dgm_core.live.agreement import relative_error


def runtime_of(graph: live.Graph):
    """Return the exported function of a graph: from tensors by name to tensors by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(
        graph._onnx, options, providers=["CPUExecutionProvider"]
    )
    names = [output.name.removeprefix("out.") for output in session.get_outputs()]

    def function(feeds: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        arrays = {f"in.{name}": value.numpy() for name, value in feeds.items()}
        found = map(torch.from_numpy, map(np.asarray, session.run(None, arrays)))
        return dict(zip(names, found, strict=True))

    return function


def assert_steps_agree(graph: live.Graph, count: int) -> None:
    """Check that so many steps with the same noise, each with its own state, end alike."""
    function = runtime_of(graph)
    ours = theirs = graph._initial_state
    for _ in range(count):
        feeds = graph._feeds()
        want, got = graph._call({**feeds, **ours}), function({**feeds, **theirs})
        ours, theirs = ({name: out[name] for name in ours} for out in (want, got))
    for name, value in want.items():
        assert torch.isfinite(got[name]).all()
        assert relative_error(got[name].numpy(), value.numpy()) <= 1e-3
