"""Models that ship with the package, trained; `pretrain` made them."""

import hashlib
import io
import json
from pathlib import Path

import torch

from dgm_core.coarse_to_fine import CoarseToFine
from dgm_core.data import DataError

#: Weights of the flow of digits; beside them lie the log of their training, and its picture.
DIGIT_FLOW = Path(__file__).parent / "weights/mnist-flow.pt"
#: Channels and residual blocks of its levels, from coarse to fine.
DIGIT_FLOW_LEVELS = (
    (16, (0, 0, 0)),
    (32, (1, 0, 0)),
    (64, (1, 1, 0)),
    (96, (1, 1, 1)),
    (96, (2, 2, 1)),
)

_CURE = (
    "Reinstall dgm_core, or in a clone: git checkout -- dgm_core/weights; or make it anew, in an "
    "hour or two: python -m dgm_core.pretrain flow"
)


def untrained_digit_flow(**options) -> CoarseToFine:
    """Return a flow of the same size with random weights, which is where its training began.

    Args:
        options: more arguments of `CoarseToFine`: `histogram`, `dropout`.
    """
    return CoarseToFine(levels=DIGIT_FLOW_LEVELS, **options)


def digit_flow(device: torch.device | str = "cpu") -> CoarseToFine:
    """Return the trained flow of 28 x 28 digits, in evaluation mode and without gradients.

    Args:
        device: where it is put.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.
    """
    contents = _read(DIGIT_FLOW)
    if hashlib.sha256(contents).hexdigest() != digit_flow_log().get("sha256"):
        raise DataError(f"{DIGIT_FLOW} is damaged: its SHA-256 sum is not the log's. {_CURE}")
    model = untrained_digit_flow()
    state = torch.load(io.BytesIO(contents), map_location="cpu", weights_only=True)
    model.load_state_dict(state)
    return model.to(device).eval().requires_grad_(False)


def digit_flow_log() -> dict:
    """Return what was written down when the flow was trained: settings, time, curve and test.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = DIGIT_FLOW.with_suffix(".json")
    try:
        return json.loads(_read(path))
    except ValueError:
        raise DataError(f"{path} is damaged: it is not JSON. {_CURE}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}. {_CURE}") from None
