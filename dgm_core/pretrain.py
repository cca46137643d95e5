"""The script that makes the weights that ship with the book: ``python -m dgm_core.pretrain flow``.

It goes on where it was stopped, by Ctrl-C or by a power cut. On several processors or GPUs::

    torchrun --nproc-per-node 2 -m dgm_core.pretrain flow

Beside the weights it leaves a log, in JSON, and a picture of the training curve.
"""

import argparse
import copy
import hashlib
import json
import math
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dgm_core import data, training
from dgm_core.coarse_to_fine import WEIGHTS, CoarseToFine
from dgm_core.device import default_device
from dgm_core.history import History

adamw = partial(torch.optim.AdamW, betas=(0.9, 0.99), weight_decay=0.0)


class Loss(nn.Module):
    """Minus the log-probability of images, as a module, which is what several processes need.

    Args:
        model: the flow.
        half: whether the networks compute in bfloat16; probabilities stay in float32.
    """

    def __init__(self, model: CoarseToFine, half: bool):
        """Wrap the model."""
        super().__init__()
        self.model, self.half = model, half

    def forward(self, images: UInt8[Tensor, " batch h w"]) -> Float[Tensor, " batch"]:
        """Return -log P of each image, (B,), in nats."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.half):
            return -self.model.log_mass(images)


def train(
    model: CoarseToFine,
    images: UInt8[Tensor, " n h w"],
    *,
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 1e-2,
    seed: int = 0,
    half: bool = True,
    held_out: UInt8[Tensor, " m h w"] | None = None,
    **fit_options,
) -> tuple[CoarseToFine, History]:
    """Train a coarse-to-fine flow, in this process or in every one that `torchrun` started.

    Args:
        model: the flow, changed in place, on the device of `images`.
        images: training images, uint8, (N, side, side).
        epochs: passes over them.
        batch_size: images in a step, of all processes together.
        learning_rate: the highest.
        seed: of the order of the images.
        half: whether the networks compute in bfloat16.
        held_out: images to measure after every epoch, (M, side, side).
        fit_options: more arguments of `training.fit`, for instance `checkpoint`.

    Returns:
        A running average of the model over the last few hundred steps, which is better than the
        model itself; and the history, its losses in nats.

    Raises:
        ValueError: the batch cannot be shared evenly among the processes.

    References:
        Polyak and Juditsky (1992), Acceleration of Stochastic Approximation by Averaging.
    """
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if batch_size % world:
        raise ValueError(f"{batch_size} images a step do not share out among {world} processes")
    model.to(memory_format=torch.channels_last)
    loss = Loss(model, half)
    if world > 1:
        loss = DistributedDataParallel(loss)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.995))
    plan = data.batches(
        images, batch_size, epochs, transform=lambda batch: batch[rank::world], seed=seed
    )

    def measure(step):
        if held_out is not None:
            nats = -log_masses(average.module, held_out).mean().item()
            return {"held-out digits": nats}

    history = training.fit(
        loss,
        model.parameters(),
        plan,
        learning_rate=learning_rate,
        warmup_steps=100,
        optimizer=partial(adamw, fused=images.device.type in ("cpu", "cuda", "mps")),
        clip_norm=1.0,
        after_step=lambda: average.update_parameters(model),
        buffers=average.state_dict().values(),
        callback=measure,
        callback_every=plan.steps_per_epoch,
        **fit_options,
    )
    return average.module, history


@torch.no_grad()
def log_masses(
    model: CoarseToFine, images: UInt8[Tensor, " n h w"], chunk_size: int = 250
) -> Float[Tensor, " n"]:
    """Return log P of each of many images, in nats, (N,).

    Args:
        model: the flow.
        images: uint8, (N, side, side).
        chunk_size: images at once; it bounds the memory.
    """
    return torch.cat([model.log_mass(part) for part in images.split(chunk_size)])


def rounded(model: CoarseToFine) -> CoarseToFine:
    """Return a copy whose weights are float16 numbers, as in the file; it computes as before."""
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.copy_(parameter.half())
    return copied


def save(model: CoarseToFine, folder: Path, log: dict, history: History) -> None:
    """Write weights in float16, log and picture into a folder; the log holds the weights' sum.

    Args:
        model: what `rounded` returned.
        folder: made if it isn't there.
        log: plain numbers and words.
        history: of the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS.name
    state = {name: value.half().cpu().contiguous() for name, value in model.state_dict().items()}
    torch.save(state, weights)
    log = log | {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    weights.with_suffix(".json").write_text(json.dumps(log, indent=1) + "\n")

    from matplotlib.figure import Figure  # here, because training itself needs no figures

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    ax = history.plot(figure.subplots())
    ax.set_title(f"test: {log['test']['bits per dimension']:.3f} bits per dimension")
    figure.savefig(weights.with_suffix(".png"), dpi=100)


def curve(history: History, dimensions: int, points: int = 200) -> list[dict[str, float]]:
    """Return the means of the training loss over equal stretches of the run.

    Args:
        history: of the training.
        dimensions: pixels of an image.
        points: stretches, at most.
    """
    width = -(-len(history.loss) // points)
    return [
        {
            "step": history.step[end - 1],
            "seconds": round(history.seconds[end - 1], 1),
            "bits per dimension": round(
                bits(sum(history.loss[end - width : end]) / width, dimensions), 4
            ),
        }
        for end in range(width, len(history.loss) + 1, width)
    ]


def bits(nats: float, dimensions: int) -> float:
    """Return bits per dimension for nats per image of so many dimensions."""
    return nats / dimensions / math.log(2)


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; return 0 when it is done and 1 when it was stopped on the way.

    Args:
        argv: the words of the command line; None takes them from `sys.argv`.
    """
    options = _options(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = default_device()
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    with processes(device) as rank:
        return _run(options, device, rank)


def _run(options: argparse.Namespace, device: torch.device, rank: int) -> int:
    images, held_out = data.mnist("train", device)[0][: options.digits], None
    if options.validate:
        cut = len(images) * 5 // 6
        images, held_out = images[:cut], images[cut:]
    checkpoint = options.checkpoint
    if rank:  # only the first process owns the file; the others begin from a copy of it
        checkpoint = checkpoint.with_name(f"{checkpoint.name}.{rank}")
        checkpoint.unlink(missing_ok=True)
        if options.checkpoint.exists():
            shutil.copy(options.checkpoint, checkpoint)
    if dist.is_initialized():
        dist.barrier()
    torch.manual_seed(options.seed)
    histogram = torch.bincount(images.flatten().long(), minlength=256)
    average, history = train(
        CoarseToFine(histogram=histogram).to(device),
        images,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
        half=options.precision == "bfloat16",
        held_out=held_out,
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
    dimensions = images[0].numel()
    log = _circumstances(options, device) | {
        "steps": len(history.loss),
        "training seconds": round(history.seconds[-1], 1),
        "training curve": curve(history, dimensions),
        "held out": [
            [step, bits(nats, dimensions)]
            for step, nats in history.metrics.get("held-out digits", ())
        ],
    }
    if options.validate:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "validation.json").write_text(json.dumps(log, indent=1) + "\n")
        print(f"held out: {log['held out'][-1][1]:.4f} bits per dimension")
        return 0
    shipped = rounded(average)
    before, after = (log_masses(m, images[:1000]).mean().item() for m in (average, shipped))
    log["bits per dimension lost by rounding"] = bits(before - after, dimensions)
    test = bits(-log_masses(shipped, data.mnist("test", device)[0][: options.digits]), dimensions)
    log["test"] = {
        "digits": len(test),
        "bits per dimension": test.mean().item(),
        "standard error": test.std().item() / math.sqrt(len(test)),
    }
    save(shipped, options.out, log, history)
    print(f"test: {log['test']['bits per dimension']:.4f} bits per dimension")
    return 0


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


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m dgm_core.pretrain", description=__doc__)
    add = parser.add_argument
    add("model", choices=["flow"])
    add("--epochs", type=int, default=14, help="passes over the digits; they decide the time")
    add("--batch-size", type=int, default=64, help="of all processes together")
    add("--learning-rate", type=float, default=1e-2)
    add("--seed", type=int, default=0)
    add("--precision", choices=["bfloat16", "float32"], default="bfloat16")
    add("--threads", type=int, help="of this process; torch's choice if left out")
    add(
        "--validate",
        action="store_true",
        help="hold a sixth of the digits out; no test, no weights",
    )
    add("--digits", type=int, help="only the first so many digits, for a trial")
    add("--out", type=Path, default=WEIGHTS.parent, help="folder of weights, log and picture")
    add("--checkpoint", type=Path, default=Path("checkpoints/pretrain-flow.pt"))
    add("--checkpoint-every", type=int, default=150, help="steps; a power cut costs so many")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
