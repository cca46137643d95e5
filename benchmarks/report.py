"""What the benchmarks share: the machine in words, and a section of README.md to write to."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

import torch
import torchvision

__all__ = ["machine", "version", "write_section"]

README = Path(__file__).parent / "README.md"


def machine() -> str:
    """Return the processor and the versions that a figure depends on."""
    cores = f"{os.cpu_count()} cores ({torch.backends.cpu.get_cpu_capability()})"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{cores}, {device}; Python {platform.python_version()}, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}, {torch.get_num_threads()} threads"
    )


def write_section(name: str, text: str) -> None:
    """Put `text` between the marks of section `name` in README.md."""
    before = README.read_text()
    pattern = rf"(<!-- {name} -->\n).*(<!-- /{name} -->)"
    after, found = re.subn(pattern, lambda m: f"{m[1]}{text}\n{m[2]}", before, flags=re.DOTALL)
    if not found:
        raise ValueError(f"{README} has no section {name!r}")
    README.write_text(after)
