"""Contests of equal work, in which each trains with its own best rate."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from dgm_core import checks
from dgm_core.training import TrainingDiverged

Model = TypeVar("Model")


@dataclass(frozen=True)
class Result:
    """What `contest` found for one contestant.

    Attributes:
        rate: the learning rate that validation chose.
        tried: mean validation loss by rate; infinite where training diverged.
        losses: on test examples, a row for each seed, (seeds, N).
    """

    rate: float
    tried: dict[float, float]
    losses: Float[Tensor, " seeds examples"]

    @property
    def at_edge(self) -> bool:
        """Whether the chosen rate is the lowest or highest tried: then a better may lie beyond."""
        return self.rate in (min(self.tried), max(self.tried))


def operations(work: Callable[[], object]) -> int:
    """Count the additions and multiplications of matrix products and convolutions in some work.

    Equal arithmetic is ``steps = budget // operations(one_step)`` for each contestant: fixed
    work, the same on every machine, where equal seconds would let the machine decide.

    Args:
        work: called once, for instance ``lambda: loss(x).mean().backward()``, a step of training.

    Example:
        >>> layer, x = torch.nn.Linear(10, 20), torch.zeros(3, 10)
        >>> operations(lambda: layer(x)), operations(lambda: layer(x).sum().backward())
        (1200, 2400)
    """
    with FlopCounterMode(display=False) as count:
        work()
    return count.get_total_flops()


def contest(
    contestants: Mapping[str, Callable[[float, int], Model]],
    rates: Sequence[float] | Mapping[str, Sequence[float]],
    validate: Callable[[Model], Tensor],
    test: Callable[[Model], Tensor],
    seeds: Sequence[int] = (0, 1, 2),
) -> dict[str, Result]:
    """Train every contestant with its own best rate, from several seeds, and test it.

    The rate is the one with the smallest mean validation loss after a training from the first
    seed. Test examples are seen by chosen models alone, and choose nothing. How much each may
    work is in the trainings: give all the same steps, or the same `operations`, never the same
    seconds.

    Args:
        contestants: by name, a training: called with a rate and a seed, it returns a model. The
            random numbers of torch are seeded before.
        rates: to choose from, for all, or by name.
        validate: from a model to a loss for each validation example, (N,).
        test: from a model to a loss for each test example, (N,), the same examples for all.
        seeds: of the trainings that are tested.

    Returns:
        The `Result` of each, by name.

    Raises:
        ValueError: there is no seed, or a contestant has no rate, or all of its rates diverge.

    Example:
        >>> def train(rate, seed):  # ten steps down x^2, from 1
        ...     return torch.tensor((1 - 2 * rate) ** 10)
        >>> loss = lambda x: (x**2 + torch.tensor([0.0, 1.0]))
        >>> found = contest({"descent": train}, [0.01, 0.4, 2.0], loss, loss, seeds=[0, 1])
        >>> found["descent"].rate, found["descent"].losses.shape, found["descent"].at_edge
        (0.4, torch.Size([2, 2]), False)
    """
    if not seeds:
        raise ValueError("a contest needs at least one seed")
    given = rates if isinstance(rates, Mapping) else dict.fromkeys(contestants, rates)
    for name in contestants:
        checks.at_least(1, "one of them is chosen", **{f"rates__{name}": len(given.get(name, ()))})
    results = {}
    for name, train in contestants.items():
        tried, best, chosen = {}, None, None
        for rate in given[name]:
            torch.manual_seed(seeds[0])
            try:
                model = train(rate, seeds[0])
                tried[rate] = _mean_loss(validate, model)
            except TrainingDiverged:
                tried[rate] = math.inf
            if tried[rate] < tried.get(chosen, math.inf):
                best, chosen = model, rate
        if chosen is None:
            raise ValueError(
                f"{name} diverges with all of its rates, {list(tried)}: try lower ones"
            )
        losses = [_losses(test, best)]
        for seed in seeds[1:]:
            torch.manual_seed(seed)
            losses.append(_losses(test, train(chosen, seed)))
        results[name] = Result(chosen, tried, torch.stack(losses))
    return results


@torch.no_grad()
def _losses(look: Callable, model: object) -> Tensor:
    return look(model).detach()


def _mean_loss(validate: Callable, model: object) -> float:
    mean = _losses(validate, model).double().mean().item()
    return mean if math.isfinite(mean) else math.inf
