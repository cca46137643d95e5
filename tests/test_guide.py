"""What a newcomer is told is true: links lead somewhere, tests that are named exist."""

import re

import pytest
import yaml
from browser import ROOT
from tested_versions import project

import dgm_core

TEXTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "dgm_core/README.md"]
FORM = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/mistake.yml").read_text(encoding="utf8"))


@pytest.mark.parametrize("name", TEXTS)
def test_a_link_leads_to_a_file_that_there_is(name):
    path = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf8"))
    inside = [link.partition("#")[0] for link in links if "://" not in link]
    assert [link for link in inside if not (path.parent / link).exists()] == []


def test_the_guide_names_files_that_there_are():
    words = re.findall(r"`([^`\n]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8"))
    named = [w for w in words if re.match(r"(book|dgm_core|tests|tools|\.github)/[\w./-]+$", w)]
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_file_of_tests_that_keep_rules_of_a_whole_folder_stands_in_the_guide():
    """Tests of one module explain themselves; those of the book and of the package are rules."""
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    modules = {path.stem for path in (ROOT / "dgm_core").glob("*.py")}
    general = [p for p in (ROOT / "tests").glob("test_*.py") if p.stem[5:] not in modules]
    assert [p.name for p in general if f"`tests/{p.name}`" not in guide] == []


def test_versions_and_authors_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    assert citation["version"] == project()["version"] == dgm_core.__version__
    assert [author["name"] for author in citation["authors"]] == [config["author"]]
    assert (citation["title"], citation["license"]) == (config["title"], project()["license"])


def test_the_form_asks_for_page_words_truth_and_grounds():
    fields = {field["id"]: field for field in FORM["body"]}
    assert len(fields) == len(FORM["body"])
    needed = [k for k, v in fields.items() if v.get("validations", {}).get("required")]
    assert needed == ["page", "says", "truth"] and "how" in fields
