"""The script that makes the PixelCNN that ships: ``python -m dgm_core.pretrained pixelcnn``.

It goes on where it was stopped, by Ctrl-C or by a power cut. On several processors or GPUs::

    torchrun --nproc-per-node 2 -m dgm_core.pretrained pixelcnn

Digits are binarised anew in every batch; the test is of one binarisation of the test digits, with
a seed of its own. Beside the weights it leaves a log of the training and of its one test, and a
picture.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from dgm_core import data
from dgm_core.autoregressive import PixelCNN, log_probs, train_pixelcnn
from dgm_core.estimators import mean_and_standard_error
from dgm_core.pretrained import runs
from dgm_core.pretrained.shipped import DIGIT_PIXELCNN
from dgm_core.pretrained.untrained import untrained_digit_pixelcnn

HELD_OUT = "held-out digits"
UNIT = "nats"
TEST_SEED = 2026  # of the binarisation that a model is tested on


def main(argv: Sequence[str]) -> int:
    """Run the script; return 0 when it is done and 1 when it was stopped on the way.

    Args:
        argv: the words of the command line after "pixelcnn".
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
        fixed = once_binarized(held_out)
        torch.manual_seed(options.seed)
        average, history = train_pixelcnn(
            untrained_digit_pixelcnn(dropout=options.dropout).to(device),
            images,
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            seed=options.seed,
            half=options.precision == "bfloat16",
            callback=lambda model: {HELD_OUT: -log_probs(model, fixed[:2000]).mean()},
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
        log = runs.circumstances(options, device) | runs.course_of(history, UNIT)
        log["binarisation"] = f"anew in every batch; test: one draw, seed {TEST_SEED}"
    found = history.metrics[HELD_OUT]
    log["validation curve"] = [{"step": step, UNIT: round(nats, 4)} for step, nats in found]
    log["validation"] = _cost(average, fixed)
    print(f"held out: {log['validation'][UNIT]:.3f} nats")
    if options.validate:
        runs.write_log(options.out / "mnist-pixelcnn-validation.json", log)
    else:
        log |= _ship(average, images, options)
        nats = log["test"][UNIT]
        print(f"test: {nats:.3f} nats")
        runs.write_log(options.out / DIGIT_PIXELCNN.with_suffix(".json").name, log)
        picture = options.out / DIGIT_PIXELCNN.with_suffix(".png").name
        runs.draw_course(log, picture, UNIT, (f"test, at the end: {nats:.2f}", nats))
    return 0


def once_binarized(images: UInt8[Tensor, " n h w"]) -> Float[Tensor, " n pixels"]:
    """Return one binarisation, (N, pixels), always the same: to test on, never to train on.

    Args:
        images: grey values, uint8, (N, H, W).
    """
    generator = torch.Generator(images.device).manual_seed(TEST_SEED)
    return data.binarize(images, generator)


def _ship(model: PixelCNN, images: Tensor, options: argparse.Namespace) -> dict:
    """Write the weights as float16; test what was written, once, and return the results."""
    path = options.out / DIGIT_PIXELCNN.name
    state = runs.save_half(model, path)
    shipped = untrained_digit_pixelcnn().to(images.device).eval()
    shipped.load_state_dict(state)
    some = once_binarized(images[:1000])
    before, after = (log_probs(m, some).mean().item() for m in (model, shipped))
    test = data.mnist("test", images.device)[0][: options.digits]
    return {
        "lost by rounding to float16, in nats": before - after,
        "test": _cost(shipped, once_binarized(test)),
        "sha256": runs.sha256(path),
    }


def _cost(model: PixelCNN, x: Tensor) -> dict:
    """Return what binary images cost on average, and its standard error over them."""
    nats, error = mean_and_standard_error(-log_probs(model, x))
    return {"digits": len(x), UNIT: nats, "standard error": error}


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = runs.maker_parser("pixelcnn", __doc__)
    add = parser.add_argument
    add("--epochs", type=int, default=14, help="passes over the digits: they decide the time")
    add("--batch-size", type=int, default=64, help="digits in a step, of all processes together")
    add("--learning-rate", type=float, default=3e-3, help="the highest")
    add("--dropout", type=float, default=0.0, help="share of the channels left out in training")
    add("--out", type=Path, default=DIGIT_PIXELCNN.parent, help="folder of what it leaves")
    return parser.parse_args(argv)
