"""Train the VAE of chapter 1.9 and measure its likelihood on all 10,000 test digits.

python benchmarks/vae_likelihood.py [--epochs 20] [--seed 0] [--write]

By the protocol of the book: the learning rate is chosen on validation digits, and test digits are
seen once. For the likelihood the encoder is fitted once more to the test digits, the decoder
frozen, so that the number is about the model.
"""

import argparse
import time

import report
import torch

from dgm_core.data import batches, binarize, binarize_once, mnist_splits
from dgm_core.device import default_device
from dgm_core.estimators import importance_log_likelihood, mean_and_standard_error
from dgm_core.objectives import elbo
from dgm_core.proposals import refit_encoder
from dgm_core.training import History, fit
from dgm_core.vae import VAE, mlp_vae


def main() -> None:
    """Choose a rate, train once for each number of epochs, print a table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, nargs="+", default=[20])
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument(
        "--learning-rates", type=float, nargs="+", default=[1e-3, 2e-3, 4e-3, 8e-3]
    )
    parser.add_argument("--rate-epochs", type=int, default=5, help="to choose a rate by")
    parser.add_argument("--refit-epochs", type=int, default=20)
    parser.add_argument("--num-samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--digits", type=int, help="so many of each part alone, to try the script")
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()

    parts = mnist_splits(default_device())
    train = parts[0].images[: arguments.digits]
    validation, test = (binarize_once(part.images)[: arguments.digits] for part in parts[1:])
    rate, tried = choose_rate(train, validation, arguments)
    lines = [
        "| epochs | training (s) | test ELBO (nats) | test NLL (nats) | computing the NLL (s) |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for epochs in arguments.epochs:
        vae, history = trained(train, epochs, rate, arguments)
        with torch.no_grad():
            bound, bound_error = mean_and_standard_error(elbo(vae, test, num_samples=10))
        started = time.perf_counter()
        near = refit_encoder(vae, test, arguments.refit_epochs, num_samples=8)
        log_p = importance_log_likelihood(near, test, arguments.num_samples)
        nll, nll_error = mean_and_standard_error(-log_p)
        lines.append(
            f"| {epochs} | {history.seconds[-1]:.0f} | {bound:.2f} ± {bound_error:.2f} "
            f"| **{nll:.2f}** ± {nll_error:.2f} | {time.perf_counter() - started:.0f} |"
        )
        print(lines[-1], flush=True)
    losses = ", ".join(f"{loss:.2f} at {one:g}" for one, loss in tried.items())
    lines += [
        "",
        f"{len(train):,} training digits, binarised afresh for each batch; {len(test):,} test "
        f"digits, binarised once; {arguments.num_samples} importance samples from an encoder "
        f"refitted to them ({arguments.refit_epochs} epochs); ± is the standard error over "
        f"digits. Batches of {arguments.batch_size}; learning rate {rate:g}, by the loss on "
        f"{len(validation):,} validation digits after {arguments.rate_epochs} epochs ({losses}); "
        f"seed {arguments.seed}; {report.machine()}.",
    ]
    print("\n".join(lines[-2:]))
    if arguments.write:
        report.write("vae_likelihood", "\n".join(lines), [])


def trained(
    images: torch.Tensor, epochs: int, rate: float, arguments: argparse.Namespace
) -> tuple[VAE, History]:
    """Train the VAE of the chapter on images, uint8, (N, 28, 28)."""
    torch.manual_seed(arguments.seed)
    vae = mlp_vae().to(images.device)
    plan = batches(images, arguments.batch_size, epochs, binarize, arguments.seed)
    history = fit(lambda x: -elbo(vae, x), vae.parameters(), plan, learning_rate=rate)
    return vae, history


@torch.no_grad()
def choose_rate(
    images: torch.Tensor, validation: torch.Tensor, arguments: argparse.Namespace
) -> tuple[float, dict[float, float]]:
    """Return the rate with the lowest loss on validation digits, and the losses of all."""
    tried = {}
    for rate in arguments.learning_rates:
        with torch.enable_grad():
            vae, _ = trained(images, arguments.rate_epochs, rate, arguments)
        tried[rate] = -elbo(vae, validation, num_samples=10).mean().item()
    return min(tried, key=tried.get), tried


if __name__ == "__main__":
    main()
