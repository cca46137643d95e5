"""Under each page: version and day, how to cite, mistakes found, and where to report one."""

import datetime
import re
from urllib.parse import parse_qs, urlsplit

import edition
import pytest
import yaml
from browser import ROOT, pages_of_the_book

import dgm_core

ABOUT = (ROOT / "book/about.md").read_text(encoding="utf8")


def test_the_day_of_the_book(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert edition.date(tmp_path) == datetime.date(1970, 1, 2)
    assert edition.edition(tmp_path) == f"Version {dgm_core.__version__}, 2 January 1970"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert edition.date(tmp_path) == datetime.date.today()  # no repository


def test_the_address_of_a_report_fills_in_a_form_that_there_is():
    address = urlsplit(edition.report_address("https://github.com/a/b/", "1.3 KL & more"))
    assert (address.netloc, address.path) == ("github.com", "/a/b/issues/new")
    filled = parse_qs(address.query)
    form = ROOT / ".github/ISSUE_TEMPLATE" / filled.pop("template")[0]
    fields = {field["id"] for field in yaml.safe_load(form.read_text(encoding="utf8"))["body"]}
    assert filled == {"page": ["1.3 KL & more"]} and set(filled) <= fields
    assert edition.report_address("", "1.3") == ""
    assert edition.report_address("https://example.org/a/b", "1.3") == "https://example.org/a/b"


def test_the_page_on_citing_says_what_the_file_for_programs_says():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
    assert f"version = {{{citation['version']}}}" in ABOUT
    assert f"title   = {{{citation['title']}}}" in ABOUT
    assert f"author  = {{{{{citation['authors'][0]['name']}}}}}" in ABOUT


@pytest.mark.parametrize("page", pages_of_the_book())
def test_a_page_names_its_edition_and_leads_to_the_words_about_it(built_book, page):
    text = (built_book / page).read_text("utf8")
    (line,) = re.findall(r'<p class="dgm-edition">(.*)</p>', text)
    assert line.startswith(edition.edition(ROOT))
    links = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', line))
    assert set(links.values()) == {
        "How to cite", "Mistakes found", "Accessibility", "Report a mistake"
    }  # fmt: skip
    about = (built_book / "book/about.html").read_text("utf8")
    for address in links:
        name, _, anchor = address.partition("#")
        if "://" not in address:
            target = (built_book / page).parent / name if name else built_book / page
            assert target.resolve().name == "about.html"
            assert f'id="{anchor}"' in about
