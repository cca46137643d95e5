"""Questions that check themselves on the page, with no kernel."""

import math
from collections.abc import Sequence

import traitlets
from IPython.display import display

from dgm_core.live.base import View, module
from dgm_core.live.shown import replace


class Quiz(View):
    """Questions that check themselves; made by :func:`quiz`."""

    _esm = module("quiz.js")
    _question = traitlets.Dict().tag(sync=True)
    given = traitlets.Unicode(None, allow_none=True).tag(sync=True)  # what was checked last


def quiz(
    question: str,
    *,
    answer: int | float,
    why: str,
    choices: Sequence[str] | None = None,
    tolerance: float | None = None,
    unit: str = "",
) -> None:
    r"""Display a question that checks itself on the page, with no kernel.

    Texts may hold ``*emphasis*``, ```code``` and ``$math$``.

    Args:
        question: what is asked.
        answer: with ``choices``, the index of the right one; else the number.
        why: shown with the verdict; explains.
        choices: what to choose from.
        tolerance: without ``choices``, how far from ``answer`` is still right; in ``unit``.
        unit: what the number is measured in.

    Raises:
        ValueError: the answer is not one of the choices, or it, or its tolerance, is no finite
            number.

    Example:
        >>> quiz("What is *half* of 1?", answer=0.5, tolerance=0.01, why="1 / 2")
        <dgm_core.live.questions.Quiz object at ...>
    """
    if choices is not None and not (isinstance(answer, int) and 0 <= answer < len(choices)):
        raise ValueError(
            f"answer is the index of a choice, 0 to {len(choices) - 1}, not {answer!r}"
        )
    if choices is None and not (tolerance is not None and 0 < tolerance < math.inf):
        raise ValueError("a numeric question needs a tolerance above 0")
    if not math.isfinite(answer):
        raise ValueError(f"answer is {answer}, and nobody can type that")
    content = {"question": question, "answer": float(answer), "why": why, "unit": unit}
    content |= {"choices": list(choices or []), "tolerance": tolerance or 0}
    asked = Quiz(_question=content)
    replace(asked, question)
    display(asked)
