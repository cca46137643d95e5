"""Training a model of binary images: digits binarised afresh, a running average of the weights."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from dgm_core import checks, training
from dgm_core.autoregressive.pixelcnn import PixelCNN
from dgm_core.data import binarize


def train_pixelcnn(
    model: PixelCNN,
    images: UInt8[Tensor, " n h w"],
    *,
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    seed: int = 0,
    half: bool | None = None,
    callback: Callable[[PixelCNN], Mapping[str, float]] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool | None = None,
) -> tuple[PixelCNN, training.History]:
    """Maximise the likelihood of digits, binarised anew in every batch.

    Args:
        model: changed in place, on the device of `images`.
        images: grey values, uint8, (N, side, side).
        epochs: passes over them.
        batch_size: images in a step, of all processes together.
        learning_rate: the highest.
        seed: of the order of the images.
        half: whether the networks compute in bfloat16; None lets the device decide.
        callback: called after every epoch with the running average; what it returns goes to
            ``history.metrics``.
        checkpoint: file to save to and to go on from; see `training.fit`.
        checkpoint_every: steps between two savings.
        progress: whether to show a progress bar; see `training.fit`.

    Returns:
        The running average of the model, and the history, its losses in nats.

    Raises:
        ValueError: the batch cannot be shared evenly among the processes.

    Example:
        >>> model = PixelCNN(side=4, width=8, hidden=8, blocks=1)
        >>> black = torch.zeros(64, 4, 4, dtype=torch.uint8)
        >>> before = log_probs(model, torch.zeros(1, 16)).item()
        >>> average, history = train_pixelcnn(model, black, epochs=20, half=False)
        >>> len(history.loss), log_probs(average, torch.zeros(1, 16)).item() > before
        (20, True)
    """
    return training.fit_average(
        model,
        lambda model, x: -model.log_prob(x),
        images,
        lambda batch: (binarize(batch),),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        half=half,
        callback=callback,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        progress=progress,
    )


@torch.no_grad()
def log_probs(
    model: nn.Module, x: Float[Tensor, " n pixels"], chunk_size: int = 250
) -> Float[Tensor, " n"]:
    """Return log P of each of many binary images, (N,), in nats.

    Args:
        model: a `PixelCNN` or a `MADE`.
        x: zeros and ones, (N, pixels).
        chunk_size: images at once; it bounds the memory.

    Raises:
        ValueError: `chunk_size` is less than 1; or as the model's `log_prob`.

    Example:
        >>> model = PixelCNN(side=4, width=8, hidden=8, blocks=1)
        >>> log_probs(model, torch.zeros(300, 16)).shape
        torch.Size([300])
    """
    checks.at_least(1, "images at once", chunk_size=chunk_size)
    return torch.cat([model.log_prob(part) for part in x.split(chunk_size)])
