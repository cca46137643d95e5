"""What watches over a training: a loss that is no number stops it, and nothing good is lost."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NoReturn

import torch
from torch import Tensor, nn

from dgm_core.training.history import History

#: From a batch to a loss for each example, (B,).
Loss = Callable[[Tensor], Tensor]


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


class Turn:
    """What is minimised in a step, once or by one of two players: a loss, by its parameters.

    Args:
        name: of the loss, in words, for an error.
        loss_fn: from a batch to a loss for each example, (B,).
        parameters: what minimises it.
        learning_rate: the highest.
        optimizer: called as ``optimizer(parameters, lr=learning_rate)``.
    """

    def __init__(
        self,
        name: str,
        loss_fn: Loss,
        parameters: Iterable[Tensor],
        learning_rate: float,
        optimizer: Callable[..., torch.optim.Optimizer],
    ):
        """Make the optimizer.

        Raises:
            ValueError: there are no parameters.
            TypeError: a module came in their place.
        """
        if isinstance(parameters, nn.Module):
            raise TypeError(f"a module came to minimise {name}: give its .parameters()")
        self.name, self.loss_fn, self.learning_rate = name, loss_fn, learning_rate
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(
                f"no parameters minimise {name}: give model.parameters() anew to each training, "
                "for what it returns is empty once it has been gone through"
            )
        self.optimizer = optimizer(self.parameters, lr=learning_rate)


@dataclass
class Row:
    """What is noted of a step: a loss for each turn, which may still be on its way.

    Attributes:
        step: its number, from 1.
        rate: the first turn's learning rate.
        seconds: since training began.
        losses: 0-d, one for each turn so far.
    """

    step: int
    rate: float
    seconds: float
    losses: list[Tensor] = field(default_factory=list)


class Watch:
    """Moves losses to the history, a few at once, and keeps the last parameters that were good.

    Args:
        history: grows by what is checked.
        tensors: parameters and buffers, to be set back where a loss is no number.
        turns: those of each step.
        good_step: after which step the tensors are as they are now.

    Attributes:
        latest: the newest loss of the first turn that `check` has seen.
    """

    def __init__(
        self, history: History, tensors: list[Tensor], turns: Sequence[Turn], good_step: int
    ):
        """Keep the tensors as they are."""
        self.history, self.tensors, self.turns = history, tensors, turns
        self.pending: list[Row] = []
        self.latest = math.nan
        self.keep(good_step)

    def keep(self, step: int) -> None:
        """Remember the tensors as those after a step.

        Args:
            step: its number.
        """
        self.good_step, self.good = step, [t.detach().clone() for t in self.tensors]

    def begin(self, step: int, rate: float, seconds: float) -> None:
        """Note that a step has begun.

        Args:
            step: its number.
            rate: the first turn's learning rate.
            seconds: since training began.
        """
        self.pending.append(Row(step, rate, seconds))

    def add(self, loss: Tensor) -> None:
        """Note the loss of a turn of the latest step.

        Args:
            loss: of its batch, of shape ().
        """
        self.pending[-1].losses.append(loss.detach())

    def check(self) -> None:
        """Wait for the losses and write them down, or stop at the first that is not finite.

        Raises:
            TrainingDiverged: after the tensors have been set back.
        """
        if not self.pending:
            return
        waiting, self.pending = self.pending, []
        values = iter(torch.stack([loss for row in waiting for loss in row.losses]).tolist())
        for row in waiting:
            losses = list(islice(values, len(row.losses)))
            for turn, loss in zip(self.turns, losses, strict=False):
                if not math.isfinite(loss):
                    self._stop(row.step, f"{turn.name} is {loss} at step {row.step}")
            self.latest = losses[0]
            if len(losses) < len(self.turns):  # in the middle of a step: written down after it
                self.pending.append(row)
            else:
                self._write(row, losses)

    def _write(self, row: Row, losses: list[float]) -> None:
        self.history.step.append(row.step)
        self.history.loss.append(losses[0])
        self.history.generator_loss += losses[1:]
        self.history.learning_rate.append(row.rate)
        self.history.seconds.append(row.seconds)

    def check_tensors(self, step: int) -> None:
        """Stop when an update has left a parameter or buffer that is not finite.

        Args:
            step: whose update it was.

        Raises:
            TrainingDiverged: after the tensors have been set back.
        """
        device = self.tensors[0].device  # a counter among the buffers may be on another
        if not torch.stack([t.isfinite().all().to(device) for t in self.tensors]).all():
            self._stop(step, f"a parameter is NaN or infinite after step {step}")

    def _stop(self, step: int, what: str) -> NoReturn:
        with torch.no_grad():
            for tensor, good in zip(self.tensors, self.good, strict=True):
                tensor.copy_(good)
        rates = " and ".join(f"{turn.learning_rate:g}" for turn in self.turns)
        message = (
            f"{what}; the parameters are back where they were after step {self.good_step}. "
            f"Try a learning_rate below {rates} or more warmup_steps, and look "
            "in the loss for log, sqrt, exp or a division that can meet 0 or overflow."
        )
        raise TrainingDiverged(message, step, self.history)
