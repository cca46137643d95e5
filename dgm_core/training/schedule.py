"""Schedules of the learning rate: functions of the step that return a factor on the highest."""

import math
from collections.abc import Callable

#: From a step, counted from 1, and the number of all steps, to a factor, at most 1.
Schedule = Callable[[int, int], float]


def constant(step: int, total: int) -> float:
    """Return 1: the learning rate stays as it is.

    Args:
        step: of the training, from 1.
        total: steps of the whole training.

    Example:
        >>> constant(1, 10), constant(10, 10)
        (1.0, 1.0)
    """
    return 1.0


def linear(step: int, total: int) -> float:
    """Return a factor that falls from 1 by the same amount each step, and is 0 after the last.

    Args:
        step: of the training, from 1.
        total: steps of the whole training.

    Example:
        >>> [linear(step, 4) for step in (1, 2, 3, 4)]
        [1.0, 0.75, 0.5, 0.25]
    """
    return 1 - (step - 1) / total


def warmup_cosine(warmup_steps: int = 200) -> Schedule:
    """Make a schedule that rises linearly to 1, then falls to nearly 0 by a cosine.

    Args:
        warmup_steps: steps to reach 1; any number, also 0 or more than there are.

    References:
        Loshchilov and Hutter (2017), SGDR, eq. 5, for the cosine;
        Goyal et al. (2017), Accurate, Large Minibatch SGD, section 2.2, for the warm-up.
    """

    def schedule(step: int, total: int) -> float:
        if step <= warmup_steps:
            return step / warmup_steps
        return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (total - warmup_steps + 1)))

    return schedule
