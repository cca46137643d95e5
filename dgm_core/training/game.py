"""A game of two players, who take turns in the loop that trains one model."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from dgm_core.data import Batches
from dgm_core.training.history import History
from dgm_core.training.loop import Callback, take_turns
from dgm_core.training.optimizers import game_adam
from dgm_core.training.schedule import Schedule, constant
from dgm_core.training.watch import Loss, Turn


def play(
    discriminator: tuple[Loss, Iterable[Tensor]],
    generator: tuple[Loss, Iterable[Tensor]],
    batches: Batches | Sequence[Tensor] | Tensor,
    *,
    learning_rates: tuple[float, float] = (1e-3, 1e-3),
    schedule: Schedule = constant,
    optimizer: Callable[..., torch.optim.Optimizer] = game_adam,
    callback: Callback | None = None,
    callback_every: int = 500,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    buffers: Iterable[Tensor] = (),
    clip_norm: float | None = None,
    after_step: Callable[[], object] | None = None,
    half: bool = False,
    progress: bool | None = None,
) -> History:
    """Let two players take turns: a step of the discriminator, then one of the generator.

    Each player is a loss and the parameters that minimise it, for instance ``(loss_of_D,
    D.parameters())``. Both losses get the same batch, the generator's after the discriminator's
    update. Noise is drawn in the losses, or by the batches' `transform`. Everything else is as in
    `fit`: the same seed gives the same numbers, a checkpoint is gone on from, Ctrl-C ends after
    the current step, and a loss that is no number stops the game.

    Args:
        discriminator: its loss, from a batch to (B,), and its parameters.
        generator: likewise.
        batches: one a step, in order; as in `fit`.
        learning_rates: the discriminator's and the generator's, the highest.
        schedule: factor on both by step, from 1, and number of steps; see `training.schedule`.
        optimizer: called for each player as ``optimizer(parameters, lr=...)``.
        callback: as in `fit`.
        callback_every: steps between two calls.
        checkpoint: file to save to and to go on from, as in `fit`.
        checkpoint_every: steps between two savings.
        buffers: tensors that the networks change as they run, as in `fit`.
        clip_norm: largest norm of each player's gradient.
        after_step: called after every update of the generator.
        half: whether linear layers and convolutions compute in bfloat16.
        progress: whether to show a progress bar, as in `fit`.

    Returns:
        The `History`: ``loss`` and ``learning_rate`` are the discriminator's, and
        ``generator_loss`` is the generator's.

    Raises:
        TrainingDiverged: a loss or a parameter is NaN or infinite. Both players are set back to
            the last step that was checked, at most `CHECK_EVERY` steps earlier.
        CheckpointError: as in `fit`.
        TypeError: as in `fit`.
        ValueError: as in `fit`; or not two learning rates.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, algorithm 1 with k = 1.

    Example:
        >>> from dgm_core.data import batches
        >>> x, y = (torch.tensor([1.0], requires_grad=True) for _ in range(2))
        >>> rounds = batches(torch.zeros(4, 1), batch_size=4, epochs=3)
        >>> one, other = (lambda b: -x * y.detach(), [x]), (lambda b: x.detach() * y, [y])
        >>> history = play(one, other, rounds)
        >>> len(history.loss), x.item() > 1 > y.item()
        (3, True)
    """
    if not isinstance(learning_rates, Sequence) or len(learning_rates) != 2:
        raise ValueError(
            f"learning_rates is {learning_rates}, but two are expected: the discriminator's and "
            "the generator's"
        )
    names = "the discriminator's loss", "the generator's loss"
    turns = [
        Turn(name, *player, rate, optimizer)
        for name, player, rate in zip(
            names, (discriminator, generator), learning_rates, strict=True
        )
    ]
    options = {"buffers": buffers, "clip_norm": clip_norm, "after_step": after_step, "half": half}
    options |= {"callback": callback, "callback_every": callback_every, "progress": progress}
    return take_turns(turns, batches, schedule, checkpoint, checkpoint_every, **options)
