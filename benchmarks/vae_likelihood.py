"""Train the VAE of chapter 1.9 and measure its likelihood on all 10,000 test digits.

python benchmarks/vae_likelihood.py [--epochs 20] [--seed 0] [--write]
"""

import argparse
import time

import report
import torch

from dgm_core.data import batches, binarize, mnist
from dgm_core.device import default_device
from dgm_core.estimators import importance_log_likelihood, mean_and_standard_error
from dgm_core.objectives import elbo
from dgm_core.training import fit
from dgm_core.vae import mlp_vae


def main() -> None:
    """Train once for each number of epochs, print a table, and write it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, nargs="+", default=[20])
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--num-samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()

    device = default_device()
    train, test = mnist("train", device)[0], mnist("test", device)[0]
    lines = [
        "| epochs | training (s) | test ELBO (nats) | test NLL (nats) | computing the NLL (s) |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for epochs in arguments.epochs:
        torch.manual_seed(arguments.seed)
        vae = mlp_vae().to(device)
        plan = batches(train, arguments.batch_size, epochs, binarize, arguments.seed)
        history = fit(
            lambda x, vae=vae: -elbo(vae, x),
            vae.parameters(),
            plan,
            learning_rate=arguments.learning_rate,
        )
        torch.manual_seed(arguments.seed)
        x = binarize(test)
        with torch.no_grad():
            bound, bound_error = mean_and_standard_error(elbo(vae, x, num_samples=10))
        started = time.perf_counter()
        log_p = importance_log_likelihood(vae, x, arguments.num_samples)
        nll, nll_error = mean_and_standard_error(-log_p)
        lines.append(
            f"| {epochs} | {history.seconds[-1]:.0f} | {bound:.2f} ± {bound_error:.2f} "
            f"| **{nll:.2f}** ± {nll_error:.2f} | {time.perf_counter() - started:.0f} |"
        )
        print(lines[-1], flush=True)
    lines += [
        "",
        f"All {len(test):,} test digits, binarised once; {arguments.num_samples} importance "
        f"samples; ± is the standard error over digits. Batches of {arguments.batch_size}, "
        f"learning rate {arguments.learning_rate:g}, seed {arguments.seed}; {report.machine()}.",
    ]
    print("\n".join(lines[-2:]))
    if arguments.write:
        report.write("vae_likelihood", "\n".join(lines), [])


if __name__ == "__main__":
    main()
