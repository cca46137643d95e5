"""The script that makes the denoiser that ships: ``python -m dgm_core.pretrained denoiser``.

It goes on where it was stopped, by Ctrl-C or by a power cut. On several processors or GPUs::

    torchrun --nproc-per-node 2 -m dgm_core.pretrained denoiser

Pictures are judged by the Frechet distance of features of the shipped classifier, beside what as
many real digits get. Beside the weights it leaves a log of the training and of its one test, and
a picture.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from dgm_core import data
from dgm_core.diffusion import (
    GreyValues,
    bound_terms,
    heun,
    straight_path,
    stratified,
    train_denoiser,
    velocity_on,
)
from dgm_core.estimators import mean_and_standard_error
from dgm_core.evaluation import class_shares, frechet_distance
from dgm_core.objectives import bits_per_dim
from dgm_core.pretrained import runs
from dgm_core.pretrained.shipped import DIGIT_DENOISER, digit_judge
from dgm_core.pretrained.untrained import untrained_digit_denoiser

UNIT = "squared error of v"
TEST_SEED = 2026  # of the noise that a model is tested with
LOW, HIGH = -12.0, 10.0  # log-SNRs between which the bound asks the denoiser


def main(argv: Sequence[str]) -> int:
    """Run the script; return 0 when it is done and 1 when it was stopped on the way.

    Args:
        argv: the words of the command line after "denoiser".
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
        histogram = torch.bincount(images.flatten().long(), minlength=256)
        greys = GreyValues(histogram).to(device)
        torch.manual_seed(options.seed)
        average, history = train_denoiser(
            untrained_digit_denoiser(dropout=options.dropout).to(device),
            greys,
            images,
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            seed=options.seed,
            half=options.precision == "bfloat16",
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
        log["histogram"] = histogram.tolist()
    log["validation"] = judged(average, greys, held_out, images, options.samples)
    print(f"held out: Frechet distance {log['validation']['Frechet distance']:.2f}")
    if options.validate:
        runs.write_log(options.out / "mnist-denoiser-validation.json", log)
        return 0
    path = options.out / DIGIT_DENOISER.name
    state = runs.save_half(average, path)
    shipped = untrained_digit_denoiser().to(device).eval()
    shipped.load_state_dict(state)
    test = data.mnist("test", device)[0][: options.digits]
    log["test"] = judged(shipped, greys, test, images, options.samples)
    log["sha256"] = runs.sha256(path)
    print(f"test: Frechet distance {log['test']['Frechet distance']:.2f}")
    runs.write_log(options.out / DIGIT_DENOISER.with_suffix(".json").name, log)
    runs.draw_course(log, options.out / DIGIT_DENOISER.with_suffix(".png").name, UNIT)
    return 0


@torch.no_grad()
def draw_digits(
    denoiser: nn.Module, greys: GreyValues, count: int, steps: int, generator: torch.Generator
) -> Float[Tensor, " count 784"]:
    """Draw digits by Heun's method on the straight path, grey values from 0 to 1, (count, 784).

    Args:
        denoiser: a trained model, in evaluation mode.
        greys: its numbers of grey values.
        count: how many.
        steps: of Heun's method.
        generator: source of the noise, on the model's device.
    """
    velocity, drawn = velocity_on(straight_path, denoiser), []
    for size in [500] * (count // 500) + [count % 500] * (count % 500 > 0):
        z = torch.randn(size, 784, generator=generator, device=generator.device)
        drawn.append(greys.greys(heun(velocity, z, steps)))
    return torch.cat(drawn)


@torch.no_grad()
def judged(
    denoiser: nn.Module,
    greys: GreyValues,
    real: UInt8[Tensor, " n 28 28"],
    training: UInt8[Tensor, " m 28 28"],
    count: int,
    steps: int = 10,
) -> dict:
    """Return how a denoiser's pictures and its bound do beside real digits it has not seen.

    Args:
        denoiser: in evaluation mode.
        greys: its numbers of grey values.
        real: digits that it was not trained on, uint8.
        training: digits that it was trained on, for the floor of the distance.
        count: pictures to draw, and real ones to compare with, as far as there are so many.
        steps: of Heun's method.
    """
    generator = torch.Generator(real.device).manual_seed(TEST_SEED)
    judge = digit_judge(real.device)
    eyes = judge.features(real.flatten(1) / 255)
    count = min(count, len(training), len(real))
    some = torch.randperm(len(training), generator=generator, device=real.device)[:count]
    digits = draw_digits(denoiser, greys, count, steps, generator)
    nats = []
    for part in real.split(500):
        uniform = torch.rand(len(part), generator=generator, device=real.device)
        noise = torch.randn(2, len(part), 784, generator=generator, device=real.device)
        terms = bound_terms(denoiser, greys, part, LOW, HIGH, stratified(uniform), noise)
        nats.append(sum(terms))
    bits, error = mean_and_standard_error(bits_per_dim(-torch.cat(nats), 784))
    return {
        "digits": len(real),
        "samples": count,
        "steps of Heun's method": steps,
        "Frechet distance": frechet_distance(judge.features(digits), eyes).item(),
        "Frechet distance of real digits": frechet_distance(
            judge.features(training[some].flatten(1) / 255), eyes
        ).item(),
        "rarest class": class_shares(judge.classify(digits)).min().item(),
        "bits per dimension, bound": bits,
        "standard error": error,
    }


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = runs.maker_parser("denoiser", __doc__)
    add = parser.add_argument
    add("--epochs", type=int, default=40, help="passes over the digits: they decide the time")
    add("--batch-size", type=int, default=128, help="digits in a step, of all processes together")
    add("--learning-rate", type=float, default=3e-3, help="the highest")
    add("--dropout", type=float, default=0.0, help="share of the channels left out in training")
    add("--samples", type=int, default=10_000, help="pictures that are judged")
    add("--out", type=Path, default=DIGIT_DENOISER.parent, help="folder of what it leaves")
    return parser.parse_args(argv)
