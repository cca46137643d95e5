"""The script that makes the flow that ships: ``python -m dgm_core.pretrained flow``.

It goes on where it was stopped, by Ctrl-C or by a power cut. On several processors or GPUs::

    torchrun --nproc-per-node 2 -m dgm_core.pretrained flow

Beside the weights it leaves a log of the training and of its one test, and a picture.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from dgm_core import data
from dgm_core.estimators import mean_and_standard_error
from dgm_core.flows import CoarseToFine, log_masses, train_pyramid
from dgm_core.pretrained import runs
from dgm_core.pretrained.shipped import DIGIT_FLOW
from dgm_core.pretrained.untrained import untrained_digit_flow
from dgm_core.training import History

HELD_OUT = "held-out digits"
UNIT = "bits per dimension"


def main(argv: Sequence[str]) -> int:
    """Run the script; return 0 when it is done and 1 when it was stopped on the way.

    Args:
        argv: the words of the command line after "flow".

    Raises:
        DataError: nothing can be written to the folder for the weights; tried before training.
    """
    options = _options(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    runs.made_sure_of(options.out)
    device = runs.own_device()
    with runs.processes(device) as rank:
        checkpoint = runs.own_checkpoint(options.checkpoint, rank)
        images = data.mnist("train", device)[0][: options.digits]
        images, held_out = runs.split(images)
        torch.manual_seed(options.seed)
        histogram = torch.bincount(images.flatten().long(), minlength=256)
        average, history = train_pyramid(
            untrained_digit_flow(histogram=histogram, dropout=options.dropout).to(device),
            images,
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            seed=options.seed,
            half=options.precision == "bfloat16",
            callback=lambda model: {HELD_OUT: -log_masses(model, held_out[:2000]).mean()},
            checkpoint=checkpoint,
            checkpoint_every=options.checkpoint_every,
            progress=rank == 0,
        )
        if rank:
            checkpoint.unlink(missing_ok=True)
            return 0
        if len(history.loss) < len(images) // options.batch_size * options.epochs:
            print(f"stopped after step {history.step[-1]}; the same command goes on from there")
            return 1
        log = runs.circumstances(options, device) | _record(history)
    log["validation"] = _price(average, held_out)
    print(f"held out: {log['validation'][UNIT]:.4f} {UNIT}")
    if options.validate:
        runs.write_log(options.out / "mnist-flow-validation.json", log)
    else:
        log |= _ship(average, images, options)
        print(f"test: {log['test']['bits per dimension']:.4f} bits per dimension")
        runs.write_log(options.out / DIGIT_FLOW.with_suffix(".json").name, log)
        _draw(log, options.out / DIGIT_FLOW.with_suffix(".png").name)
    return 0


def _ship(model: CoarseToFine, images: Tensor, options: argparse.Namespace) -> dict:
    """Write the weights as float16; test what was written, once, and return the results."""
    path = options.out / DIGIT_FLOW.name
    state = runs.save_half(model, path)
    shipped = untrained_digit_flow().to(images.device)
    shipped.load_state_dict(state)
    before, after = (log_masses(m, images[:1000]).mean().item() for m in (model, shipped))
    return {
        "lost by rounding to float16, in bits per dimension": _bits(before - after),
        "test": _price(shipped, data.mnist("test", images.device)[0][: options.digits]),
        "sha256": runs.sha256(path),
    }


def _price(model: CoarseToFine, images: Tensor) -> dict:
    """Return what images cost on average, and its standard error over them."""
    bits = _bits(-log_masses(model, images))
    mean, error = mean_and_standard_error(bits)
    return {
        "digits": len(bits),
        UNIT: mean,
        "standard error": error,
        "bits per dimension of the first 500": bits[:500].mean().item(),
    }


def _record(history: History) -> dict:
    """Return the course of the training and what it reached on held-out digits."""
    return runs.course_of(history, UNIT, _bits(1.0)) | {
        "held out": [
            {"step": step, UNIT: round(_bits(nats), 4)}
            for step, nats in history.metrics.get(HELD_OUT, ())
        ],
    }


def _bits(nats):
    """Return bits per dimension for nats per digit."""
    return nats / (28 * 28 * math.log(2))


def _draw(log: dict, path: Path) -> None:
    """Draw the training curve, and the test as a line across it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    ax = figure.subplots()
    minutes = [point["seconds"] / 60 for point in log["training curve"]]
    ax.plot(minutes, [point["bits per dimension"] for point in log["training curve"]])
    test = log["test"]["bits per dimension"]
    ax.axhline(test, color="black", linestyle="--", label=f"test, at the end: {test:.3f}")
    ax.set(xlabel="minutes of training", ylabel="training loss (bits per dimension)")
    ax.set_ylim(test - 0.05, test + 0.5)
    ax.legend()
    figure.savefig(path, dpi=100)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = runs.maker_parser("flow", __doc__)
    add = parser.add_argument
    add("--epochs", type=int, default=26, help="passes over the digits: they decide the time")
    add("--batch-size", type=int, default=256, help="digits in a step, of all processes together")
    add("--learning-rate", type=float, default=1e-2, help="the highest")
    add("--dropout", type=float, default=0.05, help="share of the channels left out in training")
    add("--out", type=Path, default=DIGIT_FLOW.parent, help="folder of weights, log and picture")
    return parser.parse_args(argv)
