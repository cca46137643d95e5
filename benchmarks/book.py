"""What building the book takes, and with --tests what testing it takes.

The times of the notebooks are those of their last execution, by `make book` or by `make test`; a
notebook that has not been executed by the present code is executed by the first build here.

    python benchmarks/book.py [--tests] [--write]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import report
from jupyter_cache import get_cache

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book/_ext"))

import browser
import notebook_cache

ROOT = browser.ROOT
LIMITS = {"all": 30 * 60, "one": 6 * 60, "most": 2 * 60, "rebuild": 30}


def build() -> float:
    """Build the book; return the seconds."""
    started = time.perf_counter()
    run = browser.build(ROOT)
    if run.returncode:
        sys.exit(f"the build failed:\n{run.stdout[-3000:]}")
    return time.perf_counter() - started


def notebooks() -> dict[str, float]:
    """Return the seconds of the last execution of each notebook."""
    cache, seconds = get_cache(notebook_cache.cache_folder()), {}
    for path in sorted((ROOT / "book").rglob("*.ipynb")):
        record = cache.match_cache_notebook(nbformat.read(path, 4))
        name = path.relative_to(ROOT / "book").with_suffix("").as_posix()
        seconds[name] = record.data["execution_seconds"]
    return seconds


def main() -> None:
    """Measure, print a table, and write it to README.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", action="store_true", help="time `pytest --nbmake` as well")
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()
    first = build()
    again = build()
    executed = notebooks()
    total, longest = sum(executed.values()), max(executed, key=executed.get)
    many = sum(seconds > LIMITS["most"] for seconds in executed.values())
    lines = ["| what | seconds | to reach |", "|---|---:|---:|"]
    lines += [f"| notebook {name} | {seconds:.0f} | |" for name, seconds in executed.items()]
    lines += [
        f"| all notebooks | {total:.0f} | {LIMITS['all']} |",
        f"| the longest, {longest} | {executed[longest]:.0f} | {LIMITS['one']} |",
        f"| the first build here | {first:.0f} | |",
        f"| a build with nothing changed | {again:.0f} | {LIMITS['rebuild']} |",
    ]
    missed = []
    if total > LIMITS["all"]:
        missed.append(f"All notebooks were to run in 30 minutes; they take {total / 60:.0f}.")
    if executed[longest] > LIMITS["one"]:
        missed.append(f"{longest} takes {executed[longest] / 60:.1f} minutes, over 6.")
    if 2 * many > len(executed):
        missed.append(f"Most notebooks were to run in 2 minutes; {many} of them take longer.")
    if again > LIMITS["rebuild"]:
        missed.append(f"A build with nothing changed was to take 30 s; it takes {again:.0f}.")
    if arguments.tests:
        started = time.perf_counter()
        run = subprocess.run([sys.executable, "-m", "pytest", "--nbmake", "-q"], cwd=ROOT)
        if run.returncode:
            sys.exit("the tests failed")
        seconds = time.perf_counter() - started
        lines.append(f"| all tests, with every notebook | {seconds:.0f} | |")
    lines += ["", f"One run; {report.machine()}."]
    table = "\n".join(lines)
    print(table)
    if arguments.write:
        report.write("book", table, missed)


if __name__ == "__main__":
    main()
