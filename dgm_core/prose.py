"""Numbers for the running text of a page: what a sentence shows was computed by a cell."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import torch
from IPython.core.formatters import format_display_data
from IPython.display import display

# What myst-nb's own `glue` writes, without its import, which costs each kernel a second or two.
_HIDDEN = "application/papermill.record/"


_NUMBER = re.compile(r"([+-]?)([\d,]+(?:\.\d+)?|inf)(?:e([+-]?\d+))?(%?)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | int, spec: str) -> str:
    """Return a number as it is printed: a minus, no hyphen, none before a zero; powers of ten.

    Args:
        value: any number.
        spec: a format of Python's, such as ``.3f``.

    Example:
        >>> number(-1.3863, ".2f"), number(-0.0004, ".2f"), number(1234567.0, ",.0f")
        ('−1.39', '0.00', '1,234,567')
        >>> print(number(0.000312, ".1e"), number(-7.5, ".1e"))
        3.1 × 10⁻⁴ −7.5
    """
    text = format(value + 0.0 if isinstance(value, float) else value, spec)  # -0.0 + 0.0 is 0.0
    if text.startswith("-") and not set(text.partition("e")[0]) - set("-0.,%"):
        text = text[1:]
    return printed(text)


def printed(text: str) -> str:
    """Return a number that Python wrote, such as -1.5e-05, as it is printed: −1.5 × 10⁻⁵.

    Args:
        text: a number, perhaps with ± and another; what is none comes back as it is.

    Example:
        >>> printed("-0.5 ± 0.2"), printed("1-2")
        ('−0.5 ± 0.2', '1-2')
    """
    parts = [_NUMBER.fullmatch(part) for part in text.split(" ± ")]
    return " ± ".join(_printed(*part.groups()) for part in parts) if all(parts) else text


def _printed(sign: str, digits: str, exponent: str | None, unit: str) -> str:
    power = str(int(exponent or 0)).translate(_RAISED)
    times = "" if power == "⁰" else f"\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10{power}"
    return sign.replace("-", "−") + digits + times + unit


def report(prefix: str, **values: object) -> None:
    r"""Hand values to the text, where ``{glue:text}`prefix-name:.2f``` shows them.

    The cell's output shows nothing. Underscores become hyphens, and several values at once get
    a name each: ``report("elbo", best_gap=1.5, bits={"own": 1, "all": 2}, rate=[3, 4])`` is read
    as ``elbo-best-gap``, ``elbo-bits-own``, ``elbo-bits-all``, ``elbo-rate-0``, ``elbo-rate-1``.

    Args:
        prefix: of the chapter, such as ``elbo``.
        values: by name, a number, a tensor or array of one element, or a text; or a mapping, a
            sequence or a dataclass of them, such as `protocol.measure` returns.

    Raises:
        TypeError: a value is none of these.

    Example:
        >>> report("kl", small=0.25, sides=[1.5, 2.5])  # {glue:text}`kl-sides-0:.1f`
        >>> report("kl", wrong=object())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        TypeError: kl-wrong is a object: report numbers, ...
    """
    for name, value in values.items():
        for key, one in _each(f"{prefix}-{name}".replace("_", "-"), value):
            bundle, _ = format_display_data(one)
            hidden = {_HIDDEN + kind: data for kind, data in bundle.items()}
            record = {"scrapbook": {"name": key, "mime_prefix": _HIDDEN}}
            display(hidden, raw=True, metadata=record)


def _each(key: str, value: object) -> list[tuple[str, float | int | str]]:
    """Return numbers of Python's own, whatever they came as, each with its name."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item() if value.size == 1 else list(value)
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, (float, int, str)):
        return [(key, value)]
    if not isinstance(value, (Mapping, list, tuple)):
        raise TypeError(
            f"{key} is a {type(value).__name__}: report numbers, texts, tensors, or several of "
            "them in a mapping or a sequence"
        )
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    return [pair for name, one in items for pair in _each(f"{key}-{name}", one)]
