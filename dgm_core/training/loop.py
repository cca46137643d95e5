"""One training loop for every model; nothing in this file has anything to do with the model."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from dgm_core.data import Batches
from dgm_core.nets import full_precision
from dgm_core.training import checkpoints, console
from dgm_core.training.history import History

# A look at a loss makes the processor wait for the accelerator. Once in 50 steps costs nothing
# that can be measured, and a run that has gone wrong goes on for a second at most.
CHECK_EVERY = 50


class TrainingDiverged(RuntimeError):
    """A loss or a parameter became infinite or NaN.

    Attributes:
        step: the first bad step.
        history: the `History` up to the step before.
    """

    def __init__(self, message: str, step: int, history: History):
        """Keep the history, to be plotted after the error."""
        super().__init__(message)
        self.step = step
        self.history = history


def adam(parameters: Sequence[Tensor], lr: float) -> torch.optim.Adam:
    """Make Adam, with one fused kernel a step where the device has one.

    Args:
        parameters: what it trains, all on one device.
        lr: the learning rate.

    References:
        Kingma and Ba (2015), Adam: A Method for Stochastic Optimization.

    Example:
        >>> optimizer = adam([torch.zeros(3, requires_grad=True)], lr=1e-3)
        >>> optimizer.param_groups[0]["lr"]
        0.001
    """
    has_kernel = parameters[0].device.type in ("cpu", "cuda", "mps")
    return torch.optim.Adam(parameters, lr=lr, fused=has_kernel)


def fit(
    loss_fn: Callable[[Tensor], Tensor],
    parameters: Iterable[Tensor],
    batches: Batches,
    *,
    learning_rate: float = 2e-3,
    warmup_steps: int = 200,
    optimizer: Callable[..., torch.optim.Optimizer] = adam,
    callback: Callable[[int], Mapping[str, float] | None] | None = None,
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

    The learning rate rises linearly over `warmup_steps`, then falls to nearly 0 by a cosine.
    After ``torch.manual_seed``, the same call gives the same numbers on the same machine. Where
    `checkpoint` exists, training goes on from it, with the numbers of a run that never stopped.
    Ctrl-C (or the stop button) ends training after the current step, and returns.

    Args:
        loss_fn: from a batch to a loss for each example, (B,); the mean is taken here.
        parameters: what to train, for instance ``model.parameters()``.
        batches: the batches, in order; see `dgm_core.data.batches`.
        learning_rate: the highest learning rate.
        warmup_steps: steps to reach it.
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
        CheckpointError: `checkpoint` is damaged or of another run.

    References:
        Loshchilov and Hutter (2017), SGDR, eq. 5, for the cosine;
        Goyal et al. (2017), Accurate, Large Minibatch SGD, section 2.2, for the warm-up;
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
    parameters = list(parameters)
    tensors = [*parameters, *buffers]
    optimiser = optimizer(parameters, lr=learning_rate)
    total = len(batches)
    history, done = History(), 0
    if checkpoint is not None:
        identity = {
            "tensors": [f"{t.dtype} {list(t.shape)}" for t in tensors],
            "batches": batches.plan,
            "steps": total,
            "learning_rate": learning_rate,
            "warmup_steps": warmup_steps,
            "optimizer": type(optimiser).__name__,
            "clip_norm": clip_norm,
        }
        store = checkpoints.Checkpoint(Path(checkpoint), identity, tensors, optimiser)
        if store.path.exists():
            done, saved = store.load()
            history = History(**saved)

    kind = parameters[0].device.type
    precision = torch.autocast(kind, torch.bfloat16) if half else nullcontext()
    watch = _Watch(history, tensors, learning_rate, good_step=done)
    started = time.perf_counter() - (history.seconds[-1] if history.seconds else 0.0)
    with (
        console.interrupt_deferred() as interrupted,
        console.progress_bar(total, done, progress) as bar,
    ):
        for step, batch in enumerate(batches.starting_at(done), done + 1):
            rate = learning_rate * _schedule(step, warmup_steps, total)
            for group in optimiser.param_groups:
                group["lr"] = rate
            with precision:
                loss = full_precision(loss_fn(batch)).mean()
            watch.add(step, loss.detach(), rate, time.perf_counter() - started)
            if step % CHECK_EVERY == 0:
                watch.check()
                watch.keep(step - 1)  # before the update: these parameters gave a finite loss
                bar.update(step - bar.n)
                bar.set_postfix_str(f"loss {history.loss[-1]:.2f}", refresh=False)
            optimiser.zero_grad()
            loss.backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
            optimiser.step()
            if after_step is not None:
                after_step()

            paused = time.perf_counter()
            last = step == total or interrupted.is_set()
            if callback is not None and (step == total or step % callback_every == 0):
                with torch.no_grad(), checkpoints.random_state_kept(parameters[0].device):
                    for name, value in (callback(step) or {}).items():
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


def _schedule(step: int, warmup: int, total: int) -> float:
    """Return the learning rate of a step, from 1, as a fraction of the highest."""
    if step <= warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup + 1)))


class _Watch:
    """Moves losses to the history, a few at once, and keeps the last parameters that were good."""

    def __init__(self, history: History, tensors: list[Tensor], learning_rate: float, good_step):
        self.history, self.tensors, self.learning_rate = history, tensors, learning_rate
        self.pending = []
        self.keep(good_step)

    def keep(self, step: int) -> None:
        """Remember the tensors as those after `step`."""
        self.good_step, self.good = step, [t.detach().clone() for t in self.tensors]

    def add(self, step: int, loss: Tensor, rate: float, seconds: float) -> None:
        """Note a step; its loss may still be on its way."""
        self.pending.append((step, loss, rate, seconds))

    def check(self) -> None:
        """Wait for the losses and write them down, or stop at the first that is not finite."""
        if not self.pending:
            return
        steps, losses, rates, seconds = zip(*self.pending, strict=True)
        self.pending = []
        losses = torch.stack(losses).tolist()
        good = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
        self.history.step += steps[:good]
        self.history.loss += losses[:good]
        self.history.learning_rate += rates[:good]
        self.history.seconds += seconds[:good]
        if good < len(losses):
            self._stop(steps[good], f"the loss is {losses[good]} at step {steps[good]}")

    def check_tensors(self, step: int) -> None:
        """Stop when the update of `step` has left a parameter or buffer that is not finite."""
        device = self.tensors[0].device  # a counter among the buffers may be on another
        if not torch.stack([t.isfinite().all().to(device) for t in self.tensors]).all():
            self._stop(step, f"a parameter is NaN or infinite after step {step}")

    def _stop(self, step: int, what: str) -> NoReturn:
        with torch.no_grad():
            for tensor, good in zip(self.tensors, self.good, strict=True):
                tensor.copy_(good)
        message = (
            f"{what}; the parameters are back where they were after step {self.good_step}. "
            f"Try a learning_rate below {self.learning_rate:g} or more warmup_steps, and look "
            "in the loss for log, sqrt, exp or a division that can meet 0 or overflow."
        )
        raise TrainingDiverged(message, step, self.history)
