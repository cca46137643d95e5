"""What goes into a figure's function: names that it may have, and values as its tensors."""

import keyword
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dgm_core.checks import sizes

# What a widget is given once it is there.
_TAKEN = {"_anywidget_id", "_onnx_file", "_model_id"}


def check_names(attributes: Iterable[str], *kinds: Iterable[str]) -> None:
    """Hold the names of a function's arguments to what Python, JavaScript and a widget allow.

    Args:
        attributes: that the widget has anyway.
        kinds: the inputs, which become attributes, too; the noise; the state.

    Raises:
        ValueError: a name is none, two arguments share one, or an input has an attribute's.
    """
    names = [name for kind in kinds for name in kind]
    # Python reads the ligature ﬁ as fi, and would find no argument of that name. The last is
    # no name to JavaScript.
    bad = {name for name in names if unicodedata.normalize("NFKC", name) != name}
    bad |= {name for name in names if keyword.iskeyword(name) or not name.isidentifier()}
    bad |= {"__proto__"} & {*names}
    if bad:
        raise ValueError(
            f"{', '.join(sorted(bad))}: a name must be one that a function's argument can "
            "have, as Python reads it, and not __proto__"
        )
    clash = {name for name in names if names.count(name) > 1}
    clash |= {*kinds[0]} & {*attributes, *_TAKEN}
    if clash:
        raise ValueError(f"these names are taken, choose others: {', '.join(sorted(clash))}")


def check_state(state: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> None:
    """Hold a state to what is fed back: an output of its name and shape for each part.

    Args:
        state: initial tensors by name.
        outputs: of the function, by name.

    Raises:
        ValueError: a part that no output renews, or one of another shape.
    """
    for name, value in state.items():
        fed = outputs.get(name)
        if fed is None or fed.shape != value.shape:
            found = "none of that name" if fed is None else f"{list(fed.shape)}"
            raise ValueError(
                f"state {name!r} is {list(value.shape)}, and the output that is fed back is "
                f"{found}: return the state anew, under its name and in its shape"
            )


def check_shapes(inputs: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int]]) -> None:
    """Hold inputs to the shapes that a figure was made with.

    Args:
        inputs: by name.
        shapes: of each.

    Raises:
        ValueError: an input of another shape.
    """
    for name, shape in shapes.items():
        if list(inputs[name].shape) != shape:
            raise ValueError(
                f"input {name!r} is {sizes(inputs[name].shape)}, but {sizes(shape)} is "
                "expected: a figure's shapes are those that it was made with"
            )


def own(value: object) -> Tensor:
    """Return a copy in float32, on the CPU: of arrays of any strides, read-only ones, too.

    Args:
        value: a number, an array or a tensor, of any shape.

    Returns:
        Of the same shape.

    Raises:
        TypeError: of complex numbers.
    """
    is_tensor = isinstance(value, Tensor)
    if value.is_complex() if is_tensor else np.iscomplexobj(value):
        raise TypeError("complex numbers came: give the figure their parts, .real and .imag")
    if is_tensor:
        return value.detach().to("cpu", torch.float32, copy=True)
    return torch.from_numpy(np.array(value, np.float32))
