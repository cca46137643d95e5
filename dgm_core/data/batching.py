"""Batches that are an index: in an order that a seed decides, from any step on."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from dgm_core import checks


class Batches:
    """Shuffled batches over several epochs; made by `batches`.

    Iterating yields ``len(self)`` batches, (batch_size, ...), the same examples every time.

    Attributes:
        plan: what decides which examples a batch holds, as plain numbers.
    """

    def __init__(
        self,
        data: Tensor,
        batch_size: int,
        epochs: int,
        transform: Callable[[Tensor], Tensor] | None,
        seed: int,
        start: int = 0,
    ):
        """Use `batches`, which has defaults and documents the arguments."""
        self.data = data
        self.transform = transform
        self.start = start
        self.plan = {
            "examples": len(data),
            "batch_size": batch_size,
            "epochs": epochs,
            "seed": seed,
        }

    @property
    def steps_per_epoch(self) -> int:
        """Number of whole batches in an epoch."""
        return self.plan["examples"] // self.plan["batch_size"]

    def __len__(self) -> int:
        """Return the number of batches from the starting step to the end of the last epoch."""
        return self.steps_per_epoch * self.plan["epochs"] - self.start

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the batches, each epoch in an order of its own."""
        size, first = self.plan["batch_size"], self.start % self.steps_per_epoch
        for epoch in range(self.start // self.steps_per_epoch, self.plan["epochs"]):
            # numpy mixes the pair into one seed; torch's CPU generator keeps only 32 bits of one.
            order = np.random.default_rng((self.plan["seed"], epoch)).permutation(len(self.data))
            order = torch.from_numpy(order).to(self.data.device)
            for step in range(first, self.steps_per_epoch):
                batch = self.data[order[step * size : (step + 1) * size]]
                yield batch if self.transform is None else self.transform(batch)
            first = 0

    def starting_at(self, step: int) -> "Batches":
        """Return the same batches without the first `step` of them, at no cost."""
        plan = self.plan
        return Batches(
            self.data,
            plan["batch_size"],
            plan["epochs"],
            self.transform,
            plan["seed"],
            self.start + step,
        )


def batches(
    data: Tensor,
    batch_size: int,
    epochs: int = 1,
    transform: Callable[[Tensor], Tensor] | None = None,
    seed: int = 0,
) -> Batches:
    """Cut `data` into shuffled batches that stay on its device.

    Every epoch has a new order, decided by `seed` and the epoch's number. What is left over at
    the end of an epoch, less than a batch, is dropped; the next order drops other examples.

    Args:
        data: (N, ...), on any device.
        batch_size: examples in a batch.
        epochs: passes over the data.
        transform: applied to every batch, for instance `binarize`; its noise comes from torch's
            default generator, so ``torch.manual_seed`` fixes it.
        seed: seed of the order, 0 or more.

    Returns:
        A `Batches`: its length is the number of batches in all epochs together.

    Raises:
        ValueError: an argument is out of range.
        TypeError: a number is not whole.

    Example:
        >>> [len(batch) for batch in batches(torch.arange(7), batch_size=2, epochs=2)]
        [2, 2, 2, 2, 2, 2]
    """
    cure = "round it down, as examples // batches does"
    checks.counts(cure, batch_size=batch_size, epochs=epochs, seed=seed)
    checks.at_least(1, "there is nothing to cut into batches", examples__data=len(data))
    if not 1 <= batch_size <= len(data):
        raise ValueError(f"batch_size is {batch_size}; it must be from 1 to {len(data)} examples")
    if epochs < 1 or seed < 0:
        raise ValueError(f"epochs is {epochs}, at least 1; seed is {seed}, at least 0")
    return Batches(data, batch_size, epochs, transform, seed)
