"""Previews, canonical links, the sitemap, the page for lost readers, and what needs an address.

How a book with an address looks is in test_build.py, on its small book.
"""

import os
import re

import pytest
import sharing
import yaml
from browser import ROOT, pages_aside, pages_of_the_book
from docutils import nodes
from PIL import Image

SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
HAS_ADDRESS = bool(SETTINGS["repository"]["url"] or os.environ.get("GITHUB_REPOSITORY"))


def tags(text: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', text))


def test_the_site_of_a_repository():
    assert (
        sharing.pages_address("https://github.com/Someone/Book")
        == "https://someone.github.io/Book/"
    )
    assert sharing.pages_address("https://github.com/a/b.git/") == "https://a.github.io/b/"
    assert sharing.pages_address("https://github.com/a/a.github.io") == "https://a.github.io/"
    assert sharing.pages_address("https://example.org/a/b") == sharing.pages_address("") == ""


def test_the_address_of_the_repository_that_publishes_is_known(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert sharing.own_repository() == ""
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    assert sharing.own_repository() == "https://github.com/a/b"


def test_binder_installs_the_package_and_nothing_that_builds_pages():
    lines = (ROOT / ".binder/requirements.txt").read_text(encoding="utf8").splitlines()
    wanted = [line for line in lines if not line.startswith(("#", "--"))]
    assert wanted[0] == "." and wanted[1].startswith("jupyterlab") and len(wanted) == 2


def test_a_lost_reader_finds_every_page(built_book):
    text = (built_book / "404.html").read_text(encoding="utf8")
    for page in pages_of_the_book():
        assert f'{page}"' in text


@pytest.mark.skipif(HAS_ADDRESS, reason="the book has an address")
def test_without_an_address_nothing_points_to_one(built_book):
    assert not (built_book / "sitemap.xml").exists()
    text = (built_book / pages_of_the_book()[1]).read_text(encoding="utf8")
    for word in ('rel="canonical"', "mybinder.org", "colab.research", "og:url", "git+"):
        assert word not in text


def test_every_page_has_a_preview(built_book):
    seen = set()
    for page in pages_of_the_book():
        found = tags((built_book / page).read_text(encoding="utf8"))
        assert found["og:title"] and 20 < len(found["og:description"]) <= sharing.DESCRIPTION
        assert found["og:image"].endswith(sharing.PREVIEW)
        assert found["description"] == found["og:description"]
        assert "\\" not in found["description"]
        seen.add(found["og:title"])
    assert len(seen) == len(pages_of_the_book())
    assert Image.open(built_book / sharing.PREVIEW).size == (1200, 630)


def test_a_chapter_says_how_to_run_it(built_book):
    for page in pages_of_the_book():
        path = page.replace(".html", ".ipynb")
        command = f".venv/bin/jupyter lab {path}"
        assert (command in (built_book / page).read_text(encoding="utf8")) == (
            ROOT / path
        ).exists()


def test_a_long_description_ends_at_a_word():
    document = nodes.section("", nodes.paragraph("", r"It catches $\log p(x)$, " + "word " * 80))
    text = sharing.describe(document, "Title")
    assert len(text) <= sharing.DESCRIPTION and text.endswith("word…")
    assert sharing.describe(nodes.section(), "Title") == "Title"


def test_no_search_finds_a_page_that_stands_aside(built_book):
    titles = (built_book / "searchindex.js").read_text(encoding="utf8")
    assert "The ELBO" in titles and "The visual design" not in titles
    assert [page for page in pages_aside() if not (built_book / page).exists()] == []
