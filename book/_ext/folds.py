"""Sphinx extension: the code of a figure is folded behind it, not in front.

A reader who meets a question wants to see the picture next, and not the bars that hide how it was
drawn. So folded code comes after its cell's output, together with the folded code right before it
that shows nothing itself ("Code: setting up"). What checks a visible cell stays behind that cell.
"""

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform

CHECKS = "What the build checks"


def fold_of(node) -> HideCodeCellNode | None:
    """Return the folded code of a code cell, if that is how it begins."""
    is_cell = isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"
    first = node.children[0] if is_cell and node.children else None
    folded = isinstance(first, HideCodeCellNode) and "above-input" in first["classes"]
    return first if folded else None


def behind(parent: nodes.Element) -> None:
    """Put folded code behind the next output, where nothing but such code stands between."""
    waiting: list[nodes.Element] = []
    for node in list(parent.children):
        fold = fold_of(node)
        if fold is None or fold["prompt_show"] == CHECKS:
            waiting = []
        elif len(node.children) == 1:
            waiting.append(node)
        else:
            for cell in waiting:
                parent.remove(cell)
            folds = [fold_of(cell) for cell in waiting]
            node.remove(fold)
            node.extend([*folds, fold])
            waiting = []


class FoldsBehind(SphinxPostTransform):
    """Moves folds, after myst-nb has made them."""

    default_priority = 250
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Do so in each section."""
        for section in [self.document, *self.document.findall(nodes.section)]:
            behind(section)


def setup(app):
    app.add_post_transform(FoldsBehind)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
