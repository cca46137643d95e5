"""Torch's exporter to ONNX in half of the time: what it does again and again is done once.

All of this is internal to torch. Under a torch that has it elsewhere, nothing is spared, and what
leaves the exporter is the same.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx


@contextlib.contextmanager
def translations_kept() -> Iterator[None]:
    """Within it, torch's translations of its operators to ONNX are read once a process.

    Before every export it parses the source of some 500 functions, for a table that is the same
    each time, and that takes as long as the rest of the export.
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


@contextlib.contextmanager
def taken_apart(
    traced: torch.fx.GraphModule, arguments: tuple[Tensor, ...]
) -> Iterator[torch.fx.GraphModule]:
    """Yield a traced function in operators that ONNX has; within it the exporter takes it so.

    The exporter would take the operators apart by two more traces with tensors that stand for
    others, which take over half of its time. Here one with the tensors themselves does it.

    Args:
        traced: the function.
        arguments: its example.

    Yields:
        The same function; ``traced`` itself where the exporter has to do it all.
    """
    table = _decompositions()
    try:
        if table is None:
            raise NotImplementedError
        simple = make_fx(torch.func.functionalize(traced), table)(*arguments)
        if any(_writes(node) for node in simple.graph.nodes):  # into a buffer, as in training
            raise NotImplementedError
    except Exception:  # what cannot be exported at all, the exporter says better
        yield traced
        return
    simple.graph.eliminate_dead_code()
    simple.recompile()
    from torch.onnx._internal.exporter import _fx_passes as passes

    own = passes.decompose_with_registry
    passes.decompose_with_registry = lambda program, registry: program
    try:
        yield simple
    finally:
        passes.decompose_with_registry = own


def _writes(node: torch.fx.Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


@functools.cache
def _decompositions() -> dict | None:
    """Return how the exporter takes apart what ONNX lacks, by operator; None where it hides it."""
    try:
        from torch.onnx._internal.exporter import _decomp, _fx_passes, _registration

        has = _decomp.get_onnx_implemented_overloads(_registration.ONNXRegistry.from_torchlib())
        table = _decomp.create_onnx_friendly_decomposition_table(set(has))
        return table if callable(_fx_passes.decompose_with_registry) else None
    except (ImportError, AttributeError, TypeError):
        return None
