"""How long a reader waits for the book, and a contributor for its tests; where notebooks spend it.

    python benchmarks/book.py [--rounds 3] [--only page book pdf test check] [--write]

Each command starts from nothing executed, except `make pdf` and `make test`, which follow
`make book`; install the environment first. Run it on a quiet machine. `--write` puts the tables
into README.md, and the notebooks' seconds where the build reads which of them to begin with.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book/_ext"))

import notebook_cache
import notebook_run

ROOT = notebook_cache.ROOT
COMMANDS = {  # name: command, minutes that it should take at most, whether _build goes first
    "page": ("make book PAGE=vae/elbo", 3.0, True),
    "book": ("make book", 12.0, True),
    "pdf": ("make pdf", 5.0, False),
    "test": ("make test", 12.0, False),
    "check": ("make check", 2.0, False),
}
LONGEST = 2.5  # minutes, of a notebook
KINDS = {  # a cell is of the first kind whose pattern its source has
    "imports": r"\A(?:%|import |from |#)",
    "training": r"\b(?:fit|train\w*|descend|learn\w*|play|step)\(|\.backward\(",
    "figure": r"\blive\w*\.|\bGraph\(",
    "plot": r"\bplt\.|\bplotting\.|\bax\.|\bimage_grid\(",
}
OTHER = "evaluation"


def kind(source: str) -> str:
    """Return what a cell does, as far as its source tells."""
    return next((name for name, mark in KINDS.items() if re.search(mark, source)), OTHER)


def measure(names: list[str], rounds: int) -> dict[str, list[float]]:
    """Return the minutes of each command, once a round."""
    minutes = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            command, _, anew = COMMANDS[name]
            if anew:
                shutil.rmtree(ROOT / "_build", ignore_errors=True)
            start = time.perf_counter()
            run = subprocess.run(
                command.split(), cwd=ROOT, capture_output=True, text=True, encoding="utf8"
            )
            if run.returncode:
                sys.exit(f"{command} failed:\n{run.stdout[-6000:]}\n{run.stderr[-2000:]}")
            minutes[name].append((time.perf_counter() - start) / 60)
            print(f"{command}: {minutes[name][-1]:.1f} min", flush=True)
    return minutes


def notebooks() -> dict[str, dict[str, float]]:
    """Return the seconds of each notebook's last execution, whole and by kind of cell."""
    folder, table = notebook_cache.cache_folder(), {}
    for path in sorted((ROOT / "book").rglob("*.ipynb")):
        bundle = notebook_cache.kept(folder, path)
        if bundle is None:
            sys.exit(f"{path} has not been executed: run make book")
        data = bundle.record.data
        row = {"whole": data["execution_seconds"], **dict.fromkeys([*KINDS, OTHER], 0.0)}
        for cell, seconds in zip(nbformat.read(path, 4).cells, data["cell_seconds"], strict=True):
            if cell.cell_type == "code":
                row[kind(cell.source)] += seconds
        table[notebook_run.name_of(path)] = row
    return table


def main() -> None:
    """Measure, print the tables, and write them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--write", action="store_true", help="write the tables to README.md")
    arguments = parser.parse_args()
    minutes = measure(arguments.only, arguments.rounds)

    lines, missed = ["| command | minutes | to reach |", "|---|---|---:|"], []
    for name, values in minutes.items():
        command, goal, _ = COMMANDS[name]
        lines.append(f"| `{command}` | {report.spread(values, 1)} | {goal:g} |")
        if statistics.median(values) > goal:
            middle = statistics.median(values)
            missed.append(f"`{command}` was to take {goal:g} minutes; it takes {middle:.1f}.")
    lines += ["", f"Rounds: {arguments.rounds}; {report.machine()}."]
    commands = "\n".join(lines)

    rows = notebooks()
    heads = list(next(iter(rows.values())))
    lines = [f"| notebook | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for name, row in rows.items():
        lines.append(f"| {name} | {' | '.join(f'{row[head]:.0f}' for head in heads)} |")
    whole = {head: sum(row[head] for row in rows.values()) for head in heads}
    lines.append(f"| *all* | {' | '.join(f'{whole[head]:.0f}' for head in heads)} |")
    pool = notebook_run.kernels()
    threads = max(1, notebook_run.cores() // pool)
    lines += [
        "",
        f"Seconds of the last execution, {pool} notebooks at a time with {threads} thread(s) "
        "each; *whole* has the start of the kernel, too. "
        f"What a cell does is guessed from its source. {report.machine()}.",
    ]
    split = "\n".join(lines)
    longest = max(rows, key=lambda name: rows[name]["whole"])
    if rows[longest]["whole"] > 60 * LONGEST:
        took = rows[longest]["whole"] / 60
        missed.append(
            f"No notebook was to take over {LONGEST} minutes; {longest} takes {took:.1f}."
        )
    print(commands, split, sep="\n\n")
    if arguments.write:
        if minutes:
            report.write("book", commands, missed)
        report.write("notebooks", split, [])
        seconds = {name: round(row["whole"]) for name, row in rows.items()}
        text = json.dumps(seconds, indent=2) + "\n"
        (ROOT / "book/_ext/notebook_seconds.json").write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
