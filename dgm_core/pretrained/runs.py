"""What the makers of shipped models share: processes, checkpoints, records, and the files left."""

import argparse
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from dgm_core.data import DataError
from dgm_core.device import default_device
from dgm_core.training import History


def made_sure_of(folder: Path) -> None:
    """Make the folder that a training will write to, and try to, before the training.

    Args:
        folder: of the weights and the log.

    Raises:
        DataError: it cannot be made, or not be written to.
    """
    trial = folder / ".trial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise DataError(
            f"cannot write to {folder}: {error.strerror} ({error.filename}). Give another folder, "
            "by --out"
        ) from None


def own_device() -> torch.device:
    """Return the device of this process: with torchrun, each has a GPU of its own."""
    device = default_device()
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    return device


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


def own_checkpoint(path: Path, rank: int) -> Path:
    """Return the file for a process: the first owns it, the others begin from copies of it.

    Args:
        path: the file of the first process.
        rank: the number of this one.
    """
    if rank:
        own = path.with_name(f"{path.name}.{rank}")
        own.unlink(missing_ok=True)
        if path.exists():
            shutil.copy(path, own)
        path = own
    if dist.is_initialized():
        dist.barrier()  # nobody writes before all have read
    return path


def split(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first five sixths, to train on, and the rest, to choose settings on.

    Args:
        images: the training digits of MNIST, or the first of them, for a trial; (N, ...).

    Returns:
        (5N / 6, ...) and (N / 6, ...), rounded.
    """
    cut = len(images) * 5 // 6
    return images[:cut], images[cut:]


def save_half(model: nn.Module, path: Path) -> dict[str, Tensor]:
    """Write the weights of a model as float16; return what was written.

    Args:
        model: on any device.
        path: the file; its folder is made.
    """
    state = {name: value.half().cpu().contiguous() for name, value in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    return state


def sha256(path: Path) -> str:
    """Return the sum of a file, as its log holds it.

    Args:
        path: the file.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def circumstances(options: argparse.Namespace, device: torch.device) -> dict:
    """Return what a reader needs to know to run the same again.

    Args:
        options: of the command line.
        device: where it was computed.
    """
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


def course_of(history: History, unit: str, factor: float = 1.0, points: int = 200) -> dict:
    """Return the course of a training; losses are means over equal stretches of it.

    Args:
        history: of the training.
        unit: of the losses, in words.
        factor: from the history's numbers to that unit.
        points: stretches, at most.
    """
    width = -(-len(history.loss) // points)
    ends = range(width, len(history.loss) + 1, width)
    return {
        "steps": len(history.loss),
        "training seconds": round(history.seconds[-1], 1),
        "training curve": [
            {
                "step": history.step[end - 1],
                "seconds": round(history.seconds[end - 1], 1),
                unit: round(factor * sum(history.loss[end - width : end]) / width, 4),
            }
            for end in ends
        ],
    }


def write_log(path: Path, log: dict) -> None:
    """Write a log as JSON.

    Args:
        path: the file; its folder is made.
        log: plain values.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(log, indent=1) + "\n", encoding="utf8")


def draw_course(log: dict, path: Path, unit: str, level: tuple[str, float] | None = None) -> None:
    """Draw the training curve, and a result as a line across it.

    Args:
        log: with the `course_of` in it.
        path: the picture.
        unit: of the losses, as in `course_of`.
        level: what the line is, in words, and its height.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    ax = figure.subplots()
    minutes = [point["seconds"] / 60 for point in log["training curve"]]
    ax.plot(minutes, [point[unit] for point in log["training curve"]])
    if level:
        ax.axhline(level[1], color="black", linestyle="--", label=level[0])
        ax.legend()
    ax.set(xlabel="minutes of training", ylabel=f"training loss ({unit})")
    figure.savefig(path, dpi=100)


def maker_parser(model: str, about: str) -> argparse.ArgumentParser:
    """Make the parser of a maker's command line, with the options that all makers have.

    Args:
        model: the word that chooses the maker.
        about: the maker's docstring: a sentence, and more.
    """
    sentence, _, more = about.partition("\n\n")
    made = argparse.ArgumentParser(
        f"python -m dgm_core.pretrained {model}",
        description=sentence,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(model=model)  # for the log
    add = made.add_argument
    add("--seed", type=int, default=0)
    add("--precision", choices=["bfloat16", "float32"], default="bfloat16")
    add("--threads", type=int, help="of each process; torch's choice if left out")
    add(
        "--validate",
        action="store_true",
        help="only measure on the digits held out",
    )
    add("--digits", type=int, help="only the first so many digits, for a trial")
    add("--checkpoint", type=Path, default=Path(f"checkpoints/pretrain-{model}.pt"))
    add("--checkpoint-every", type=int, default=150, help="steps; a power cut costs so many")
    return made
