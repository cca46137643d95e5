"""A virtual environment that holds what the package declares, and nothing else.

Nothing is downloaded: the distributions are those of the environment that runs the tests, as
links. What is installed there beside them cannot be imported from the new one.
"""

import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from tested_versions import closure


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the wheel of the package at ``root`` in an empty ``folder``; return its path.

    From a copy of the sources: the build leaves files beside them.
    """
    sources = folder / "sources"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "dgm_core", sources / "dgm_core", ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, sources)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(sources)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(
    folder: Path, wheel: Path, extra: str = "", beside: Iterable[str] = ()
) -> Path:
    """Make an environment with the wheel and what it declares; return its Python.

    Args:
        folder: where, empty or not there yet.
        wheel: to be installed.
        extra: which of the wheel's extras is asked for, too.
        beside: what else is installed, with all that it needs.

    Raises:
        PackageNotFoundError: what the wheel asks for is not installed here.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True)
    (metadata,) = site.glob("dgm_core-*.dist-info")
    declared = Distribution.at(metadata).requires or []
    for found in (closure(declared, extra) | closure([*beside])).values():
        for path in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (site / path).exists():
                (site / path).symlink_to(found.locate_file(path))
    return python
