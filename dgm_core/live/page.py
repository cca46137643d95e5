"""What a page has to know of a graph, beside the exported function."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from dgm_core.live.agreement import nudged
from dgm_core.live.noise import Noise


def describe(
    inputs: Mapping[str, Tensor],
    noise: Mapping[str, Noise],
    state: Mapping[str, Tensor],
    outputs: Sequence[str],
) -> dict:
    """Return names, shapes, laws of noise and initial state, as graph.js reads them.

    Args:
        inputs: by name; their shapes are looked at.
        noise: laws by name.
        state: initial tensors by name.
        outputs: names, in the order of the graph's.
    """
    return {
        "inputs": {name: list(value.shape) for name, value in inputs.items()},
        "noise": {
            name: {"law": law.law, "shape": list(law.shape), "redraw": law.redraw}
            for name, law in noise.items()
        },
        "state": {
            name: {"shape": list(value.shape), "initial": value.flatten().tolist()}
            for name, value in state.items()
        },
        "outputs": list(outputs),
    }


def make_probe(
    feeds: Mapping[str, Tensor], call: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
) -> bytes:
    """Return feeds, sorted by name, and what PyTorch makes of them: the page checks itself so.

    Args:
        feeds: values by name; what is kept is a little off them.
        call: from feeds to outputs.

    Returns:
        All numbers in a row, as float32.
    """
    # As JavaScript sorts: by UTF-16's units, which is another order than that of Python.
    items = sorted(feeds.items(), key=lambda item: item[0].encode("utf-16-be"))
    moved = {name: nudged(value) for name, value in items}
    outputs = call({name: moved[name] for name in feeds})  # a function may go by their order
    values = [*moved.values(), *outputs.values()]
    return (
        torch.cat([value.detach().float().cpu().flatten() for value in values]).numpy().tobytes()
    )
