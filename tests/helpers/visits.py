"""A visit opens a page of the built book once, under one condition, and checks everything there.

What is checked is in page_checks/: functions that take a visit, each registered for one or more
stages by `check`. A visit goes through its stages one after another, keeps what each check raised,
and closes the page; a test then asks what became of one check. So every failure has a name of its
own, tests may come in any order, and no page is opened twice.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import browser as helpers
import pytest

Check = Callable[["Visit"], None]
CHECKS: dict[str, list[tuple[Check, set[str]]]] = defaultdict(list)  # by stage
STAGES: dict[str, "Stage"] = {}
# visit: its stages, in the order in which they are gone through
VISITS = {
    "http": ["http"],
    "file": ["file"],
    "telephone": ["telephone"],
    "dark": ["dark", "print", "after-print"],
    "without-script": ["without-script"],
    "without-runtime": ["held-runtime", "without-runtime"],
}
VISIT_OF = {stage: visit for visit, stages in VISITS.items() for stage in stages}

BOX_IN_A_SOLUTION = re.compile(
    r"\{solution-start\}(?:(?!\{solution-end\}).)*^:name: mistake-", re.S | re.M
)


def check(*stages: str, needs: str = "text") -> Callable[[Check], Check]:
    """Register a check for these stages, on pages of which all words of ``needs`` are true."""

    def register(function: Check) -> Check:
        for stage in stages:
            CHECKS[stage].append((function, set(needs.split())))
        return function

    return register


@cache
def traits(page: str) -> frozenset[str]:
    """Return what a page has, by its source: text, chapter, figures, sliders, quizzes ..."""
    if page == "index.html":
        return frozenset({"door", "any"})
    if page == "search.html":
        return frozenset({"search", "text", "any"})
    path = helpers.ROOT / page.replace(".html", ".ipynb")
    if not path.exists():
        text, code = path.with_suffix(".md").read_text(encoding="utf8"), ""
    else:
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        text, code = (
            "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == kind)
            for kind in ("markdown", "code")
        )
    found = {
        "figures": "live.figure(" in code,
        "sliders": "live.sliders(" in code or "Slider(" in code,
        "planes": "live.Plane(" in code,
        "pads": "live.Pad(" in code,
        "buttons": "live.Button(" in code or "live.again(" in code,
        "quizzes": "live.quiz(" in code,
        "formulas": "$" in text or "{math}" in text,
        "solutions": "{solution" in text,
        "boxes": bool(BOX_IN_A_SOLUTION.search(text)),
        "code": bool(code),
    }
    return frozenset({"text", "any", *(name for name, has in found.items() if has)})


def cases(pages: list[str]) -> list:
    """Return a parameter set (page, stage, name of a check) for each check of each page."""
    found = []
    for page in pages:
        short = page.removeprefix("book/").removesuffix(".html")
        short = "front-door" if page == "index.html" else short
        for stage, checks in CHECKS.items():
            for function, needs in checks:
                if needs <= traits(page):
                    name = function.__name__
                    found.append(pytest.param(page, stage, name, id=f"{short}:{stage}:{name}"))
    return found


@dataclass
class Visit:
    """An opened page, and what the checks need to know of it.

    Attributes:
        name: the page's address below the book's folder.
        kind: which of VISITS.
        book: folder of the built pages.
        address: of the book, without a final slash.
        page: playwright's page.
        requests: addresses that it has asked for so far.
        problems: what has gone wrong so far: errors, failed or outside requests.
    """

    name: str
    kind: str
    book: Path
    address: str
    page: object
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def html(self) -> str:
        """The page as it was built."""
        return (self.book / self.name).read_text(encoding="utf8")

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"{self.address}/{self.name}" + ("?q=generative" if "search" in self.name else "")

    @property
    def place(self) -> str:
        """The id of a section or an equation in the middle of the text, or nothing."""
        pattern = r'<(?:section|div class="math[^"]*") id="(?!proof-content)([^"]+)"'
        places = re.findall(pattern, self.html)
        return places[len(places) // 2] if places else ""


@dataclass
class Stage:
    """A part of a visit: what happens before its checks, and the options of the page's context."""

    prepare: Callable[[Visit], None]
    options: dict = field(default_factory=dict)


def stage(name: str, **options) -> Callable:
    """Register what opens the page for a stage, or brings an opened one there."""

    def register(function: Callable[[Visit], None]) -> Callable[[Visit], None]:
        STAGES[name] = Stage(function, options)
        return function

    return register


class Visits:
    """Makes each visit when a test first asks for it, and keeps what the checks raised."""

    def __init__(self, chromium, book: Path, address: str, wanted: set[tuple[str, str, str]]):
        """Use a browser on a book; of each stage only checks that are ``wanted`` are made."""
        self.chromium, self.book, self.address, self.wanted = chromium, book, address, wanted
        self.found: dict[tuple[str, str, str], Exception | None] = {}

    def outcome(self, page: str, stage: str, name: str) -> Exception | None:
        """Return what the check called ``name`` raised in this stage of its visit to ``page``."""
        if (page, stage, name) not in self.found:
            self._make(page, VISIT_OF[stage])
        return self.found[page, stage, name]

    def _make(self, name: str, kind: str) -> None:
        options = STAGES[VISITS[kind][0]].options
        context = helpers.open_context(self.chromium, **options)
        try:
            address = self.book.as_uri() if kind == "file" else self.address
            visit = Visit(name, kind, self.book, address, context.new_page())
            visit.problems = helpers.record_problems(visit.page)
            visit.page.on("request", lambda request: visit.requests.append(request.url))
            for stage in VISITS[kind]:
                failed = attempt(STAGES[stage].prepare, visit)
                for function, _ in CHECKS[stage]:
                    key = (name, stage, function.__name__)
                    if key in self.wanted:
                        self.found[key] = failed or attempt(function, visit)
        finally:
            context.close()


def attempt(function: Check, visit: Visit) -> Exception | None:
    """Return what a function raises, or None."""
    try:
        function(visit)
    except Exception as error:
        return error
    return None
