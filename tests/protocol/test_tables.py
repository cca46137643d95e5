"""A table says below what each ± is over."""

import numpy as np
import torch

from dgm_core.protocol import Measured, table

NLL = Measured(93.804, 0.241, 10_000, "digits")
GAP = Measured(2.5, 0.1, 3, "seeds")


def test_what_every_error_is_over_stands_once_below():
    shown = repr(table({"a": {"NLL": NLL}, "b": {"NLL": NLL}}, first="model", note="Seed 0."))
    assert shown.splitlines() == [
        "| model | NLL |",
        "| --- | ---: |",
        "| a | 93.80 ± 0.24 |",
        "| b | 93.80 ± 0.24 |",
        "",
        "± is the standard error over 10,000 digits. Seed 0.",
    ]


def test_columns_over_different_things_say_so_each():
    shown = table({"a": {"NLL": NLL, "gap": GAP}})
    assert shown.note == (
        "NLL: ± is the standard error over 10,000 digits. "
        "gap: ± is the standard error over 3 seeds."
    )


def test_cells_of_one_column_over_different_things_say_so_each():
    shown = table({"a": {"NLL": NLL}, "b": {"NLL": GAP}, "c": {"NLL": NLL}})
    assert [row[1] for row in shown.rows] == [str(NLL), str(GAP), str(NLL)]
    assert shown.note == "NLL: ± over what stands there."


def test_other_cells_are_numbers_texts_or_empty():
    shown = table({"a": {"steps": 4700, "rate": 0.00312345}, "b|c": {"kind": "flow"}})
    assert shown.header == ["", "steps", "rate", "kind"]
    assert shown.rows == [["a", "4,700", "0.003123", ""], ["b|c", "", "", "flow"]]
    assert shown.note == "" and "b\\|c" in repr(shown)


def test_a_page_shows_the_same_cells():
    shown = table({"a < b": {"NLL": NLL}}, first="model", note="Test.")._repr_html_()
    shown = shown.replace("±\N{NO-BREAK SPACE}", "± ")
    assert '<tr><th scope="row">a &lt; b</th><td>93.80 ± 0.24</td></tr>' in shown
    assert "<tr><th>model</th><th>NLL</th></tr>" in shown
    assert shown.endswith("<p>± is the standard error over 10,000 digits. Test.</p>")


def test_a_table_writes_numbers_of_any_kind_alike():
    cells = {"torch": torch.tensor(0.25), "numpy": np.float32(0.25), "count": np.int64(12345)}
    assert "| a | 0.25 | 0.25 | 12,345 |" in repr(table({"a": cells}))
    below = {"large": -12345.6, "small": -0.001234, "zero": -0.0}
    assert "| a | −12,346 | −0.001234 | 0 |" in repr(table({"a": below}))
