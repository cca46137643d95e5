"""Write constraints.txt: the versions, in the environment that runs this, of all that is required.

    python tools/tested_versions.py

Run it in an environment in which every test has passed.
"""

import re
import sys
from importlib import import_module
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
# PyTorch names the versions of its libraries for graphics cards itself, other ones in each build.
CHOSEN_BY_TORCH = re.compile(r"nvidia-|cuda-|triton$")
HEADER = """\
# With these versions every test has passed, on Python {python}; newer ones mostly work, too.
# pip install -r requirements.txt -c constraints.txt
# Written by tools/tested_versions.py.
"""


def closure(requirements: list[str], extra: str = "") -> dict[str, Distribution]:
    """Return the distributions that requirements ask for, and those that these ask for, by name.

    Args:
        requirements: as in a distribution's metadata.
        extra: which one the markers of these may speak of.

    Raises:
        PackageNotFoundError: one is not installed here.
    """
    found: dict[str, Distribution] = {}
    waiting, done = [(text, extra) for text in requirements], set()
    while waiting:
        text, extra = waiting.pop()
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        found.setdefault(name, distribution(name))
        for each in {"", *wanted.extras} - {e for n, e in done if n == name}:
            done.add((name, each))
            waiting += [(text, each) for text in found[name].requires or []]
    return found


def project() -> dict:
    """Return what pyproject.toml says of the package."""
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]


def required() -> list[str]:
    """Return what pyproject.toml and requirements.txt name."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf8").splitlines()
    lines = [line.partition("#")[0].strip() for line in lines]
    pages = project()["optional-dependencies"]["pages"]
    return [*project()["dependencies"], *pages, *(x for x in lines if x and x[0] != "-")]


def constraints() -> str:
    """Return the text of constraints.txt for this environment."""
    found = closure(required())
    lines = [
        f"{name}=={Version(each.version).public}"  # without +cpu, which only pytorch.org has
        for name, each in sorted(found.items())
        if not CHOSEN_BY_TORCH.match(name)
    ]
    python = "{}.{}".format(*sys.version_info)
    return HEADER.format(python=python) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "constraints.txt").write_text(constraints(), encoding="utf8")
