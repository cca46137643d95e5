"""What every page owes its reader: axe has nothing to say, search finds, and nothing went wrong.

These come last in each visit, so that they see what the checks before them did, too.
"""

from browser import axe
from visits import Visit, check


@check("http", "file", "dark", needs="search")
def search_finds_a_chapter(visit: Visit) -> None:
    visit.page.wait_for_selector("#search-results a[href*='vae/']")
    finished = "() => /finished/i.test(document.querySelector('.search-summary')?.textContent)"
    visit.page.wait_for_function(finished)


@check("http", "after-print")
def axe_has_nothing_serious_to_say(visit: Visit) -> None:
    found = [
        (finding["id"], node["target"], node["html"][:200])
        for finding in axe(visit.page)
        for node in finding["nodes"]
    ]
    assert found == []


@check("http", "file", needs="door")
def the_front_door_leads_to_the_first_page(visit: Visit) -> None:
    visit.page.wait_for_url(f"{visit.address}/book/index.html")
    visit.page.wait_for_selector("h1:visible")


@check("http", "file", "telephone", "dark", "after-print", needs="any")
def nothing_went_wrong_and_nothing_outside_was_asked_for(visit: Visit) -> None:
    assert visit.problems == []
