"""Training the coarse-to-fine flow, in one process or in several that share every batch."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dgm_core import checks, data, training
from dgm_core.device import bfloat16_pays
from dgm_core.flows.pyramid import CoarseToFine

adamw = partial(torch.optim.AdamW, betas=(0.9, 0.99), weight_decay=0.0)


class Loss(nn.Module):
    """Minus the log-probability of images, as a module, which is what several processes need.

    Args:
        model: the flow.
        half: whether the networks compute in bfloat16; probabilities stay in float32.
    """

    def __init__(self, model: CoarseToFine, half: bool):
        """Wrap the model."""
        super().__init__()
        self.model, self.half = model, half

    def forward(self, images: UInt8[Tensor, " batch h w"]) -> Float[Tensor, " batch"]:
        """Return -log P of each image, (B,), in nats."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.half):
            return -self.model.log_mass(images)


def train_pyramid(
    model: CoarseToFine,
    images: UInt8[Tensor, " n h w"],
    *,
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 1e-2,
    seed: int = 0,
    half: bool | None = None,
    callback: Callable[[CoarseToFine], Mapping[str, float]] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool | None = None,
) -> tuple[CoarseToFine, training.History]:
    """Train a coarse-to-fine flow, in this process or in every one that `torchrun` started.

    Args:
        model: the flow, changed in place, on the device of `images`.
        images: training images, uint8, (N, side, side).
        epochs: passes over them.
        batch_size: images in a step, of all processes together.
        learning_rate: the highest.
        seed: of the order of the images.
        half: whether the networks compute in bfloat16; None lets the device decide, by
            `bfloat16_pays`.
        callback: called after every epoch with the running average; what it returns goes to
            ``history.metrics``.
        checkpoint: file to save to and to go on from; see `training.fit`.
        checkpoint_every: steps between two savings.
        progress: whether to show a progress bar; see `training.fit`.

    Returns:
        A running average of the model over the last twentieth of the steps, 200 at most, which is
        better than the model itself; and the history, its losses in nats.

    Raises:
        ValueError: the batch cannot be shared evenly among the processes.

    References:
        Polyak and Juditsky (1992), Acceleration of Stochastic Approximation by Averaging.

    Example:
        >>> flow = CoarseToFine(side=2, bins=3, levels=[(8, (0, 0, 0))], hidden=8)
        >>> black = torch.zeros(64, 2, 2, dtype=torch.uint8)
        >>> before = flow.log_mass(black).mean().item()
        >>> average, history = train_pyramid(flow, black, epochs=10, half=False)
        >>> len(history.loss), average.log_mass(black).mean().item() > before
        (10, True)
    """
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if batch_size % world:
        raise ValueError(f"{batch_size} images a step do not share out among {world} processes")
    model.to(memory_format=torch.channels_last)
    loss = Loss(model, bfloat16_pays(images.device) if half is None else half)
    if world > 1:
        loss = DistributedDataParallel(loss)
    elif images.is_cuda:  # thousands of small kernels a step: recorded once, then replayed
        torch.cuda.make_graphed_callables(loss, (images[:batch_size],))
    plan = data.batches(
        images, batch_size, epochs, transform=lambda batch: batch[rank::world], seed=seed
    )
    # A longer memory than a short training would still know the weights that it began with.
    decay = 1 - 1 / min(200, 1 + len(plan) // 20)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)).eval()

    history = training.fit(
        loss,
        model.parameters(),
        plan,
        learning_rate=learning_rate,
        warmup_steps=100,
        optimizer=partial(adamw, fused=training.fuses(images.device)),
        clip_norm=1.0,
        after_step=lambda: average.update_parameters(model),
        buffers=average.state_dict().values(),
        callback=callback and (lambda step: callback(average.module)),
        callback_every=plan.steps_per_epoch,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        progress=progress,
    )
    return average.module, history


@torch.no_grad()
def log_masses(
    model: CoarseToFine, images: UInt8[Tensor, " n h w"], chunk_size: int = 250
) -> Float[Tensor, " n"]:
    """Return log P of each of many images, in nats, (N,).

    Args:
        model: the flow.
        images: uint8, (N, side, side).
        chunk_size: images at once; it bounds the memory.

    Raises:
        ValueError: `chunk_size` is less than 1; or as `CoarseToFine.log_mass`.

    Example:
        >>> flow = CoarseToFine(side=2, bins=3, levels=[(8, (0, 0, 0))], hidden=8)
        >>> log_masses(flow, torch.zeros(600, 2, 2, dtype=torch.uint8)).shape
        torch.Size([600])
    """
    checks.at_least(1, "images at once", chunk_size=chunk_size)
    return torch.cat([model.log_mass(part) for part in images.split(chunk_size)])
