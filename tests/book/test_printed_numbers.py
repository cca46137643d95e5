"""A number that a cell hands to the text is printed as those of figures are."""

import pytest
from docutils import nodes
from docutils.utils import new_document
from printed_numbers import Numbers


def shown(text: str, *classes: str) -> str:
    """Return what a page says where a cell has handed it a text."""
    document = new_document("page")
    document.append(nodes.paragraph("", "", nodes.inline(text, text, classes=[*classes])))
    Numbers(document).run()
    return document.astext()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("-0.126", "−0.126"),
        ("-1,234", "−1,234"),
        ("1.4e-04", "1.4 × 10⁻⁴"),
        ("5e+12", "5 × 10¹²"),
        ("-2.5e+00", "−2.5"),
        ("12%", "12%"),
        ("−1.3 ± 1.0", "−1.3 ± 1.0"),
        ("1e", "1e"),
        ("vae-e-1", "vae-e-1"),
        ("2-1", "2-1"),
    ],
)
def test_it_has_a_minus_sign_and_powers_of_ten(text, want):
    assert shown(text, "pasted-text").replace("\N{NO-BREAK SPACE}", " ") == want


def test_what_no_cell_has_handed_over_stays_as_it_is_written():
    assert shown("-1") == "-1"
