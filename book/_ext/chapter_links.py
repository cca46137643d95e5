"""Sphinx extension: the role {chapter}`1.3`, a link to the chapter that has this number.

Chapters have their numbers in their titles, some of them several ("1.4, 1.5 The ELBO", "3.3 a, b
Dequantization"). A number that no chapter has yet stays as plain text.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxRole

NUMBER = re.compile(r"(\d+\.\d+)((?:(?:,| and)?\s*[a-e]\b|[a-e]+\b)*)")


def numbers(title: str) -> list[str]:
    """Return the questions that a title opens with, as 1.3 or 3.3a."""
    opening = re.match(r"(?:[\d.]+(?:,?\s*(?:and )?[a-e]+\b)*,?\s+(?:and )?)*", title).group()
    found = []
    for match in NUMBER.finditer(opening):
        letters = re.sub(r"and|[^a-e]", "", match[2].replace("and", ""))
        found += [match[1] + letter for letter in letters] or [match[1]]
    return found


class Chapter(SphinxRole):
    """The number, to be resolved when all titles are known."""

    def run(self):
        attributes = {"refdomain": "", "reftype": "chapter", "reftarget": self.text}
        attributes["refdoc"] = self.env.docname
        text = nodes.inline(self.text, self.text)
        return [addnodes.pending_xref("", text, **attributes)], []


def resolve(app, env, node, contnode):
    """Find the chapter; without one, leave the number."""
    if node["reftype"] != "chapter":
        return None
    for docname, title in env.titles.items():
        if node["reftarget"] in numbers(title.astext()):
            address = app.builder.get_relative_uri(node["refdoc"], docname)
            options = {"refuri": address, "reftitle": title.astext()}
            return nodes.reference("", "", contnode, internal=True, **options)
    return contnode


def setup(app):
    app.add_role("chapter", Chapter())
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
