"""Every page of the built book, under every condition in which a reader may have it.

No network; over http and from disk; on a telephone; in the dark and on paper; without scripts and
without the figures' runtime. What is checked is in page_checks/, how in visits.py.
"""

import page_checks  # noqa: F401 (registers the checks)
import pytest
import visits
from browser import pages_aside, pages_of_the_book

pytestmark = pytest.mark.browser
PAGES = [*pages_of_the_book(), *pages_aside(), "index.html", "search.html"]


@pytest.fixture(scope="session")
def all_visits(request, browser, own_libraries, built_book, http_base) -> visits.Visits:
    """The visits of this run; they check what this run asks for."""
    wanted = {
        tuple(item.callspec.params[name] for name in ("page", "stage", "name"))
        for item in request.session.items
        if getattr(item, "originalname", "") == "test_page"
    }
    return visits.Visits(browser, built_book, http_base, wanted)


@pytest.mark.parametrize(("page", "stage", "name"), visits.cases(PAGES))
def test_page(all_visits, page, stage, name):
    error = all_visits.outcome(page, stage, name)
    if error is not None:
        raise error


def test_every_stage_has_checks_and_every_check_a_page():
    cases = [case.values for case in visits.cases(PAGES)]
    assert {stage for _, stage, _ in cases} == set(visits.STAGES) == set(visits.VISIT_OF)
    made = {(stage, name) for _, stage, name in cases}
    for stage, checks in visits.CHECKS.items():
        names = [function.__name__ for function, _ in checks]
        assert len(names) == len(set(names))
        assert {(stage, name) for name in names} <= made
