"""A mean with its standard error, and what both were taken over."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.estimators import mean_and_standard_error
from dgm_core.prose import number


@dataclass(frozen=True)
class Measured:
    """A mean with its standard error, and what both were taken over; made by `measure`.

    Attributes:
        mean: of the values.
        error: its standard error, in the same units.
        count: how many values there were.
        over: what they belong to, in the plural: "digits", "seeds", "pairs of digits".

    Example:
        >>> a = Measured(mean=93.5, error=0.7637, count=3, over="seeds")
        >>> print(a)
        93.50 ± 0.76 (3 seeds)
        >>> f"{a:.1f}"
        '93.5 ± 0.8'
    """

    mean: float
    error: float
    count: int
    over: str

    def __str__(self) -> str:
        """Return mean, error, number and kind, with two digits of the error."""
        return f"{self:,.{self.decimals}f} ({self.count:,} {self.over})"

    def __format__(self, spec: str) -> str:
        """Format mean and error alike; without a format, as `str`."""
        return f"{number(self.mean, spec)} ± {number(self.error, spec)}" if spec else str(self)

    @property
    def decimals(self) -> int:
        """Digits after the point that show two digits of the error: what is worth printing."""
        if self.error == 0 or not math.isfinite(self.error):
            return 2
        return max(0, 1 - math.floor(math.log10(self.error)))


def measure(values: Float[Tensor, " n"], over: str) -> Measured:
    """Return the mean of independent values, its standard error, and what it is over.

    What ± says depends on what was drawn again. Over digits, the model stays and the test digits
    change; over seeds, the digits stay and the training is repeated. Give the values of that kind:
    a value for each digit, or for each seed (itself a mean over digits). For a comparison, give
    the *differences* on the same digits or the same seeds: what both have in common cancels.

    Args:
        values: (N,), at least two; independent of each other.
        over: what there is one value of, in the plural: "digits", "seeds". Always said.

    Returns:
        The `Measured`. With three seeds its error is itself uncertain by half.

    Raises:
        ValueError: fewer than two values, several for one of what they are over, or nothing in
            `over`.

    Example:
        >>> losses = torch.tensor([[90.0, 94.0], [91.0, 97.0], [92.0, 97.0]])  # seeds, digits
        >>> print(measure(losses.mean(1), "seeds"))
        93.50 ± 0.76 (3 seeds)
        >>> f"{measure(losses[0], 'digits'):.1f}"
        '92.0 ± 2.0'
    """
    if not over:
        raise ValueError("say what the mean is over: digits, seeds, ...")
    checks.event("values", values, (), f"one for each of the {over}, as values.mean(1) may be")
    return Measured(*mean_and_standard_error(values), len(values), over)
