"""How experiments are compared: what a ± is over, tables that say it, contests of equal work."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from dgm_core import checks
from dgm_core.estimators import mean_and_standard_error
from dgm_core.training import TrainingDiverged

Model = TypeVar("Model")


@dataclass(frozen=True)
class Measured:
    """A mean with its standard error, and what both were taken over; made by `measure`.

    Attributes:
        mean: of the values.
        error: its standard error, in the same units.
        count: how many values there were.
        over: what they belong to, in the plural: "digits", "seeds", "pairs of digits".
    """

    mean: float
    error: float
    count: int
    over: str

    def __str__(self) -> str:
        """Return mean, error, number and kind, with two digits of the error."""
        return f"{self:.{self.decimals}f} ({self.count:,} {self.over})"

    def __format__(self, spec: str) -> str:
        """Format mean and error alike; without a format, as `str`."""
        return f"{self.mean:{spec}} ± {self.error:{spec}}" if spec else str(self)

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


class Table:
    """A table that a cell displays; made by `table`.

    Attributes:
        header: titles of the columns, the first for the rows' names.
        rows: texts of the cells, row by row.
        note: what every ± is over, and what else was to be said.
    """

    def __init__(self, header: list[str], rows: list[list[str]], note: str):
        """Use `table`, which formats the cells."""
        self.header, self.rows, self.note = header, rows, note

    def __repr__(self) -> str:
        """Return the table in Markdown."""
        lines = [self.header, ["---", *["---:"] * (len(self.header) - 1)], *self.rows]
        escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
        text = "\n".join("| " + " | ".join(line) + " |" for line in escaped)
        return f"{text}\n\n{self.note}" if self.note else text

    def _repr_html_(self) -> str:
        """Return the table as a notebook and a page show it."""

        def line(cells: list[str], tag: str) -> str:
            first = f'<th scope="row">{escape(cells[0])}</th>' if tag == "td" else None
            rest = [f"<{tag}>{escape(cell)}</{tag}>" for cell in cells[bool(first) :]]
            return f"<tr>{first or ''}{''.join(rest)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        head = line(self.header, "th")
        return f'<table class="table"><thead>{head}</thead><tbody>{body}</tbody></table>{note}'


def table(rows: Mapping[str, Mapping[str, object]], first: str = "", note: str = "") -> Table:
    """Lay results out as a table whose note says what each ± is over.

    A `Measured` is shown with two digits of its error; whole numbers with commas; other numbers
    with four significant digits; anything else as its text.

    Args:
        rows: by the name of a row, its cells by the title of a column; what a row lacks stays
            empty.
        first: title of the column of names.
        note: what else to say: the split, the seed, the number of draws.

    Returns:
        The `Table`, for the end of a cell.

    Example:
        >>> nll = measure(torch.tensor([93.0, 94.0, 96.0]), "seeds")
        >>> table({"VAE": {"NLL (nats)": nll, "steps": 4700}}, first="model", note="Test digits.")
        | model | NLL (nats) | steps |
        | --- | ---: | ---: |
        | VAE | 94.33 ± 0.88 | 4,700 |
        <BLANKLINE>
        ± is the standard error over 3 seeds. Test digits.
    """
    columns = list(dict.fromkeys(title for row in rows.values() for title in row))
    kinds: dict[str, dict[str, None]] = {}  # what ± is over -> the columns that have it, in order
    for row in rows.values():
        for title, cell in row.items():
            if isinstance(cell, Measured):
                kinds.setdefault(f"{cell.count:,} {cell.over}", {})[title] = None
    mixed = {t for t in columns if sum(t in titles for titles in kinds.values()) > 1}

    def text(title: str, cell: object) -> str:
        if isinstance(cell, np.generic) or (isinstance(cell, Tensor) and cell.numel() == 1):
            cell = cell.item()
        if isinstance(cell, Measured):
            return str(cell) if title in mixed else f"{cell:.{cell.decimals}f}"
        if isinstance(cell, int):
            return f"{cell:,}"
        return f"{cell:.4g}" if isinstance(cell, float) else str(cell)

    cells = [[name, *(text(t, row.get(t, "")) for t in columns)] for name, row in rows.items()]
    said = []
    for kind, titles in kinds.items():
        left = [title for title in titles if title not in mixed]
        if left:
            where = "" if len(kinds) == 1 else f"{' and '.join(left)}: "
            said.append(f"{where}± is the standard error over {kind}.")
    if mixed:
        said.append(f"{' and '.join(t for t in columns if t in mixed)}: ± over what stands there.")
    return Table([first, *columns], cells, " ".join([*said, note]).strip())


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
