"""Flows of this book beside those of normflows and zuko, each trained for the same seconds.

Of the plane: the two moons, whose density is known, so that the distance from the truth is a
divergence. Of digits: dequantized MNIST, and bits per dimension on test digits that all share,
noise and all. Every model has Adam, a rate that rises for 50 steps and falls by the time that has
passed, and gradients of norm 1 at most; its highest rate is the best of four, by a shorter
training and held-out data.

    pip install -r benchmarks/requirements.txt
    python benchmarks/flows.py [--seconds 60] [--plane-seconds 15] [--repeats 3]
        [--only plane|digits] [--write]
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import contestants
import report
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from dgm_core.data import batches, dequantize, mnist
from dgm_core.targets import Moons
from dgm_core.training import adam

RATES = (1e-3, 3e-3, 1e-2, 3e-2)
PLANE = {
    "this book: 8 affine couplings": contestants.our_couplings,
    "this book: 2 spline transforms": contestants.our_splines,
    "normflows: 8 affine couplings": contestants.normflows_couplings,
    "zuko: RealNVP, 8 couplings": contestants.zuko_couplings,
    "zuko: NSF, 3 spline transforms": contestants.zuko_splines,
}
DIGITS = {
    "this book: affine, multi-scale": contestants.our_affine,
    "this book: coarse to fine": contestants.our_coarse_to_fine,
    "normflows: Glow, 2 levels": contestants.normflows_glow,
    "zuko: MAF, 3 transforms": contestants.zuko_maf,
}
BATCH_SIZE = {"plane": 256, "digits": 128}


@dataclass
class Run:
    """What one training gave: a log-density, in nats, its parameters, and the steps it took."""

    log_prob: Callable[[Tensor], Tensor]
    size: int
    steps: int


def train(make: Callable, plan: Iterator[Tensor], rate: float, seconds: float) -> Run:
    """Train for so many seconds."""
    first = torch.cat([next(plan) for _ in range(4)])
    model, log_prob = make(first)
    optimizer = adam(list(model.parameters()), lr=rate)
    started, steps = time.perf_counter(), 0
    while (spent := (time.perf_counter() - started) / seconds) < 1:
        falling = (1 + math.cos(math.pi * spent)) / 2
        optimizer.param_groups[0]["lr"] = rate * min((steps + 1) / 50, 1) * falling
        optimizer.zero_grad()
        loss = -log_prob(next(plan)).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        steps += 1
    model.eval()
    return Run(log_prob, sum(p.numel() for p in model.parameters()), steps)


@torch.no_grad()
def nats(log_prob: Callable, examples: Tensor) -> float:
    """Return the mean of -log p, in nats."""
    return -torch.cat([log_prob(part) for part in examples.split(500)]).mean().item()


def moons() -> Iterator[Tensor]:
    """Yield fresh points of the two moons for ever."""
    while True:
        yield Moons().sample((BATCH_SIZE["plane"],))


def digits() -> Iterator[Tensor]:
    """Yield dequantized training digits for ever, but for the last 10,000."""
    images = mnist("train")[0][:50_000]
    return iter(batches(images, BATCH_SIZE["digits"], epochs=1000, transform=dequantize))


def race(
    field: dict, stream: Callable, sets: tuple, ignorant: float, seconds: float, repeats: int
) -> dict:
    """Return, for each contestant, its size and rate, and its losses and speeds, by turns.

    Args:
        field: contestants by title.
        stream: makes the training data.
        sets: held-out examples, for the choice of the rate, and test examples.
        ignorant: the mean of -log p, in nats, of a density that every flow should better.
        seconds: of training; a quarter for each rate that is tried.
        repeats: seeds.
    """
    held_out, test = sets
    results = {title: {"loss": [], "steps": [], "gained": []} for title in field}
    for title, make in field.items():
        tried = {}
        for rate in RATES:
            torch.manual_seed(99)
            loss = nats(train(make, stream(), rate, seconds / 4).log_prob, held_out)
            tried[rate] = loss if math.isfinite(loss) else math.inf
        results[title]["rate"] = min(tried, key=tried.get)
        print(f"{title}: {tried}", flush=True)
    for seed in range(repeats):
        for title, make in field.items():
            torch.manual_seed(seed)
            run = train(make, stream(), results[title]["rate"], seconds)
            loss = nats(run.log_prob, test)
            results[title]["size"] = run.size
            results[title]["loss"].append(loss)
            results[title]["steps"].append(run.steps / seconds)
            results[title]["gained"].append((ignorant - loss) / seconds)
            print(f"{title}, seed {seed}: {loss:.4f} nats after {run.steps} steps", flush=True)
    return results


def losses(results: dict, ours: str, what: str) -> list[str]:
    """Return a sentence for each contestant that is better than `ours`."""
    medians = {title: statistics.median(r["loss"]) for title, r in results.items()}
    return [
        f"{what}: {title} gets closer than {ours} in the same time."
        for title, loss in medians.items()
        if loss < medians[ours] and not title.startswith("this book")
    ]


def on_the_plane(seconds: float, repeats: int) -> tuple[str, list[str]]:
    """Return the table of the two moons, and what speaks against this book."""
    torch.manual_seed(12345)
    sets = Moons().sample((20_000,)), Moons().sample((100_000,))
    truth = nats(Moons().log_prob, sets[1])
    normal = MultivariateNormal(sets[0].mean(0), sets[0].T.cov())
    results = race(PLANE, moons, sets, nats(normal.log_prob, sets[1]), seconds, repeats)
    head = "| flow | parameters | rate | steps a second | nats gained a second |"
    lines = [f"{head} KL from the truth (nats) |", "|---|---:|---:|---|---|---|"]
    for title, r in results.items():
        kl = report.spread([loss - truth for loss in r["loss"]], 4)
        speeds = f"{report.spread(r['steps'], 0)} | {report.spread(r['gained'], 3)}"
        lines.append(f"| {title} | {r['size']:,} | {r['rate']:g} | {speeds} | {kl} |")
    lines += [
        "",
        "Two moons; nats of a point, gained on the normal distribution of the same mean and "
        f"covariance; {seconds:g} s of training each, batches of {BATCH_SIZE['plane']}; "
        f"{how(repeats)}",
    ]
    return "\n".join(lines), losses(results, "this book: 2 spline transforms", "Two moons")


def on_digits(seconds: float, repeats: int) -> tuple[str, list[str]]:
    """Return the table of the digits, and what speaks against this book."""
    noise = torch.Generator().manual_seed(1)
    sets = [dequantize(x, noise) for x in (mnist("train")[0][50_000:], mnist("test")[0])]
    results = race(DIGITS, digits, sets, 0.0, seconds, repeats)
    head = "| flow | parameters | rate | digits a second | nats gained a second |"
    lines = [f"{head} test bits/dim |", "|---|---:|---:|---|---|---|"]
    for title, r in results.items():
        bits = report.spread([loss / (784 * math.log(2)) + 8 for loss in r["loss"]], 3)
        speed = report.spread([BATCH_SIZE["digits"] * each for each in r["steps"]], 0)
        speeds = f"{speed} | {report.spread(r['gained'], 1)}"
        lines.append(f"| {title} | {r['size']:,} | {r['rate']:g} | {speeds} | {bits} |")
    lines += [
        "",
        "All 10,000 test digits, with one and the same draw of the noise; nats of a digit, gained "
        f"on the uniform density; {seconds:g} s of training each, batches of "
        f"{BATCH_SIZE['digits']}; coarse to fine trains in bfloat16, the others in float32; "
        f"{how(repeats)}",
    ]
    return "\n".join(lines), losses(results, "this book: affine, multi-scale", "Digits")


def how(repeats: int) -> str:
    """Return the end of a table's legend: what its figures are, and of which machine."""
    versions = ", ".join(f"{name} {report.version(name)}" for name in ("normflows", "zuko"))
    spread = f"{repeats} seeds, by turns: median (lowest to highest)"
    return f"{spread}; {report.machine()}, {versions}."


def main() -> None:
    """Measure, print both tables, and write them to README.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="of training, on digits")
    parser.add_argument("--plane-seconds", type=float, default=15)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["plane", "digits"], help="leave the other out")
    parser.add_argument("--write", action="store_true", help="write the tables to README.md")
    arguments = parser.parse_args()
    contests = {
        "plane": (on_the_plane, arguments.plane_seconds),
        "digits": (on_digits, arguments.seconds),
    }
    for name, (contest, seconds) in contests.items():
        if arguments.only in (None, name):
            table, lost = contest(seconds, arguments.repeats)
            print(table, flush=True)
            if arguments.write:
                report.write(f"flows_{name}", table, lost)


if __name__ == "__main__":
    main()
