"""From a PyTorch function to the graph that a browser can run; widgets are elsewhere.

The export is exact: what leaves here has been run by ONNX Runtime on the example inputs and agrees
with PyTorch, or it raises.
"""

import contextlib
import functools
import importlib.util
import io
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

from dgm_core import checks
from dgm_core.live.agreement import INPUT, OUTPUT, check_agreement, nudged, open_session
from dgm_core.live.refusals import ExportError, explained, refuse_randomness
from dgm_core.live.weights import store_small

_ALONE = threading.RLock()  # an export changes what the whole process shares: streams, logging

Function = Callable[..., Mapping[str, Tensor]]


def can_export() -> bool:
    """Tell whether everything is installed that an export needs, the extra ``dgm_core[pages]``."""
    needed = ("onnx", "onnxscript", "onnxruntime")
    return all(importlib.util.find_spec(name) for name in needed)


@dataclass(frozen=True)
class Exported:
    """What a page can run in place of a function, and what the function made of its example.

    Attributes:
        onnx: the serialised graph. It takes and returns float32; the figure's names stand in it
            behind `INPUT` and `OUTPUT`.
        outputs: PyTorch's, of the example, by name.
    """

    onnx: bytes
    outputs: dict[str, Tensor]


def to_onnx(function: Function, example: Mapping[str, Tensor]) -> Exported:
    """Export ``function(**example)`` and check the result against PyTorch.

    Args:
        function: takes the tensors of ``example`` by name and returns a dictionary of tensors.
            It may differentiate (``torch.func.grad``); it must not branch on a tensor's value,
            nor draw random numbers.
        example: one float32 tensor an input; shapes are fixed from here on.

    Returns:
        The `Exported` graph.

    Raises:
        ExportError: the function cannot be traced, returns anything but tensors by name, draws
            random numbers, or uses an operation that ONNX or its runtime lacks; its graph
            disagrees with PyTorch by more than `live.agreement` allows; or `can_export` is
            false.
    """
    if not can_export():
        raise ExportError("an export needs more than a kernel: pip install 'dgm_core[pages]'")
    names: list[str] = []

    def positional(*tensors: Tensor) -> tuple[Tensor, ...]:
        outputs = outputs_of(function, dict(zip(example, tensors, strict=True)))
        names[:] = outputs
        # Adding zero keeps an output that is itself an input from vanishing in the graph.
        return tuple(value.to(torch.float32) + 0.0 for value in outputs.values())

    # Copies: the tracer knows tensors by identity, and would take two names of one for the same.
    example = {name: value.detach().clone() for name, value in example.items()}
    with _ALONE, torch.no_grad(), _quiet(), _translations_kept():
        with explained("the figure's function cannot be traced: use torch operations only"):
            traced = make_fx(positional, _stable())(*example.values())
        refuse_randomness(traced)
        with explained("the figure's function cannot be exported", traced):
            _move_to_cpu(traced)
            arguments = tuple(value.cpu() for value in example.values())
            # optimize=False: the optimiser takes Adam's 1e-8 for zero, and weights become NaN.
            program = torch.onnx.export(
                traced,
                arguments,
                dynamo=True,
                optimize=False,
                verbose=False,
                input_names=[INPUT + name for name in example],
                output_names=[OUTPUT + name for name in names],
            )
            model = program.model_proto
    with explained("the page cannot run the figure's function", traced):
        _forget_origins(model)
        store_small(model)
        data = model.SerializeToString()
        session = open_session(data)
        with torch.no_grad():
            outputs = outputs_of(function, example)
            check_agreement(session, example, outputs)
            elsewhere = {name: nudged(value) for name, value in example.items()}
            check_agreement(session, elsewhere, outputs_of(function, elsewhere))
    return Exported(data, outputs)


def outputs_of(function: Function, arguments: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Call a figure's function, and hold it to what it has to return.

    Args:
        function: takes the arguments by name.
        arguments: by name, of any shapes.

    Raises:
        ExportError: it returned anything but a dictionary of tensors of real numbers.
    """
    with checks.values_seen(first=False):  # a reader may move an input to wherever it goes
        outputs = function(**arguments)
    if not isinstance(outputs, Mapping) or len(outputs) == 0:
        raise ExportError(
            f"the figure's function returned a {type(outputs).__name__} without outputs: return a "
            'dictionary of tensors, {"name": tensor}'
        )
    for name, value in outputs.items():
        if not isinstance(name, str):
            raise ExportError(f"output {name!r} of the figure's function: names are texts")
        if not isinstance(value, Tensor) or value.is_complex() or value.numel() == 0:
            what = f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else value
            raise ExportError(
                f"output {name!r} of the figure's function is {what}: return a tensor of real "
                "numbers, one or more, computed from the arguments"
            )
    return dict(outputs)


@functools.cache
def _stable() -> dict:
    """Return how to write operators that the exporter would write so that they overflow, or not.

    It makes a logarithm of a sigmoid of the cross-entropy with logits, and so of the probability
    of Bernoulli pixels: -inf from a logit of -90 on. Taken apart by torch, it is exact. And it has
    no derivatives of activations, which a divergence asks for.
    """
    aten = torch.ops.aten
    derivatives = (
        "elu_backward",
        "gelu_backward",
        "hardtanh_backward",
        "leaky_relu_backward",
        "mish_backward",
        "sigmoid_backward",
        "silu_backward",
        "softplus_backward",
        "tanh_backward",
        "threshold_backward",
    )
    operators = [getattr(aten, name) for name in derivatives]
    return get_decompositions([aten.binary_cross_entropy_with_logits, *operators])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No validation (a branch on values), no progress lines, no warnings of the exporter."""
    validate = torch.distributions.Distribution._validate_args
    torch.distributions.Distribution.set_default_validate_args(False)
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)
        torch.distributions.Distribution.set_default_validate_args(validate)


@contextlib.contextmanager
def _translations_kept() -> Iterator[None]:
    """Within it, torch's translations of its operators to ONNX are read once a process.

    Before every export it parses the source of some 500 functions, for a table that is the same
    each time, and that takes as long as the rest of the export. The names are internal: under a
    torch that has no such table nothing is kept, and the export is only slower.
    """
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry as registry

        own = vars(registry)["from_torchlib"]
    except (ImportError, KeyError):
        yield
        return
    registry.from_torchlib = functools.partial(_read_once, registry.from_torchlib)
    try:
        yield
    finally:
        registry.from_torchlib = own


@functools.cache
def _read_once(read: Callable, **options):
    return read(**options)


def _move_to_cpu(traced: torch.fx.GraphModule) -> None:
    """The page has no GPU: constants and the devices named in the trace go to the CPU."""
    traced.cpu()
    for name, value in list(vars(traced).items()):
        if isinstance(value, Tensor):
            setattr(traced, name, value.detach().cpu())
    for node in traced.graph.nodes:
        if "device" in node.kwargs:
            node.kwargs = {**node.kwargs, "device": torch.device("cpu")}
    traced.recompile()


def _forget_origins(model) -> None:
    """Drop what the exporter notes on every node: lines and folders of this machine's Python.

    Of a training step they are nine tenths of the bytes.
    """
    graph = model.graph
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
