"""Sphinx extension: the numbers that cells hand to the text are printed as those of figures are.

Python writes -1.5e-05, with hyphens; a page says −1.5 × 10⁻⁵ (`dgm_core.prose.printed`).
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from dgm_core.prose import printed


class Numbers(SphinxPostTransform):
    """Prints them, after myst-nb has put them in, also from another page (priority 5)."""

    default_priority = 6

    def run(self, **kwargs) -> None:
        """Do so wherever a pasted text is nothing but a number."""
        for node in self.document.findall(nodes.inline):
            if "pasted-text" in node["classes"] and len(node) == 1:
                node[:] = [nodes.Text(printed(node.astext()))]


def setup(app):
    app.add_post_transform(Numbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
