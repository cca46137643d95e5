"""What the benchmarks share: the machine in words, and a section of README.md to write to."""

import os
import platform
import re
import statistics
from importlib.metadata import version
from pathlib import Path

import torch
import torchvision

__all__ = ["machine", "spread", "version", "write"]

README = Path(__file__).parent / "README.md"


def machine() -> str:
    """Return the processor and the versions that a figure depends on."""
    cores = f"{os.cpu_count()} cores ({torch.backends.cpu.get_cpu_capability()})"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{cores}, {device}; Python {platform.python_version()}, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}, {torch.get_num_threads()} threads"
    )


def spread(values: list[float], digits: int = 2) -> str:
    """Return the median, and from where to where the values go."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def write(name: str, table: str, not_better: list[str]) -> None:
    """Put a table into section `name` of README.md, and what it has against this book on top.

    Args:
        name: of the section, between whose marks the table goes.
        table: Markdown.
        not_better: a sentence for each comparison that the book loses; they go to the first
            section of the file, in place of what the last run put there.
    """
    _replace(name, table)
    _replace(f"{name}: not better", "\n".join(f"- {line}" for line in not_better))


def _replace(mark: str, text: str) -> None:
    before = README.read_text(encoding="utf8")
    pattern = rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)"
    after, found = re.subn(
        pattern, lambda m: f"{m[1]}{text}{chr(10) if text else ''}{m[2]}", before, flags=re.DOTALL
    )
    if not found:
        raise ValueError(f"{README} has no section {mark!r}")
    README.write_text(after, encoding="utf8")
