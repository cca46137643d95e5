"""Models that ship with the package, trained; `make_flow` and `make_judge` made them."""

import hashlib
import io
import json
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dgm_core.classifier import DigitClassifier
from dgm_core.data import DataError
from dgm_core.device import default_device
from dgm_core.flows import CoarseToFine, LevelSize

#: Weights of the flow of digits; beside them lie the log of their training, and its picture.
DIGIT_FLOW = Path(__file__).parent / "weights/mnist-flow.pt"
#: Its levels, from coarse to fine.
DIGIT_FLOW_LEVELS = (
    LevelSize(16),
    LevelSize(32, (1, 0, 0)),
    LevelSize(64, (1, 1, 0)),
    LevelSize(96, (1, 1, 1)),
    LevelSize(96, (2, 2, 1)),
)

#: Weights of the classifier that judges generated digits, and beside them the log.
DIGIT_JUDGE = Path(__file__).parent / "weights/mnist-judge.pt"

_CURE = (
    "Reinstall dgm_core, or in a clone: git checkout -- dgm_core/pretrained/weights; "
    "or make it anew, in "
)
_CURE_FLOW = f"{_CURE}an hour or two: python -m dgm_core.pretrained flow"
_CURE_JUDGE = f"{_CURE}a minute: python -m dgm_core.pretrained judge"


def untrained_digit_flow(
    histogram: Float[Tensor, " bins"] | Int[Tensor, " bins"] | None = None, dropout: float = 0.0
) -> CoarseToFine:
    """Return a flow of the same size with random weights, which is where its training began.

    Args:
        histogram: how often each grey value occurs in the training images, (256,); see
            `CoarseToFine`.
        dropout: share of the channels that are set to 0 in training.
    """
    return CoarseToFine(levels=DIGIT_FLOW_LEVELS, histogram=histogram, dropout=dropout)


def digit_flow(device: torch.device | str = "cpu") -> CoarseToFine:
    """Return the trained flow of 28 x 28 digits, in evaluation mode and without gradients.

    Args:
        device: where it is put.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.

    Example:
        >>> from dgm_core.data import mnist
        >>> from dgm_core.objectives import bits_per_dim
        >>> with torch.no_grad():
        ...     log_mass = digit_flow().log_mass(mnist("test")[0][:1])
        >>> 0 < bits_per_dim(log_mass, num_dims=784).item() < 8  # 8 bits: all grey values alike
        True
    """
    model = untrained_digit_flow()
    model.load_state_dict(_state(DIGIT_FLOW, _CURE_FLOW))
    return model.to(device).eval().requires_grad_(False)


def digit_flow_log() -> dict:
    """Return what was written down when the flow was trained: settings, time, curve and test.

    Raises:
        DataError: the file is missing or damaged.

    Example:
        >>> round(digit_flow_log()["test"]["bits per dimension"], 2)
        0.92
    """
    return _log(DIGIT_FLOW, _CURE_FLOW)


def digit_judge(device: torch.device | str | None = None) -> DigitClassifier:
    """Return the trained classifier of digits, in evaluation mode and without gradients.

    Args:
        device: where it is put; None puts it on the default device.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.

    Example:
        >>> from dgm_core.data import mnist
        >>> images, labels = mnist("test")
        >>> digit_judge("cpu").classify(images[:5].flatten(1) / 255), labels[:5]
        (tensor([7, 2, 1, 0, 4]), tensor([7, 2, 1, 0, 4]))
    """
    model = DigitClassifier()
    model.load_state_dict(_state(DIGIT_JUDGE, _CURE_JUDGE))
    device = default_device() if device is None else device
    return model.to(device).eval().requires_grad_(False)


def digit_judge_log() -> dict:
    """Return what was written down when the classifier was trained: settings and test.

    Raises:
        DataError: the file is missing or damaged.
    """
    return _log(DIGIT_JUDGE, _CURE_JUDGE)


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


def _state(path: Path, cure: str) -> dict:
    """Return the weights in a file whose SHA-256 sum is the one in the log beside it."""
    contents = _read(path, cure)
    if hashlib.sha256(contents).hexdigest() != _log(path, cure).get("sha256"):
        raise DataError(f"{path} is damaged: its SHA-256 sum is not the log's. {cure}")
    return torch.load(io.BytesIO(contents), map_location="cpu", weights_only=True)


def _log(weights: Path, cure: str) -> dict:
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
