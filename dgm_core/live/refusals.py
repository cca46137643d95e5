"""What cannot be exported, in words: each error says what to change in the figure's function."""

import contextlib
import re
from collections.abc import Iterator

import torch
from torch import Tensor


class ExportError(RuntimeError):
    """A function could not be made a graph for the page; the message says what to change."""


@contextlib.contextmanager
def explained(what: str, traced: torch.fx.GraphModule | None = None) -> Iterator[None]:
    """Within it, whatever is raised becomes an `ExportError` with its cause in one line.

    Args:
        what: what was being done, for the message.
        traced: the function's graph, once there is one: what is wrong in it is named.

    Raises:
        ExportError: instead of any error.
    """
    try:
        yield
    except ExportError as error:
        if traced is None or not (hint := _in_training(traced) or _in_few_bits(traced)):
            raise
        raise ExportError(f"{error}{hint}") from error
    except Exception as error:  # the exporter and the runtime have errors of many types
        causes, cause = [], error
        while cause is not None:
            causes.append(cause)
            cause = cause.__cause__ or cause.__context__
        lines = [line for line in str(causes[-1]).splitlines() if line.strip()] or [""]
        missing = re.search(r"OpOverload\(op='([\w.]+)'", "\n".join(map(str, causes)))
        why = f"{type(causes[-1]).__name__}: {lines[0].rstrip('.')}"
        if traced is None:
            raise ExportError(
                f"{what}, no .item(), no `if` on a tensor's value ({why})"
            ) from error
        if missing:
            why = f"ONNX has no {missing[1]}"
        elif small := _computed_in(traced):
            why = f"the runtime cannot compute this in {small} ({why})"
        cure = next((cure for word, cure in _CURES.items() if word in why), _OTHERWISE)
        raise ExportError(f"{what}: {why}. Instead, {cure}{_in_training(traced)}") from error


#: What to do instead, by a word of the cause.
_CURES = {
    "solve_triangular": "give the figure flows.without_substitution(copy.deepcopy(flow))",
    "bfloat16": "compute in float32, with model.float()",
    "float16": "compute in float32, with model.float()",
}
_OTHERWISE = "compute it by other operations, or once, before the figure, as a constant"


def _computed_in(traced: torch.fx.GraphModule) -> str:
    """Return the type of fewer than 32 bits that something in the trace has, if there is one."""
    for node in traced.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16):
            return str(value.dtype).removeprefix("torch.")
    return ""


def _in_few_bits(traced: torch.fx.GraphModule) -> str:
    """Return a hint, if something in the trace has fewer than 32 bits."""
    small = _computed_in(traced)
    return f" (It computes in {small}: {_CURES[small]}.)" if small else ""


def _in_training(traced: torch.fx.GraphModule) -> str:
    """Return a hint, if a module in the trace normalises by its batch, as in training mode."""
    for node in traced.graph.nodes:
        if "batch_norm" in str(node.target) and True in node.args:
            return " (A model is in training mode, in which runs change it: call model.eval().)"
    return ""


def refuse_randomness(traced: torch.fx.GraphModule) -> None:
    """Hold a trace to drawing no random numbers, which a page could not repeat.

    Raises:
        ExportError: it draws some; the message names how to hand them in.
    """
    for node in traced.graph.nodes:
        tags = getattr(node.target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            raise ExportError(
                f"the figure's function draws random numbers ({node.target}): take them as an "
                "argument and pass noise={name: live.normal(...)} or live.uniform(...). Or call "
                "model.eval(): dropout, in training mode, draws them"
            )
