"""The script that makes the flow that ships: ``python -m dgm_core.pretrained flow``.

It goes on where it was stopped, by Ctrl-C or by a power cut. On several processors or GPUs::

    torchrun --nproc-per-node 2 -m dgm_core.pretrained flow

Beside the weights it leaves a log of the training and of its one test, and a picture.
"""

import argparse
import hashlib
import json
import math
import os
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from dgm_core import data
from dgm_core.device import default_device
from dgm_core.flows import CoarseToFine, log_masses, train_pyramid
from dgm_core.pretrained.shipped import DIGIT_FLOW, made_sure_of, untrained_digit_flow
from dgm_core.training import History

HELD_OUT = "held-out digits"


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
    made_sure_of(options.out)
    device = default_device()
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    with processes(device) as rank:
        checkpoint = _own_checkpoint(options.checkpoint, rank)
        images = data.mnist("train", device)[0][: options.digits]
        trained_on = len(images) * 5 // 6 if options.validate else len(images)
        images, held_out = images[:trained_on], images[trained_on:]
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
            callback=lambda model: (
                {HELD_OUT: -log_masses(model, held_out).mean()} if options.validate else {}
            ),
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
        log = _circumstances(options, device) | _record(history)
    if options.validate:
        print(f"held out: {log['held out'][-1]['bits per dimension']:.4f} bits per dimension")
        _write(options.out / "mnist-flow-validation.json", log)
    else:
        log |= _ship(average, images, options)
        print(f"test: {log['test']['bits per dimension']:.4f} bits per dimension")
        _write(options.out / DIGIT_FLOW.with_suffix(".json").name, log)
        _draw(log, options.out / DIGIT_FLOW.with_suffix(".png").name)
    return 0


@contextmanager
def processes(device: torch.device) -> Iterator[int]:
    """Join the processes that torchrun started, if it did; give the number of this one.

    Args:
        device: where this process computes; decides how the processes talk.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield 0
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield dist.get_rank()
    finally:
        dist.destroy_process_group()


def _own_checkpoint(path: Path, rank: int) -> Path:
    """Return the file for a process: the first owns it, the others begin from copies of it."""
    if rank:
        own = path.with_name(f"{path.name}.{rank}")
        own.unlink(missing_ok=True)
        if path.exists():
            shutil.copy(path, own)
        path = own
    if dist.is_initialized():
        dist.barrier()  # nobody writes before all have read
    return path


def _ship(model: CoarseToFine, images: Tensor, options: argparse.Namespace) -> dict:
    """Write the weights as float16; test what was written, once, and return the results."""
    state = {name: value.half().cpu().contiguous() for name, value in model.state_dict().items()}
    path = options.out / DIGIT_FLOW.name
    torch.save(state, path)
    shipped = untrained_digit_flow().to(images.device)
    shipped.load_state_dict(state)
    before, after = (log_masses(m, images[:1000]).mean().item() for m in (model, shipped))
    digits = data.mnist("test", images.device)[0][: options.digits]
    test = _bits(-log_masses(shipped, digits))
    return {
        "lost by rounding to float16, in bits per dimension": _bits(before - after),
        "test": {
            "digits": len(test),
            "bits per dimension": test.mean().item(),
            "standard error": test.std().item() / math.sqrt(len(test)),
            "bits per dimension of the first 500": test[:500].mean().item(),
        },
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _record(history: History, points: int = 200) -> dict:
    """Return the course of the training; losses are means over equal stretches of it."""
    width = -(-len(history.loss) // points)
    ends = range(width, len(history.loss) + 1, width)
    return {
        "steps": len(history.loss),
        "training seconds": round(history.seconds[-1], 1),
        "training curve": [
            {
                "step": history.step[end - 1],
                "seconds": round(history.seconds[end - 1], 1),
                "bits per dimension": round(
                    _bits(sum(history.loss[end - width : end]) / width), 4
                ),
            }
            for end in ends
        ],
        "held out": [
            {"step": step, "bits per dimension": round(_bits(nats), 4)}
            for step, nats in history.metrics.get(HELD_OUT, ())
        ],
    }


def _bits(nats):
    """Return bits per dimension for nats per digit."""
    return nats / (28 * 28 * math.log(2))


def _circumstances(options: argparse.Namespace, device: torch.device) -> dict:
    """Return what a reader needs to know to run the same again."""
    local = ("out", "checkpoint", "checkpoint_every")  # of this machine, not of the run
    return {
        "options": {name: v for name, v in vars(options).items() if name not in local},
        "finished": time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "processes": dist.get_world_size() if dist.is_initialized() else 1,
    }


def _write(path: Path, log: dict) -> None:
    path.write_text(json.dumps(log, indent=1) + "\n", encoding="utf8")


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
    about, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        "python -m dgm_core.pretrained flow", description=about, epilog=more
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(model="flow")  # for the log
    add = parser.add_argument
    add("--epochs", type=int, default=26, help="passes over the digits: they decide the time")
    add("--batch-size", type=int, default=256, help="digits in a step, of all processes together")
    add("--learning-rate", type=float, default=1e-2, help="the highest")
    add("--dropout", type=float, default=0.05, help="share of the channels left out in training")
    add("--seed", type=int, default=0)
    add("--precision", choices=["bfloat16", "float32"], default="bfloat16")
    add("--threads", type=int, help="of each process; torch's choice if left out")
    add("--validate", action="store_true", help="hold a sixth out to measure on; ship nothing")
    add("--digits", type=int, help="only the first so many digits, for a trial")
    add("--out", type=Path, default=DIGIT_FLOW.parent, help="folder of weights, log and picture")
    add("--checkpoint", type=Path, default=Path("checkpoints/pretrain-flow.pt"))
    add("--checkpoint-every", type=int, default=150, help="steps; a power cut costs so many")
    return parser.parse_args(argv)
