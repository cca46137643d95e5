"""The script that makes the map of handwriting: ``python -m dgm_core.pretrained map``.

It trains a VAE with two latents on 50,000 digits, and reports on the 10,000 that it held out. The
gap between the codes and the prior weighs more than in the ELBO, so that the map is filled. It
goes on where it was stopped, by Ctrl-C or by a power cut. Beside the weights it leaves a log of
the training and of its one test. With ``--validate`` it ships nothing and tests nothing.
"""

import argparse
import hashlib
import json
import math
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from dgm_core import data
from dgm_core.device import bfloat16_pays, default_device
from dgm_core.evaluation import prior_gap
from dgm_core.objectives import distortion_and_rate, spread_elbo
from dgm_core.pretrained import runs
from dgm_core.pretrained.shipped import DIGIT_MAP
from dgm_core.pretrained.untrained import untrained_digit_map
from dgm_core.training import History, fit, random_state_kept
from dgm_core.vae import VAE

POINTS = 50  # of the training curve in the log


def main(argv: Sequence[str]) -> int:
    """Run the script; return 0 when it is done and 1 when it was stopped on the way.

    Args:
        argv: the words of the command line after "map".

    Raises:
        DataError: nothing can be written to the folder for the weights; tried before training.
    """
    options = _options(argv)
    if not options.validate:
        runs.made_sure_of(options.out)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = default_device()
    half = bfloat16_pays(device) if options.precision is None else options.precision == "bfloat16"
    images = data.mnist("train", device)[0][: options.digits]
    trained_on = len(images) * 5 // 6
    images, held_out = images[:trained_on], images[trained_on:]
    torch.manual_seed(options.seed)
    vae = untrained_digit_map().to(device)
    plan = data.batches(
        images, options.batch_size, options.epochs, transform=data.binarize, seed=options.seed
    )
    history = fit(
        lambda x: -spread_elbo(vae, x, trained_on, options.weight),
        vae.parameters(),
        plan,
        learning_rate=options.learning_rate,
        half=half,
        callback=lambda step: {"validation": evaluate(vae, held_out, gap=False)["ELBO"]},
        callback_every=max(1, len(plan) // 10),
        checkpoint=options.checkpoint,
        checkpoint_every=options.checkpoint_every,
    )
    if len(history.loss) < len(plan):
        print(f"stopped after step {history.step[-1]}; the same command goes on from there")
        return 1
    log = {
        "options": {
            name: getattr(options, name)
            for name in ("weight", "epochs", "batch_size", "learning_rate", "seed")
        },
        "digits": trained_on,
        "precision": "bfloat16" if half else "float32",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device.type,
        "threads": torch.get_num_threads(),
        **_record(history),
        "validation": evaluate(vae, held_out),
    }
    _say("held out", log["validation"])
    if options.validate:
        return 0
    path = options.out / DIGIT_MAP.name
    log |= _ship(vae, held_out, path)
    path.with_suffix(".json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf8")
    _say("test", log["test"])
    return 0


def evaluate(
    vae: VAE, images: UInt8[Tensor, " n 28 28"], seed: int = 0, gap: bool = True
) -> dict[str, float | int]:
    """Measure how well a VAE describes digits, and how evenly their codes fill the prior.

    Args:
        vae: the model.
        images: grey values, uint8, (N, 28, 28); binarised once.
        seed: of the binarisation and of the draws from the posteriors.
        gap: whether to compute the `prior_gap`, which takes longer than all the rest.

    Returns:
        Nats a digit: the ELBO with its standard error, the rate, the gap.
    """
    with random_state_kept(images.device), torch.no_grad():
        torch.manual_seed(seed)
        x = data.binarize(images)
        distortion, rate = distortion_and_rate(vae, x)
        gaps = {"gap between codes and prior": prior_gap(vae, x).item()} if gap else {}
    bound = -(distortion + rate)
    return {
        "digits": len(images),
        "ELBO": bound.mean().item(),
        "standard error": bound.std().item() / math.sqrt(len(images)),
        "rate": rate.mean().item(),
        **gaps,
    }


def _ship(vae: VAE, held_out: UInt8[Tensor, " n 28 28"], path: Path) -> dict:
    """Write the weights as float16; test what was written, once, and return the results."""
    state = {name: value.half().cpu().contiguous() for name, value in vae.state_dict().items()}
    torch.save(state, path)
    shipped = untrained_digit_map().to(held_out.device).eval()
    shipped.load_state_dict(state)
    before, after = (evaluate(model, held_out, gap=False)["ELBO"] for model in (vae, shipped))
    return {
        "lost by rounding to float16, in nats": before - after,
        "test": evaluate(shipped, data.mnist("test", held_out.device)[0]),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _record(history: History) -> dict:
    """Return the course of the training; losses are means over equal stretches of it."""
    width = -(-len(history.loss) // POINTS)
    ends = range(width, len(history.loss) + 1, width)
    return {
        "steps": len(history.loss),
        "training seconds": round(history.seconds[-1], 1),
        "training curve": [
            {
                "step": history.step[end - 1],
                "seconds": round(history.seconds[end - 1], 1),
                "objective": round(-sum(history.loss[end - width : end]) / width, 3),
            }
            for end in ends
        ],
        "validation curve": [
            {"step": step, "ELBO": round(value, 3)}
            for step, value in history.metrics["validation"]
        ],
    }


def _say(name: str, found: dict) -> None:
    print(
        f"{name}: ELBO {found['ELBO']:.2f} nats, gap {found['gap between codes and prior']:.3f} "
        f"nats, on {found['digits']:,} digits"
    )


def _options(argv: Sequence[str]) -> argparse.Namespace:
    about, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        "python -m dgm_core.pretrained map", description=about, epilog=more
    )
    add = parser.add_argument
    add("--weight", type=float, default=4.0, help="of the gap between codes and prior")
    add("--epochs", type=int, default=30, help="passes over the digits: they decide the time")
    add("--batch-size", type=int, default=128, help="digits in a step")
    add("--learning-rate", type=float, default=2e-3, help="the highest")
    add("--seed", type=int, default=0)
    add("--precision", choices=["bfloat16", "float32"], help="what is faster here, if left out")
    add("--threads", type=int, help="torch's choice if left out")
    add("--validate", action="store_true", help="only measure on the digits held out")
    add("--digits", type=int, help="only the first so many digits, for a trial")
    add("--out", type=Path, default=DIGIT_MAP.parent, help="folder of weights and log")
    add("--checkpoint", type=Path, default=Path("checkpoints/pretrain-map.pt"))
    add("--checkpoint-every", type=int, default=500, help="steps; a power cut costs so many")
    return parser.parse_args(argv)
