"""Train the U-Net of chapter 4.2 for some minutes and judge its pictures and its bound.

python benchmarks/diffusion.py [--epochs 3] [--seed 0] [--write]

The training is fixed work, so many passes; on two cores three of them take about four minutes. The
Frechet distance is that of features of the book's classifier, between 10,000 samples and the
10,000 test digits, and stands beside what as many real digits get.
"""

import argparse
import time

import report
import torch

from dgm_core.data import mnist_splits
from dgm_core.device import default_device
from dgm_core.diffusion import (
    DigitDenoiser,
    GreyValues,
    bound_terms,
    stratified,
    train_denoiser,
)
from dgm_core.evaluation import class_shares, frechet_distance
from dgm_core.objectives import bits_per_dim
from dgm_core.pretrained import digit_judge
from dgm_core.pretrained.make_denoiser import draw_digits
from dgm_core.protocol import measure

LOW = -12.0  # log-SNR at which the prior takes over
CUTS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # and some at which the decoder may


def main() -> None:
    """Train once, judge some sets of samples, print a table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--epochs", type=int, default=3, help="passes over 50,000 digits: they decide the time")
    add("--batch-size", type=int, default=128)
    add("--learning-rate", type=float, default=3e-3)
    add("--steps", type=int, nargs="+", default=[10], help="of Heun's method, two passes each")
    add("--samples", type=int, default=10_000, help="pictures in a set")
    add("--sets", type=int, default=3, help="sets of pictures, over which ± is")
    add("--seed", type=int, default=0)
    add("--digits", type=int, help="so many of each part alone, to try the script")
    add("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()

    device = default_device()
    train, validation, test = (part.images[: arguments.digits] for part in mnist_splits(device))
    greys = GreyValues(train.flatten().long().bincount(minlength=256)).to(device)
    torch.manual_seed(arguments.seed)
    net = DigitDenoiser().to(device)
    weights = sum(p.numel() for p in net.parameters())
    options = {name: getattr(arguments, name) for name in ("epochs", "batch_size", "seed")}
    options["learning_rate"] = arguments.learning_rate
    net, history = train_denoiser(net, greys, train, **options)
    asked = validation[:2000]
    cut = min(CUTS, key=lambda cut: bound(net, greys, asked, cut).mean().item())
    bits = measure(bound(net, greys, test, cut), "test digits")
    judge, noise = digit_judge(device), torch.Generator(device).manual_seed(arguments.seed)
    eyes = judge.features(test.flatten(1) / 255)
    count = min(arguments.samples, len(train) // arguments.sets)
    order = torch.randperm(len(train), device=device)[: count * arguments.sets]
    real = [judge.features(train[part].flatten(1) / 255) for part in order.split(count)]
    floor = measure(torch.stack([frechet_distance(part, eyes) for part in real]), "sets")
    lines = [
        "| steps of Heun's method | training (s) | drawing a set (s) | bits/dim, bound "
        "| Fréchet distance | of real digits | rarest class |",
        "|---|---|---|---|---|---|---|",
    ]
    for steps in arguments.steps:
        started, apart, rarest = time.perf_counter(), [], []
        for _ in range(arguments.sets):
            pictures = draw_digits(net, greys, count, steps, noise)
            apart.append(frechet_distance(judge.features(pictures), eyes))
            rarest.append(class_shares(judge.classify(pictures)).min().item())
        seconds = (time.perf_counter() - started) / arguments.sets
        lines.append(
            f"| {steps} | {history.seconds[-1]:.0f} | {seconds:.0f} | {bits:.3f} "
            f"| **{measure(torch.stack(apart), 'sets'):.1f}** | {floor:.1f} "
            f"| {min(rarest):.1%} |"
        )
    lines += [
        "",
        f"{len(train):,} training digits, {arguments.epochs} passes, {len(history.loss):,} steps "
        f"of {arguments.batch_size} at a learning rate of at most {arguments.learning_rate:g}; "
        f"{weights:,} weights; {arguments.sets} sets of {count:,} samples against {len(test):,} "
        f"test digits, in the features of the book's classifier; ± is the standard error over "
        f"sets, and of the bound over test digits, with one draw each, the decoder from "
        f"a log-SNR of {cut:g}, the best for {len(asked):,} validation digits. One training, seed "
        f"{arguments.seed}; the rate was not tuned. {report.machine()}.",
    ]
    print("\n".join(lines))
    if arguments.write:
        report.write("diffusion", "\n".join(lines), [])


@torch.no_grad()
def bound(net: DigitDenoiser, greys: GreyValues, images: torch.Tensor, cut: float) -> torch.Tensor:
    """Return the bound of images, (N,), in bits per dimension; the decoder begins at `cut`."""
    nats = []
    for part in images.split(250):
        uniform = stratified(torch.rand(len(part), device=images.device))
        nats.append(sum(bound_terms(net, greys, part, LOW, cut, uniform)))
    return bits_per_dim(-torch.cat(nats), 784).cpu()


if __name__ == "__main__":
    main()
