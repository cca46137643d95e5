"""A build that is done again warns of what it has warned of."""

import shutil

import pytest
from browser import ROOT, build

pytestmark = pytest.mark.book


@pytest.fixture
def folder(tmp_path):
    """A book of one page with our settings; nothing is built yet."""
    folder = tmp_path / "book"
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    for name in ("book/references.bib", "package-lock.json", "_config.yml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "_toc.yml").write_text("{format: jb-book, root: page}", encoding="utf8")
    return folder


def write(folder, text):
    (folder / "page.md").write_text(text, encoding="utf8")


def test_the_second_of_two_builds_warns_of_what_the_first_has_warned_of(folder):
    write(folder, "# A page\n\n{ref}`nowhere`")
    for _ in range(2):
        run = build(folder)
        assert run.returncode != 0 and "nowhere" in run.stdout
    write(folder, "# A page")
    assert build(folder).returncode == 0
