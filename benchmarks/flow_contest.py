"""Five models of grey digits in one contest of equal work: three smooth flows and two exact ones.

Affine couplings, spline couplings and a masked autoregressive flow are densities of dequantized
digits, and bounded; the coarse-to-fine flow and a small PixelCNN are exact. Each has the same
additions and multiplications, batches of 32, Adam, and a rate that 2,000 validation digits choose
from a list that grows where its end wins. Test digits are seen once, by the chosen rate's seeds.

    python benchmarks/flow_contest.py [--work 6e11] [--seeds 3] [--log FILE] [--only NAME ...]

The log is written after every contestant; what is in it already is not run again.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import report
import torch
from torch import Tensor, nn

from dgm_core.autoregressive import GreyPixelCNN
from dgm_core.data import batches, dequantize, mnist_splits
from dgm_core.flows import (
    LESSON_LEVELS,
    CoarseToFine,
    Compose,
    Flow,
    Logit,
    affine_image_flow,
    masked_layers,
    spline_image_flow,
)
from dgm_core.objectives import bits_per_dim
from dgm_core.pretrained import digit_judge
from dgm_core.protocol import measure, operations
from dgm_core.training import TrainingDiverged, fit

LOG = Path(__file__).parent / "flow_contest.json"
RATES = (3e-3, 1e-2, 3e-2)  # the list that all begin with; it grows by factors of about 3
LADDER = (1e-4, 3e-4, 1e-3, *RATES, 1e-1)
BATCH, LOOKS, DRAWS, SAMPLES = 32, 8, 64, 100
train, validation, test = mnist_splits()


class Smooth(nn.Module):
    """A flow of dequantized digits: a bound on log P, one draw of the noise for each digit."""

    def __init__(self, flow: Flow):
        """Take a flow of vectors in (0, 1), and let it look at 512 training digits."""
        super().__init__()
        self.flow = flow
        flow.bijection.initialize(dequantize(train.images[:512]))

    def log_mass(self, images: Tensor) -> Tensor:
        """Return log p(v) - 784 log 256, (B,), in nats."""
        return self.flow.log_prob(dequantize(images)) - 784 * math.log(256)

    def draw(self, count: int) -> Tensor:
        """Return grey values, (count, 784)."""
        return (256 * self.flow.sample((count,))).floor().clamp(0, 255)


class Pyramid(CoarseToFine):
    """The coarse-to-fine flow of the chapter, which starts from the greys of training digits."""

    def __init__(self):
        """Make it."""
        greys = torch.bincount(train.images.flatten().long(), minlength=256)
        super().__init__(levels=LESSON_LEVELS, histogram=greys)

    def draw(self, count: int) -> Tensor:
        """Return grey values, (count, 784)."""
        return (256 * self.forward(torch.rand(count, 784))[0]).floor()


class Pixels(GreyPixelCNN):
    """Masked convolutions in reading order, which start from the greys of training digits."""

    def __init__(self):
        """Make it."""
        super().__init__(histogram=torch.bincount(train.images.flatten().long(), minlength=256))

    def draw(self, count: int) -> Tensor:
        """Return grey values, (count, 784)."""
        return self.sample((count,)).flatten(1)


def masked_digits() -> Smooth:
    """Return a masked autoregressive flow behind a logit, in reading order and back."""
    return Smooth(Flow(Compose([masked_layers(784, 3, (256,)), Logit(1e-5)]), (784,)))


FIELD: dict[str, Callable[[], nn.Module]] = {
    "affine couplings": lambda: Smooth(affine_image_flow()),
    "spline couplings": lambda: Smooth(spline_image_flow(hidden=(16, 32))),
    "masked autoregressive": masked_digits,
    "coarse to fine": Pyramid,
    "small PixelCNN": Pixels,
}


@torch.no_grad()
def bits(model: nn.Module, images: Tensor) -> Tensor:
    """Return the bits per dimension of each image, (N,), with the same noise for every model."""
    state = torch.get_rng_state()
    torch.manual_seed(12345)
    nats = torch.cat([model.log_mass(part) for part in images.split(250)])
    torch.set_rng_state(state)
    return bits_per_dim(nats, 784)


def trained(make: Callable, rate: float, seed: int, work: float) -> tuple[nn.Module, dict]:
    """Train one model with so much work, and return it with its learning curves."""
    torch.manual_seed(seed)
    model = make()
    step = operations(lambda: model.log_mass(train.images[:BATCH]).mean().backward())
    model.zero_grad()
    steps = int(work / step)
    plan = batches(train.images, BATCH, epochs=1 + steps * BATCH // len(train.images), seed=seed)
    plan = list(iter(plan))[:steps]
    few, curve = validation.images[:250], []

    def look(step: int) -> None:
        curve.append([step, bits(model.eval(), few).mean().item()])
        model.train()

    history = fit(
        lambda x: -model.log_mass(x),
        model.parameters(),
        plan,
        learning_rate=rate,
        warmup_steps=50,
        clip_norm=1.0,
        callback=look,
        callback_every=max(1, steps // LOOKS),
    )
    losses = torch.tensor(history.loss) / (784 * math.log(2))
    each = max(1, len(losses) // 50)  # the training curve: means over fiftieths
    means = losses[: len(losses) // each * each].view(-1, each).mean(1)
    record = {"rate": rate, "seed": seed, "steps": steps, "validation": curve}
    record["training"] = [round(value, 4) for value in means.tolist()]
    record["seconds"] = history.seconds[-1]
    return model.eval(), record


def chosen_rate(name: str, work: float, seed: int = 0) -> tuple[float, dict, nn.Module, dict]:
    """Return the best rate on validation digits, what was tried, and the best model."""
    tried, best = {}, None
    rates = list(RATES)
    while rates:
        rate = rates.pop(0)
        try:
            model, record = trained(FIELD[name], rate, seed, work)
            tried[rate] = bits(model, validation.images[:2000]).mean().item()
        except TrainingDiverged:
            tried[rate] = math.inf
        tried[rate] = tried[rate] if math.isfinite(tried[rate]) else math.inf
        print(f"{name}, rate {rate:g}: {tried[rate]:.4f}", flush=True)
        if best is None or tried[rate] < tried[best[0]]:
            best = rate, model, record
        if not rates:
            place, ends = LADDER.index(best[0]), (min(tried), max(tried))
            if best[0] == ends[0] and place > 0:
                rates = [LADDER[place - 1]]
            elif best[0] == ends[1] and place < len(LADDER) - 1:
                rates = [LADDER[place + 1]]
    return best[0], tried, best[1], best[2]


@torch.no_grad()
def gap(model: nn.Module) -> dict:
    """Estimate log P less the bound, in nats, on 20 test digits; 0 where log P is exact."""
    if not isinstance(model, Smooth):
        return {"at least": 0.0, "by cumulants": 0.0}
    draws = torch.stack([model.log_mass(test.images[:20]) for _ in range(DRAWS)])
    least = draws.logsumexp(0) - math.log(DRAWS) - draws.mean(0)
    # log E exp = mean + variance / 2 + third cumulant / 6 + ...
    middle = draws - draws.mean(0)
    cumulants = draws.var(0) / 2
    third = middle.pow(3).mean(0) / 6
    return {
        "at least": least.mean().item(),
        "by cumulants": cumulants.mean().item(),
        "third cumulant / 6": third.mean().item(),
    }


@torch.no_grad()
def looks(model: nn.Module) -> dict:
    """Draw digits, time it, and ask the judge: of how many is it at least nine tenths sure?"""
    judge = digit_judge()
    torch.manual_seed(7)
    begun = time.perf_counter()
    drawn = model.draw(SAMPLES)
    spent = time.perf_counter() - begun
    sure = judge((drawn / 255).view(SAMPLES, 784)).softmax(1).amax(1) > 0.9
    return {"seconds a sample": spent / SAMPLES, "judge is sure": sure.float().mean().item()}


def compete(name: str, work: float, seeds: int) -> dict:
    """Run one contestant: choose its rate, train its seeds, test each once."""
    rate, tried, model, record = chosen_rate(name, work)
    size = sum(p.numel() for p in model.parameters())
    found = {"parameters": size, "rate": rate, "tried": tried, "runs": [], "test": []}
    for seed in range(seeds):
        if seed:
            model, record = trained(FIELD[name], rate, seed, work)
        each = bits(model, test.images)
        record |= {"test": each.mean().item(), "error over digits": each.std().item() / 100}
        record |= {"gap": gap(model), "samples": looks(model)}
        found["runs"].append(record)
        found["test"].append(record["test"])
        print(f"{name}, seed {seed}: {record['test']:.4f} test bits/dim", flush=True)
    return found


def table(log: dict) -> str:
    """Return the log as a table in Markdown."""
    head = "| model | parameters | rate | digits seen | test bits/dim | exact? | gap at least |"
    lines = [f"{head} gap by cumulants | seconds a sample | judge sure |"]
    lines += ["|---|---:|---:|---:|---|---|---:|---:|---:|---:|"]
    for name, found in log["contestants"].items():
        first, nats = found["runs"][0], 784 * math.log(2)
        of_seeds = measure(torch.tensor(found["test"]), "seeds")
        exact = name in ("coarse to fine", "small PixelCNN")
        sure = sum(run["samples"]["judge is sure"] for run in found["runs"]) / len(found["runs"])
        lines.append(
            f"| {name} | {found['parameters']:,} | {found['rate']:g} | "
            f"{first['steps'] * BATCH:,} | {of_seeds.mean:.3f} ± {of_seeds.error:.3f} | "
            f"{'exact' if exact else 'bound'} | {first['gap']['at least'] / nats:.3f} | "
            f"{first['gap']['by cumulants'] / nats:.3f} | "
            f"{first['samples']['seconds a sample']:.3f} | {sure:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the contest, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=float, default=6e11, help="operations for each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--only", nargs="*", choices=list(FIELD), help="leave the others out")
    arguments = parser.parse_args()
    log = {"work": arguments.work, "seeds": arguments.seeds, "contestants": {}}
    if arguments.log.exists():
        log = json.loads(arguments.log.read_text(encoding="utf8"))
    log["machine"] = report.machine()
    for name in arguments.only or FIELD:
        if name not in log["contestants"]:
            log["contestants"][name] = compete(name, log["work"], log["seeds"])
            text = json.dumps(log, indent=1, ensure_ascii=False)
            arguments.log.write_text(text + "\n", encoding="utf8")
    print(table(log))


if __name__ == "__main__":
    main()
