"""The VAE of chapter 1.9 trained by this book's `fit` and by pythae's trainer, in one run.

Both get the same network, the same training digits, binarised afresh for each batch, Adam, the
same batch size and highest learning rate, and the same number of epochs, by turns. What each has
learned is judged by one yardstick: this book's ELBO of the same binarised test digits.

    pip install -r benchmarks/requirements.txt
    python benchmarks/vae_pythae.py [--epochs 5] [--repeats 3] [--write]
"""

import argparse
import logging
import statistics
import tempfile
import time

import report
import torch

from dgm_core.data import batches, binarize, mnist
from dgm_core.estimators import mean_and_standard_error
from dgm_core.objectives import elbo
from dgm_core.training import fit
from dgm_core.vae import VAE, mlp_vae

BATCH_SIZE, RATE = 128, 2e-3
SMALLER = (
    "pythae does what `fit` does not: some thirty other autoencoders, samplers, trackers, and a "
    "hub of trained models."
)


def ours(epochs: int, seed: int) -> tuple[VAE, float]:
    """Train with `fit`; return the model and the seconds."""
    torch.manual_seed(seed)
    images, _ = mnist("train")
    vae = mlp_vae()
    plan = batches(images, BATCH_SIZE, epochs=epochs, transform=binarize, seed=seed)
    started = time.perf_counter()
    fit(lambda x: -elbo(vae, x), vae.parameters(), plan, learning_rate=RATE, progress=False)
    return vae, time.perf_counter() - started


def theirs(epochs: int, seed: int) -> tuple[VAE, float]:
    """Train the same network with pythae's trainer; return it and the seconds."""
    from pythae.data.datasets import BaseDataset, DatasetOutput
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    torch.manual_seed(seed)
    vae = mlp_vae()

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = vae.encoder.net

        def forward(self, x):
            mean, log_var = self.net(x)
            return ModelOutput(embedding=mean, log_covariance=log_var)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = vae.decoder.net

        def forward(self, z):
            return ModelOutput(reconstruction=self.net(z).sigmoid())

    class Binarised(BaseDataset):
        def __getitem__(self, index):
            x = torch.bernoulli(self.data[index])
            return DatasetOutput(data=x, labels=self.labels[index])

    images, labels = mnist("train")
    data = Binarised(images.flatten(1) / 255, labels)
    config = VAEConfig(input_dim=(784,), latent_dim=20, reconstruction_loss="bce")
    with tempfile.TemporaryDirectory() as folder:
        options = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            learning_rate=RATE,
            per_device_train_batch_size=BATCH_SIZE,
            seed=seed,
            no_cuda=True,
        )
        trainer = BaseTrainer(PythaeVAE(config, Encoder(), Decoder()), data, None, options)
        started = time.perf_counter()
        trainer.train()
        return vae, time.perf_counter() - started


def main() -> None:
    """Measure, print a table, and write it to README.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    test = binarize(mnist("test")[0])
    seconds, bounds = {"fit": [], "pythae": []}, {"fit": [], "pythae": []}
    for seed in range(arguments.repeats):  # by turns, so that a slow minute slows them both
        for name, train in (("fit", ours), ("pythae", theirs)):
            vae, taken = train(arguments.epochs, seed)
            seconds[name].append(taken / arguments.epochs)
            with torch.no_grad():
                mean, error = mean_and_standard_error(elbo(vae.eval(), test))
            bounds[name].append(mean)
    names = {"fit": "this book: `fit`", "pythae": "pythae's `BaseTrainer`"}
    heads = f"seconds an epoch: median (range) | test ELBO after {arguments.epochs} epochs (nats)"
    lines = [f"| trained by | {heads} |", "|---|---|---|"]
    for name, title in names.items():
        lines.append(
            f"| {title} | {report.spread(seconds[name])} | {report.spread(bounds[name])} |"
        )
    ratio = statistics.median(seconds["pythae"]) / statistics.median(seconds["fit"])
    lines += [
        "",
        f"pythae's epoch takes **{ratio:.1f} times** as long. It keeps its learning rate of "
        f"{RATE:g}, where `fit` lowers it by a cosine, which helps an ELBO after few epochs. The "
        f"standard error of an ELBO over the 10,000 digits is {error:.2f}. "
        f"{arguments.repeats} seeds, by turns; {report.machine()}, "
        f"pythae {report.version('pythae')}.",
    ]
    table = "\n".join(lines)
    print(table)
    if arguments.write:
        report.write("vae_pythae", table, [SMALLER])


if __name__ == "__main__":
    main()
