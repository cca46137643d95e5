"""Tables of results, whose note says what each ± is over."""

from collections.abc import Mapping
from html import escape

import numpy as np
from torch import Tensor

from dgm_core.prose import number, printed
from dgm_core.protocol.measures import Measured


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

        def whole(cell: str) -> str:  # where room is scarce, no line is "±" alone, or "D ="
            cell = cell.replace("± ", "±\N{NO-BREAK SPACE}")
            return escape(cell.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"))

        def line(cells: list[str], tag: str) -> str:
            first = f'<th scope="row">{whole(cells[0])}</th>' if tag == "td" else None
            rest = [f"<{tag}>{whole(cell)}</{tag}>" for cell in cells[bool(first) :]]
            return f"<tr>{first or ''}{''.join(rest)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        head = line(self.header, "th")
        body = f"<thead>{head}</thead><tbody>{body}</tbody>"
        return f'<table class="table dgm-results">{body}</table>{note}'


def table(rows: Mapping[str, Mapping[str, object]], first: str = "", note: str = "") -> Table:
    """Lay results out as a table whose note says what each ± is over.

    A `Measured` is shown with two digits of its error; whole numbers, and others from 1,000 on,
    as whole ones with commas; smaller numbers with four significant digits; anything else as its
    text.

    Args:
        rows: by the name of a row, its cells by the title of a column; what a row lacks stays
            empty.
        first: title of the column of names.
        note: what else to say: the split, the seed, the number of draws.

    Returns:
        The `Table`, for the end of a cell.

    Example:
        >>> from dgm_core.protocol import measure
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
            return str(cell) if title in mixed else f"{cell:,.{cell.decimals}f}"
        if isinstance(cell, int):
            return number(cell, ",d")
        if isinstance(cell, float):
            return number(cell, ",.0f" if 1000 <= abs(cell) < 1e7 else ".4g")
        return printed(str(cell))

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
