"""Time an epoch of the VAE of chapter 1.9: this book's loop beside the usual one, in one run.

Both train the same network with Adam on the same binarised digits, by turns. The usual loop is
that of PyTorch's own VAE example: torchvision's MNIST, ToTensor and a DataLoader, with or without
workers, `torch.optim.Adam` as it comes, and the loss added up as a number at every step. A further
row gives the usual loop this book's fused Adam, so that the rest is what the data cost.

    python benchmarks/vae_epoch.py [--repeats 3] [--write]
"""

import argparse
import gzip
import statistics
import tempfile
import time
from pathlib import Path

import report
import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from dgm_core.data import MNIST_FOLDER, batches, binarize, mnist
from dgm_core.device import default_device
from dgm_core.objectives import elbo
from dgm_core.training import adam, fit
from dgm_core.vae import mlp_vae

BATCH_SIZE = 128
DEVICE = default_device()


def our_epoch() -> float:
    """Return the seconds of an epoch of `dgm_core.training.fit`."""
    images, _ = mnist("train", DEVICE)
    vae = mlp_vae().to(DEVICE)
    plan = batches(images, BATCH_SIZE, transform=binarize)
    started = time.perf_counter()
    fit(lambda x: -elbo(vae, x), vae.parameters(), plan, progress=False)
    return time.perf_counter() - started


def usual_epoch(root: str, workers: int, optimizer=torch.optim.Adam) -> float:
    """Return the seconds of an epoch of the usual loop; its first batch waits for the workers."""
    images = datasets.MNIST(root, train=True, transform=transforms.ToTensor())
    loader = DataLoader(
        images, BATCH_SIZE, shuffle=True, num_workers=workers, drop_last=True, pin_memory=False
    )
    vae = mlp_vae().to(DEVICE)
    descent = optimizer(list(vae.parameters()), lr=2e-3)
    started, total = time.perf_counter(), 0.0
    for grey, _ in loader:
        x = torch.bernoulli(grey.to(DEVICE).flatten(1))
        loss = -elbo(vae, x).mean()
        descent.zero_grad()
        loss.backward()
        total += loss.item()
        descent.step()
    return time.perf_counter() - started


def unpack(root: Path) -> None:
    """Lay the digits out as torchvision's MNIST expects them after a download."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in MNIST_FOLDER.glob("*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))


def main() -> None:
    """Measure, print a table, and write it to README.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        unpack(Path(root))
        loops = {
            "this book: `fit`, whole data set on the device": our_epoch,
            "usual: DataLoader, ToTensor, no workers": lambda: usual_epoch(root, 0),
            "usual: DataLoader, ToTensor, 2 workers": lambda: usual_epoch(root, 2),
            "usual, no workers, fused Adam": lambda: usual_epoch(root, 0, adam),
        }
        seconds = {name: [] for name in loops}
        for _ in range(arguments.repeats):  # by turns, so that a slow minute slows them all
            for name, epoch in loops.items():
                seconds[name].append(epoch())
    ours, *usual, fused = (statistics.median(values) for values in seconds.values())
    lines = ["| loop | seconds an epoch: median (lowest to highest) |", "|---|---|"]
    lines += [f"| {name} | {report.spread(values)} |" for name, values in seconds.items()]
    lines += [
        "",
        f"The better of the usual loops takes **{min(usual) / ours:.2f} times** as long; with "
        f"this book's Adam, {fused / ours:.2f} times "
        f"({arguments.repeats} repeats, by turns; {report.machine()}).",
    ]
    table = "\n".join(lines)
    print(table)
    if arguments.write:
        goal = "An epoch of the VAE was to be 3 times as fast as the usual loop's; it is "
        missed = [f"{goal}{min(usual) / ours:.2f} times."] if min(usual) < 3 * ours else []
        report.write("vae_epoch", table, missed)


if __name__ == "__main__":
    main()
