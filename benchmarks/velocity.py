"""Flow matching of this book beside that of `flow_matching`: one network, the two moons.

The library has paths and solvers, and leaves the loop to its user: so its loss stands in the usual
loop, with torch's Adam, and this book's loss in `fit`, and in the usual loop as well. Equal steps,
equal schedule; the highest rate of each is the best of four on validation points.

    pip install -r benchmarks/requirements.txt
    python benchmarks/velocity.py [--steps 2000] [--repeats 3] [--write]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import report
import torch
from flow_matching.path import CondOTProbPath
from torch import Tensor

from dgm_core.data import batches
from dgm_core.diffusion import TimeMLP, flow_matching_loss, ode_log_prob
from dgm_core.targets import Moons
from dgm_core.training import fit, warmup_cosine

RATES = (3e-3, 1e-2, 3e-2, 1e-1)
BATCH, WARMUP, SOLVER_STEPS = 256, 50, 20
OURS = "this book: its loss, `fit`"


def our_loss(velocity: TimeMLP) -> Callable[[Tensor], Tensor]:
    """Return this book's loss of a batch, (B,)."""
    return lambda x: flow_matching_loss(velocity, x)


def their_loss(velocity: TimeMLP) -> Callable[[Tensor], Tensor]:
    """Return the loss of a batch as the library's own example has it, (B, 2)."""
    path = CondOTProbPath()

    def loss(x: Tensor) -> Tensor:
        sample = path.sample(t=torch.rand(len(x)), x_0=torch.randn_like(x), x_1=x)
        return (velocity(sample.x_t, sample.t) - sample.dx_t) ** 2

    return loss


def by_fit(loss: Callable, velocity: TimeMLP, points: Tensor, rate: float, seed: int) -> None:
    """Train by the book's loop."""
    plan = batches(points, batch_size=BATCH, epochs=1, seed=seed)
    fit(loss(velocity), velocity.parameters(), plan, learning_rate=rate, warmup_steps=WARMUP)


def by_usual_loop(
    loss: Callable, velocity: TimeMLP, points: Tensor, rate: float, seed: int
) -> None:
    """Train as examples do, with torch's Adam and the schedule of the book's loop."""
    optimizer = torch.optim.Adam(velocity.parameters(), lr=rate)
    factor, steps, batch_loss = warmup_cosine(WARMUP), len(points) // BATCH, loss(velocity)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))
    for step, index in enumerate(order.split(BATCH), start=1):
        optimizer.param_groups[0]["lr"] = rate * factor(step, steps)
        optimizer.zero_grad()
        batch_loss(points[index]).mean().backward()
        optimizer.step()


CONTESTANTS = {
    OURS: (by_fit, our_loss),
    "this book: its loss, usual loop": (by_usual_loop, our_loss),
    "flow_matching: `CondOTProbPath`, usual loop": (by_usual_loop, their_loss),
}


def train(title: str, points: Tensor, rate: float, seed: int) -> tuple[TimeMLP, float]:
    """Return a trained velocity, and the steps a second."""
    loop, loss = CONTESTANTS[title]
    torch.manual_seed(seed)
    velocity, started = TimeMLP(2, (64, 64, 64)), time.perf_counter()
    loop(loss, velocity, points, rate, seed)
    return velocity.requires_grad_(False), len(points) / BATCH / (time.perf_counter() - started)


def lost(velocity: TimeMLP, points: Tensor) -> float:
    """Return the KL divergence of the moons from the model, on points, in nats."""
    log_p = torch.cat([ode_log_prob(velocity, x, SOLVER_STEPS) for x in points.split(5000)])
    return (Moons().log_prob(points) - log_p).mean().item()


def main() -> None:
    """Measure, print the table, and write it to README.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="of each training")
    parser.add_argument("--repeats", type=int, default=3, help="seeds")
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()
    torch.manual_seed(12345)
    points = Moons().sample((arguments.steps * BATCH,))
    validation, test = Moons().sample((2_000,)), Moons().sample((20_000,))
    best = {}
    for title in CONTESTANTS:
        tried = {rate: lost(train(title, points, rate, 99)[0], validation) for rate in RATES}
        best[title] = min(tried, key=tried.get)
        print(f"{title}: {tried}", flush=True)
    found = {title: ([], []) for title in CONTESTANTS}
    for seed in range(arguments.repeats):
        for title in CONTESTANTS:
            velocity, speed = train(title, points, best[title], seed)
            found[title][0].append(speed)
            found[title][1].append(lost(velocity, test))
            print(f"{title}, seed {seed}: {speed:.0f} steps/s, {found[title][1][-1]:.4f} nats")
    lines = [
        "| training | rate | steps a second | KL from the truth (nats) |",
        "|---|---:|---|---|",
    ]
    for title, (speeds, kls) in found.items():
        row = f"{report.spread(speeds, 0)} | {report.spread(kls, 4)}"
        lines.append(f"| {title} | {best[title]:g} | {row} |")
    lines += [
        "",
        f"Two moons, 20,000 test points, Runge-Kutta in {SOLVER_STEPS} steps; {arguments.steps:,} "
        f"steps with batches of {BATCH} each; {arguments.repeats} seeds, by turns: median (lowest "
        f"to highest); {report.machine()}, flow_matching {report.version('flow_matching')}.",
    ]
    table = "\n".join(lines)
    print(table)
    middle = {title: [statistics.median(v) for v in values] for title, values in found.items()}
    faster = [title for title, (speed, _) in middle.items() if speed > middle[OURS][0]]
    nearer = [title for title, (_, kl) in middle.items() if kl < middle[OURS][1]]
    against = [f"Two moons: {title} makes more steps a second than `fit`." for title in faster]
    against += [f"Two moons: {title} comes closer in as many steps." for title in nearer]
    if arguments.write:
        report.write("velocity", table, against)


if __name__ == "__main__":
    main()
