"""Saving and resuming a training run so that no number changes, as `fit` and `play` do."""

import copy
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

_KEYS = {"identity", "step", "tensors", "optimizers", "random", "history", "sha256"}


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says why, and what to do."""


class Checkpoint:
    """A file that holds a training run: its tensors, optimizers, random state and history."""

    def __init__(
        self,
        path: Path,
        identity: dict,
        tensors: list[Tensor],
        optimizers: Sequence[torch.optim.Optimizer],
    ):
        """Tie a file to what it saves and restores.

        Args:
            path: the file.
            identity: plain values that must agree between the saved run and this one.
            tensors: parameters and buffers.
            optimizers: the optimizers of the parameters.
        """
        self.path = path
        self.identity = identity
        self.tensors = tensors
        self.optimizers = optimizers

    def save(self, step: int, history: dict) -> None:
        """Write the file whole or not at all: a crash leaves the one before.

        Args:
            step: number of steps done.
            history: what happened in them, as plain numbers.
        """
        contents = {
            "identity": self.identity,
            "step": step,
            "tensors": [t.detach() for t in self.tensors],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "random": random_state(self.tensors[0].device),
            "history": history,
        }
        unfinished = _unfinished(self.path)
        torch.save({**contents, "sha256": digest(contents)}, unfinished)
        os.replace(unfinished, self.path)

    def try_to_save(self) -> None:
        """Make the folder and a file in it, before any work that the file is to keep.

        Raises:
            CheckpointError: nothing can be written there.
        """
        reason = "it is a folder" if self.path.is_dir() else None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = _unfinished(self.path)
            unfinished.touch()
            unfinished.unlink()
        except OSError as error:
            reason = f"{error.strerror} ({error.filename})"
        if reason:
            raise CheckpointError(
                f"cannot write {self.path}: {reason}. Give a checkpoint in a folder that can be "
                "written to, or none."
            )

    def load(self) -> tuple[int, dict]:
        """Restore tensors, optimizers and random state; return the step and the history.

        All of them, or none. Nothing in the file is run: it is read with ``weights_only=True``.

        Raises:
            CheckpointError: the file is damaged, is no checkpoint, is of another run, or of a
                device that is not here.
        """
        cure = f"Delete {self.path} to start afresh, or give another file."
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises what the bytes led to, of any type
            reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            raise CheckpointError(
                f"{self.path} is truncated, damaged, or holds more than tensors and plain values; "
                f"nothing in it was run. {cure} ({reason})"
            ) from None
        if not isinstance(saved, dict) or saved.keys() != _KEYS:
            raise CheckpointError(f"{self.path} is not a checkpoint of training.fit. {cure}")
        if saved.pop("sha256") != digest(saved):
            raise CheckpointError(f"{self.path} is damaged: its SHA-256 sum is wrong. {cure}")
        if saved["identity"] != self.identity:
            differences = "; ".join(
                f"{key}: {saved['identity'].get(key)} there, {value} here"
                for key, value in self.identity.items()
                if saved["identity"].get(key) != value
            )
            raise CheckpointError(f"{self.path} is of another run ({differences}). {cure}")
        missing = saved["random"].keys() - random_state(self.tensors[0].device).keys()
        if missing:
            raise CheckpointError(
                f"{self.path} was written on {', '.join(sorted(missing))}, and this run is on "
                f"{self.tensors[0].device}: its random numbers cannot go on here. Put the model "
                f"and the data on the same device again; or: {cure}"
            )
        before = self._everything()
        try:
            self._restore(saved)
        except Exception as error:
            self._restore(before)
            raise CheckpointError(
                f"{self.path} does not fit: {type(error).__name__}: {error}. Nothing was "
                f"changed. {cure}"
            ) from None
        return saved["step"], saved["history"]

    def _everything(self) -> dict:
        """Return copies of all that `load` changes."""
        return {
            "tensors": [t.detach().clone() for t in self.tensors],
            "optimizers": [copy.deepcopy(o.state_dict()) for o in self.optimizers],
            "random": random_state(self.tensors[0].device),
        }

    def _restore(self, saved: dict) -> None:
        with torch.no_grad():
            for tensor, value in zip(self.tensors, saved["tensors"], strict=True):
                tensor.copy_(value)
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        set_random_state(saved["random"])


def digest(part: object) -> str:
    """Return the SHA-256 sum of tensors and plain values: torch reads a flipped bit as a number.

    Args:
        part: a tensor of any shape, a plain value, or a dictionary or sequence of them.
    """
    found = hashlib.sha256()

    def add(part: object) -> None:
        if isinstance(part, Tensor):
            found.update(f"{part.dtype} {list(part.shape)}".encode())
            found.update(part.detach().cpu().flatten().view(torch.uint8).numpy())
        elif isinstance(part, dict):
            add(list(part.items()))
        elif isinstance(part, (list, tuple)):
            found.update(f"{len(part)} of".encode())
            for each in part:
                add(each)
        else:
            found.update(f"{part!r};".encode())

    add(part)
    return found.hexdigest()


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + ".unfinished")


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of torch's default generators: the CPU's, and that of `device`."""
    state = {"cpu": torch.get_rng_state()}
    if device.type in ("cuda", "mps"):
        state[device.type] = torch.get_device_module(device).get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor]) -> None:
    """Set torch's default generators to what `random_state` returned."""
    for kind, value in state.items():
        module = torch if kind == "cpu" else torch.get_device_module(kind)
        module.set_rng_state(value)


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """Leave torch's default generators as they were, whatever is drawn inside."""
    state = random_state(device)
    try:
        yield
    finally:
        set_random_state(state)
