"""Training that keeps a running average of the weights, in one process or several that share."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dgm_core import data
from dgm_core.device import bfloat16_pays
from dgm_core.training.history import History
from dgm_core.training.loop import fit
from dgm_core.training.optimizers import fuses

#: Adam without decay of the weights and with a shorter memory of the gradient's size.
adamw = partial(torch.optim.AdamW, betas=(0.9, 0.99), weight_decay=0.0)


class _Loss(nn.Module):
    """A loss of a model as a module, which is what several processes need."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *parts: Tensor) -> Float[Tensor, " batch"]:
        return self.loss(self.model, *parts)


def fit_average(
    model: nn.Module,
    loss: Callable[..., Tensor],
    examples: Tensor,
    prepare: Callable[[Tensor], tuple[Tensor, ...]],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float = 2e-3,
    seed: int = 0,
    half: bool | None = None,
    callback: Callable[[nn.Module], Mapping[str, float]] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool | None = None,
) -> tuple[nn.Module, History]:
    """Train a model and a running average of it, in this process or in all that `torchrun` began.

    AdamW with a cosine, clipping at norm 1, and an average over about the last tenth of the steps:
    a longer memory than a short training would still know the weights that it began with.
    Convolutions run channels last. All random numbers are drawn by `prepare`, of whole batches,
    so that several processes compute what one would.

    Args:
        model: changed in place, on the device of `examples`.
        loss: called as ``loss(model, *parts)``; returns one loss for each example, (B,).
        examples: the data, (N, ...).
        prepare: from a batch, (B, ...), to the parts, each (B, ...), noise included.
        epochs: passes over the data.
        batch_size: examples in a step, of all processes together.
        learning_rate: the highest.
        seed: of the order of the examples.
        half: whether the networks compute in bfloat16; None lets the device decide, by
            `bfloat16_pays`.
        callback: called after every epoch with the running average; what it returns goes to
            ``history.metrics``.
        checkpoint: file to save to and to go on from; see `fit`.
        checkpoint_every: steps between two savings.
        progress: whether to show a progress bar; see `fit`.

    Returns:
        The running average, in evaluation mode, and the history.

    Raises:
        ValueError: the batch cannot be shared evenly among the processes.
        TypeError: `prepare` returns no tuple.

    References:
        Polyak and Juditsky (1992), Acceleration of Stochastic Approximation by Averaging.

    Example:
        >>> line, x = nn.Linear(1, 1), torch.linspace(-1, 1, 64)[:, None]
        >>> average, history = fit_average(
        ...     line,
        ...     lambda model, x: (model(x) - 3 * x).square().sum(1),
        ...     x,
        ...     lambda batch: (batch,),
        ...     epochs=100,
        ...     batch_size=16,
        ...     learning_rate=0.1,
        ...     half=False,
        ... )
        >>> round(average.weight.item(), 1)
        3.0
    """
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if batch_size % world:
        raise ValueError(f"{batch_size} examples a step do not share out among {world} processes")
    model.to(memory_format=torch.channels_last)
    compute = _Loss(model, loss)
    if world > 1:
        compute = DistributedDataParallel(compute)

    def share(batch: Tensor) -> tuple[Tensor, ...]:
        parts = prepare(batch)
        if not isinstance(parts, tuple):
            raise TypeError(
                f"prepare returned a {type(parts).__name__}, but a tuple of parts is expected: "
                "(x,) for one"
            )
        return tuple(part[rank::world] for part in parts)

    plan = data.batches(examples, batch_size, epochs, transform=share, seed=seed)
    decay = 1 - 1 / (1 + len(plan) // 10)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)).eval()
    history = fit(
        lambda parts: compute(*parts),
        model.parameters(),
        plan,
        learning_rate=learning_rate,
        warmup_steps=min(200, 1 + len(plan) // 10),
        optimizer=partial(adamw, fused=fuses(examples.device)),
        clip_norm=1.0,
        after_step=lambda: average.update_parameters(model),
        buffers=average.state_dict().values(),
        callback=callback and (lambda step: callback(average.module)),
        callback_every=plan.steps_per_epoch,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        half=bfloat16_pays(examples.device) if half is None else half,
        progress=progress,
    )
    return average.module, history
