"""One training loop for every model and every game of two; nothing here knows the model."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from dgm_core import checks
from dgm_core.data import Batches
from dgm_core.nets import full_precision
from dgm_core.training import checkpoints, console
from dgm_core.training.history import History
from dgm_core.training.optimizers import adam, descend
from dgm_core.training.schedule import Schedule, warmup_cosine
from dgm_core.training.watch import Loss, Turn, Watch

# A look at a loss makes the processor wait for the accelerator. Once in 50 steps costs nothing
# that can be measured, and a run that has gone wrong goes on for a second at most.
CHECK_EVERY = 50

Callback = Callable[[int], Mapping[str, float] | None]


def fit(
    loss_fn: Loss,
    parameters: Iterable[Tensor],
    batches: Batches | Sequence[Tensor] | Tensor,
    *,
    learning_rate: float = 2e-3,
    warmup_steps: int = 200,
    schedule: Schedule | None = None,
    optimizer: Callable[..., torch.optim.Optimizer] = adam,
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
    """Minimise the mean of a loss over batches; the parameters are changed in place.

    The learning rate rises linearly over `warmup_steps`, then falls to nearly 0 by a cosine,
    unless another `schedule` is given.
    After ``torch.manual_seed``, the same call gives the same numbers on the same machine. Where
    `checkpoint` exists, training goes on from it, with the numbers of a run that never stopped.
    Ctrl-C (or the stop button) ends training after the current step, and returns.

    Args:
        loss_fn: from a batch to a loss for each example, (B,); the mean is taken here.
        parameters: what to train, for instance ``model.parameters()``.
        batches: the batches, in order; see `dgm_core.data.batches`. Without a checkpoint any
            sequence will do, also a tensor, (steps, B, ...).
        learning_rate: the highest learning rate.
        warmup_steps: steps to reach it, of the usual schedule.
        schedule: factor on `learning_rate` by step, from 1, and number of steps; see
            `training.schedule`. It takes the place of the usual one.
        optimizer: called as ``optimizer(parameters, lr=learning_rate)``.
        callback: called with the number of the step, every `callback_every` steps and after the
            last, without gradients; what it returns goes to ``history.metrics``. The noise that
            it draws doesn't change the training.
        callback_every: steps between two calls.
        checkpoint: file to save to, every `checkpoint_every` steps and at the end. It doesn't
            know the loss or the data: use another file, or delete it, when these change.
        checkpoint_every: steps between two savings.
        buffers: tensors that the model changes as it runs, for instance ``model.buffers()`` of a
            model with batch normalisation; saved and restored with the parameters.
        clip_norm: largest Euclidean norm that the gradient of all parameters together may have;
            a longer one is scaled down to it.
        after_step: called after every update, for instance to update a running average of the
            parameters, which belongs in `buffers`.
        half: whether linear layers and convolutions compute in bfloat16, for instance where
            `device.bfloat16_pays`; parameters, probabilities and losses stay in float32. Not
            for a flow that is itself a matrix product, such as `flows.Invertible1x1`.
        progress: whether to show a progress bar; None shows one to a person who waits: in a
            terminal or a notebook, not in CI, not while a page is made, not with ``DGM_QUIET``.

    Returns:
        The `History`, also that of earlier runs when it goes on from a checkpoint.

    Raises:
        TrainingDiverged: a loss or a parameter is NaN or infinite. The parameters are set back to
            the last that were checked, at most `CHECK_EVERY` steps earlier.
        CheckpointError: `checkpoint` is damaged, of another run, or cannot be written; that is
            tried before the first step.
        TypeError: a `checkpoint` for batches that `data.batches` has not made; batches without a
            length; a module in place of its parameters; a loss that is no tensor; or a callback
            that returns no mapping.
        ValueError: no parameters, no batches or an empty one, a number out of range, a loss that
            depends on none of the parameters; or, at the first batch, data that a model refuses,
            such as pixels in [-1, 1].

    References:
        Pascanu et al. (2013), On the Difficulty of Training Recurrent Neural Networks,
        algorithm 1, for clipping.

    Example:
        >>> from dgm_core.data import batches
        >>> data, mean = torch.tensor([[2.0], [4.0]]), torch.zeros(1, requires_grad=True)
        >>> plan = batches(data, batch_size=2, epochs=500)
        >>> history = fit(lambda x: (x - mean).square().sum(1), [mean], plan, learning_rate=0.1)
        >>> len(history.loss), round(history.loss[-1], 2), round(mean.item(), 2)
        (500, 1.0, 3.0)
    """
    turn = Turn("the loss", loss_fn, parameters, learning_rate, optimizer)
    schedule = schedule or warmup_cosine(warmup_steps)
    options = {"buffers": buffers, "clip_norm": clip_norm, "after_step": after_step, "half": half}
    options |= {"callback": callback, "callback_every": callback_every, "progress": progress}
    return take_turns([turn], batches, schedule, checkpoint, checkpoint_every, **options)


def take_turns(
    turns: Sequence[Turn],
    batches: Batches | Sequence[Tensor] | Tensor,
    schedule: Schedule,
    checkpoint: str | Path | None,
    checkpoint_every: int,
    *,
    buffers: Iterable[Tensor],
    clip_norm: float | None,
    after_step: Callable[[], object] | None,
    half: bool,
    callback: Callback | None,
    callback_every: int,
    progress: bool | None,
) -> History:
    """Go through the batches, the turns of each step one after the other; `fit` and `play` do.

    Args:
        turns: one, or a discriminator's and a generator's.
        batches, schedule, checkpoint, checkpoint_every: as in `fit`.
        buffers, clip_norm, after_step, half, callback, callback_every, progress: as in `fit`.

    Raises:
        TypeError: as in `fit`.
        ValueError: as in `fit`.
    """
    tensors = [*(p for turn in turns for p in turn.parameters), *buffers]
    try:
        total = len(batches)
    except TypeError:
        raise TypeError(
            f"batches is a {type(batches).__name__}, whose length nobody knows: give a list, or "
            "what data.batches returns"
        ) from None
    device = turns[0].parameters[0].device
    checks.at_least(1, "training needs data", number__batches=total)
    every = {"callback_every": callback_every, "checkpoint_every": checkpoint_every}
    checks.at_least(1, "count in steps", **every)
    if clip_norm is not None and not clip_norm > 0:
        raise ValueError(f"clip_norm is {clip_norm}, but a norm above 0 is expected, or None")
    history, done = History(), 0
    if checkpoint is not None:
        if not isinstance(batches, Batches):
            raise TypeError("a checkpoint needs batches that data.batches made, to go on from")
        identity = {
            "tensors": [f"{t.dtype} {list(t.shape)}" for t in tensors],
            "batches": batches.plan,
            "steps": total,
            "learning_rate": " and ".join(str(turn.learning_rate) for turn in turns),
            # A schedule is a function, which a file cannot hold: some of its numbers stand for it.
            "schedule": [schedule(1 + total * k // 8, total) for k in range(8)],
            "optimizer": type(turns[0].optimizer).__name__,
            "clip_norm": clip_norm,
        }
        optimizers = [turn.optimizer for turn in turns]
        store = checkpoints.Checkpoint(Path(checkpoint), identity, tensors, optimizers)
        store.try_to_save()
        if store.path.exists():
            done, saved = store.load()
            history = History(**saved)

    precision = torch.autocast(device.type, torch.bfloat16) if half else nullcontext()
    watch = Watch(history, tensors, turns, good_step=done)
    started = time.perf_counter() - (history.seconds[-1] if history.seconds else 0.0)
    with (
        console.interrupt_deferred() as interrupted,
        console.progress_bar(total, done, progress) as bar,
    ):
        rest = batches.starting_at(done) if done else batches
        for step, batch in enumerate(rest, done + 1):
            factor = schedule(step, total)
            for turn in turns:
                for group in turn.optimizer.param_groups:
                    group["lr"] = turn.learning_rate * factor
                with precision, checks.values_seen(first=step == done + 1):
                    losses = turn.loss_fn(batch)
                if not isinstance(losses, Tensor):
                    raise TypeError(
                        f"{turn.name} is a {type(losses).__name__}, but a tensor is expected, one "
                        "loss for each example: leave out .item()"
                    )
                losses = full_precision(losses)
                checks.at_least(1, "a batch needs an example", numbers__losses=losses.numel())
                if turn is turns[0]:
                    watch.begin(step, turn.learning_rate * factor, time.perf_counter() - started)
                watch.add(loss := losses.mean())
                if turn is turns[0] and step % CHECK_EVERY == 0:
                    watch.check()
                    watch.keep(step - 1)  # before an update: these parameters gave a finite loss
                    bar.update(step - bar.n)
                    bar.set_postfix_str(f"loss {watch.latest:.2f}", refresh=False)
                descend(loss, turn.optimizer, clip_norm)
            if after_step is not None:
                after_step()

            paused = time.perf_counter()
            last = step == total or interrupted.is_set()
            if callback is not None and (step == total or step % callback_every == 0):
                with torch.no_grad(), checkpoints.random_state_kept(device):
                    found = {} if (said := callback(step)) is None else said
                    if not isinstance(found, Mapping):
                        raise TypeError(
                            f"the callback returned a {type(found).__name__}, but numbers by name "
                            'are expected, such as {"validation": 93.1}, or None'
                        )
                    for name, value in found.items():
                        history.metrics.setdefault(name, []).append((step, float(value)))
            if last or (checkpoint is not None and step % checkpoint_every == 0):
                watch.check()
                watch.check_tensors(step)
                if checkpoint is not None:
                    store.save(step, vars(history))
            started += time.perf_counter() - paused
            if last:
                bar.update(step - bar.n)
                break
    return history
