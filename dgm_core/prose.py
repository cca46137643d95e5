"""Numbers for the running text of a page: what a sentence shows was computed by a cell."""

import numpy as np
import torch
from IPython.core.formatters import format_display_data
from IPython.display import display

# What myst-nb's own `glue` writes, without its import, which costs each kernel a second or two.
_HIDDEN = "application/papermill.record/"


def report(prefix: str, **values: object) -> None:
    r"""Hand values to the text, where ``{glue:text}`prefix-name:.2f``` shows them.

    The cell's output shows nothing. Underscores of a name become hyphens, so that
    ``report("elbo", best_gap=gap)`` is read as ``elbo-best-gap``.

    Args:
        prefix: of the chapter, such as ``elbo``.
        values: by name, a number, a tensor or array of one element, or a text.

    Raises:
        ValueError: a tensor or an array has more than one element.

    Example:
        >>> report("elbo", gap=torch.tensor(0.25), steps=100, device="cpu")
    """
    for name, value in values.items():
        key = f"{prefix}-{name}".replace("_", "-")
        bundle, _ = format_display_data(_plain(key, value))
        record = {"scrapbook": {"name": key, "mime_prefix": _HIDDEN}}
        display({_HIDDEN + kind: data for kind, data in bundle.items()}, raw=True, metadata=record)


def _plain(key: str, value: object) -> object:
    """Return a number of Python's own, whatever it came as."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if not isinstance(value, (np.ndarray, np.generic)):
        return value
    if value.size != 1:
        raise ValueError(
            f"{key} has {value.size} elements, and a sentence shows one: reduce it, or name each"
        )
    return value.item()
