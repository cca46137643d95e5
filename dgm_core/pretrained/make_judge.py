"""The script that makes the classifier that ships: ``python -m dgm_core.pretrained judge``.

It takes a minute. Beside the weights it leaves a log of the settings and of the one test. With
``--validate`` it holds a sixth of the training digits out to measure on, and ships nothing.
"""

import argparse
import hashlib
import json
import math
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from dgm_core import data
from dgm_core.classifier import DigitClassifier, digit_classifier
from dgm_core.device import default_device
from dgm_core.pretrained import runs
from dgm_core.pretrained.shipped import DIGIT_JUDGE


def main(argv: Sequence[str]) -> int:
    """Run the script; return 0.

    Args:
        argv: the words of the command line after "judge".

    Raises:
        DataError: nothing can be written to the folder for the weights; tried before training.
    """
    options = _options(argv)
    runs.made_sure_of(options.out)
    device = default_device()
    images, labels = (part[: options.digits] for part in data.mnist("train", device))
    trained_on = len(images) * 5 // 6 if options.validate else len(images)
    model = digit_classifier(
        images[:trained_on], labels[:trained_on], epochs=options.epochs, seed=options.seed
    )
    if options.validate:
        held_out = _read_digits(model, images[trained_on:], labels[trained_on:])
        print(f"held out: {held_out['accuracy']:.2%} of {held_out['digits']:,} digits")
        return 0
    log = {
        "data": "MNIST, training digits",
        "digits": trained_on,
        "epochs": options.epochs,
        "seed": options.seed,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "device": device.type,
    }
    path = options.out / DIGIT_JUDGE.name
    log |= _ship(model, images, path)
    path.with_suffix(".json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf8")
    print(f"test: {log['test']['accuracy']:.2%} of {log['test']['digits']:,} digits")
    return 0


def _ship(model: DigitClassifier, images: UInt8[Tensor, " n 28 28"], path: Path) -> dict:
    """Write the weights as float16; test what was written, once, and return the results."""
    state = {name: value.half().cpu().contiguous() for name, value in model.state_dict().items()}
    torch.save(state, path)
    shipped = DigitClassifier().to(images.device).eval()
    shipped.load_state_dict(state)
    with torch.no_grad():
        before, after = (m(images[:1000].flatten(1) / 255) for m in (model, shipped))
    return {
        "largest change of a logit by rounding to float16": (before - after).abs().max().item(),
        "test": _read_digits(shipped, *data.mnist("test", images.device)),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _read_digits(
    model: DigitClassifier, images: UInt8[Tensor, " n 28 28"], labels: Int[Tensor, " n"]
) -> dict:
    """Return the share of digits whose class the model names, with its standard error."""
    share = (model.classify(images.flatten(1) / 255) == labels).double().mean().item()
    return {
        "digits": len(images),
        "accuracy": share,
        "standard error": math.sqrt(share * (1 - share) / len(images)),
    }


def _options(argv: Sequence[str]) -> argparse.Namespace:
    about, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        "python -m dgm_core.pretrained judge", description=about, epilog=more
    )
    add = parser.add_argument
    add("--epochs", type=int, default=6, help="passes over the digits")
    add("--seed", type=int, default=0)
    add("--validate", action="store_true", help="hold a sixth out to measure on; ship nothing")
    add("--digits", type=int, help="only the first so many digits, for a trial")
    add("--out", type=Path, default=DIGIT_JUDGE.parent, help="folder of weights and log")
    return parser.parse_args(argv)
