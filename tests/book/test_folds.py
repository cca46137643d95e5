"""Code that is folded stands behind what it draws, and checks behind what they check."""

import folds
from docutils import nodes
from docutils.utils import new_document
from myst_nb.sphinx_ import HideCodeCellNode


def cell(words: str, *output: str, folded: bool = True) -> nodes.container:
    """Return a code cell as myst-nb leaves it: its code, folded or not, and its output."""
    source = nodes.container("", nodes.literal_block("", words), nb_element="cell_code_source")
    fold = HideCodeCellNode(prompt_show=words, prompt_hide=words)
    fold["classes"].append("above-input")
    fold.append(source)
    made = nodes.container("", fold if folded else source, nb_element="cell_code")
    made.extend(nodes.paragraph("", text) for text in output)
    return made


def order(*children: nodes.Node) -> list[str]:
    """Return the words of code and outputs in the order in which a page has them."""
    section = nodes.section("", *children)
    new_document("page").append(section)
    folds.behind(section)
    found = section.findall(lambda node: isinstance(node, nodes.literal_block | nodes.paragraph))
    return [node.astext() for node in found]


def test_the_code_of_a_figure_comes_after_it_in_the_order_in_which_it_runs():
    cells = cell("Code: setting up"), cell("Code of this figure"), cell("Code, 2", "figure")
    want = ["figure", "Code: setting up", "Code of this figure", "Code, 2"]
    assert order(*cells) == want


def test_text_between_keeps_code_where_it_is():
    cells = cell("Code: setting up"), nodes.paragraph("", "text"), cell("Code", "figure")
    assert order(*cells) == ["Code: setting up", "text", "figure", "Code"]


def test_checks_stay_behind_what_they_check():
    cells = (
        cell("visible", "value", folded=False),
        cell("What the build checks"),
        cell("Code", "figure"),
    )
    want = ["visible", "value", "What the build checks", "figure", "Code"]
    assert order(*cells) == want


def test_visible_code_comes_before_its_output():
    assert order(cell("Code: setting up"), cell("visible", "value", folded=False)) == [
        "Code: setting up",
        "visible",
        "value",
    ]
