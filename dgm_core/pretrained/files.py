"""Files of models that ship: weights, and beside them the log of their training with a sum."""

import hashlib
import io
import json
from pathlib import Path

import torch

from dgm_core.data import DataError


def read_state(path: Path, cure: str) -> dict:
    """Return the weights in a file whose SHA-256 sum is the one in the log beside it.

    Args:
        path: of the weights.
        cure: what a reader is told to do where the file is missing or damaged.

    Raises:
        DataError: file or log are missing or damaged.
    """
    contents = _read(path, cure)
    if hashlib.sha256(contents).hexdigest() != read_log(path, cure).get("sha256"):
        raise DataError(f"{path} is damaged: its SHA-256 sum is not the log's. {cure}")
    return torch.load(io.BytesIO(contents), map_location="cpu", weights_only=True)


def read_log(weights: Path, cure: str) -> dict:
    """Return the log that lies beside the weights.

    Args:
        weights: their path.
        cure: what a reader is told to do where the log is missing or damaged.

    Raises:
        DataError: the log is missing or damaged.
    """
    path = weights.with_suffix(".json")
    try:
        log = json.loads(_read(path, cure))
    except ValueError:
        raise DataError(f"{path} is damaged: it is not JSON. {cure}") from None
    if not isinstance(log, dict) or "sha256" not in log:
        raise DataError(f"{path} is damaged: it is not the log of a training. {cure}")
    return log


def _read(path: Path, cure: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}. {cure}") from None
