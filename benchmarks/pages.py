"""Read every page of the built book in Chromium, with the network cut, and report what it does.

    make book
    python benchmarks/pages.py [--rounds 3] [--write]

One row a page: when its first figure was ready, how long a slider's pixels take, how far the page
and PyTorch are apart, and what went wrong, which should be nothing. Then the two models that train
in a page.
"""

import argparse
import gzip
import statistics
import sys
from pathlib import Path

import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/helpers"))

import browser

BOOK = browser.ROOT / "_build/html"
TELEPHONE = {"viewport": {"width": 360, "height": 740}}
GRAPHS = "[data-dgm-state]"
# Moves the first slider back and forth, and times each move until its pixels are on the screen.
LATENCY = """async () => {
  const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
  const handle = document.querySelector(".dgm-figure .noUi-handle");
  const graphs = [...globalThis.dgmGraphs.values()];
  const running = () => graphs.filter((graph) => graph.running);
  handle.scrollIntoView({ block: "center" });
  const ends = handle.getAttribute("aria-valuenow") === handle.getAttribute("aria-valuemax");
  const keys = ends ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
  const times = [];
  for (let i = 0; i < 120; i++) {
    await frame();
    const start = performance.now();
    const options = { key: keys[i % 2], bubbles: true };
    handle.dispatchEvent(new KeyboardEvent("keydown", options));
    if (!running().length) throw new Error("the slider moved, no graph did");
    while (running().length) await Promise.all(running().map((graph) => graph.running));
    const evaluated = performance.now() - start;
    await frame();
    times.push([evaluated, performance.now() - start]);
  }
  const sorted = (which) => times.map((time) => time[which]).sort((a, b) => a - b);
  return { evaluated: sorted(0)[60], median: sorted(1)[60], p95: sorted(1)[114] };
}"""
# Sums up how far what stands on the screen jumps while the page loads (as web vitals do).
SHIFTS = """(() => {
  window.shift = 0;
  const add = (shift) => (window.shift += shift.hadRecentInput ? 0 : shift.value);
  new PerformanceObserver((list) => list.getEntries().forEach(add))
    .observe({ type: "layout-shift", buffered: true });
})()"""
FIRST_DRAWN = """(() => {  // notes when the first figure has been drawn
  const drawn = () => (window.firstDrawn ??= performance.now() / 1000);
  const observer = new MutationObserver(() => {
    if (!document.querySelector("[data-dgm-state=ready]")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(drawn));
  });
  const attributeFilter = ["data-dgm-state"];
  observer.observe(document, { subtree: true, childList: true, attributeFilter });
})()"""
HEADS = {  # column: what it should be at most; None where there is no goal
    "first figure (s)": 1.2,
    "layout shift": 0.02,
    "slider to pixels, median (ms)": None,
    "95 % (ms)": 33.0,
    "apart from PyTorch": 1e-4,
    "axe, light + dark": 0,
    "problems, http + file": 0,
    "requests": None,
    "first visit (MB)": 4.5,
    "read on (MB)": 0.6,
    "HTML, gzip (MB)": 0.4,
    "wider than 360 px": 0,
    "figures without picture": 0,
}
STEPS_A_SECOND = 200  # of the 2-D GAN in the page, at least


class Reader:
    """Opens pages and measures them."""

    def __init__(self, chromium, address: str, rounds: int):
        """Use a browser on the book at an address."""
        self.chromium, self.address, self.rounds = chromium, address, rounds

    def open(self, url: str, wait: bool = True, **options):
        """Return a page in a new context, and the list of its problems."""
        context = self.chromium.new_context(
            service_workers="block", **{"viewport": {"width": 1280, "height": 900}} | options
        )
        page = context.new_page()
        problems = browser.record_problems(page)
        page.goto(url)
        if wait:
            browser.settle(page)
        return page, problems

    def measure(self, name: str) -> dict:
        """Return a row of the report for the page ``name``."""
        row = self._times(f"{self.address}/{name}")
        page, problems = self.open(f"{self.address}/{name}", color_scheme="dark")
        row["axe, light + dark"] += len(browser.axe(page))
        row["problems, http + file"] += len(problems)
        page.context.close()
        page, problems = self.open((BOOK / name).as_uri())
        row["problems, http + file"] += len(problems)
        page.context.close()
        page, _ = self.open(f"{self.address}/{name}", **TELEPHONE)
        browser.reveal(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        row["wider than 360 px"] = max(width - 360, 0)
        page.context.close()
        page, _ = self.open(f"{self.address}/{name}", wait=False, java_script_enabled=False)
        captions = page.locator(".dgm-caption")
        stills = sum(c.locator("img.dgm-still").is_visible() for c in captions.all())
        row["figures without picture"] = captions.count() - stills
        page.context.close()
        row["HTML, gzip (MB)"] = len(gzip.compress((BOOK / name).read_bytes())) / 1e6
        return row

    def _times(self, url: str) -> dict:
        ready, shifts, median, late, row = [], [], [], [], {}
        for _ in range(self.rounds):
            page, problems = self.open("about:blank", wait=False, color_scheme="light")
            asked = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.add_init_script(FIRST_DRAWN)
            page.add_init_script(SHIFTS)
            page.goto(url)
            browser.settle(page)
            shifts.append(page.evaluate("window.shift"))
            live = page.locator(GRAPHS).count()
            if live:
                ready.append(page.evaluate("window.firstDrawn"))
                parity = page.eval_on_selector_all(
                    GRAPHS, "all => all.map(g => g.dataset.dgmParity)"
                )
                row["apart from PyTorch"] = max(map(float, parity))
            if page.locator(".dgm-figure .noUi-handle").count():
                times = page.evaluate(LATENCY)
                median.append(times["median"])
                late.append(times["p95"])
            row["requests"] = len(asked)
            row["first visit (MB)"], row["read on (MB)"] = self._bytes(asked)
            row["axe, light + dark"] = len(browser.axe(page))
            row["problems, http + file"] = len(problems)
            page.context.close()
        measured = {
            "first figure (s)": ready,
            "layout shift": shifts,
            "slider to pixels, median (ms)": median,
            "95 % (ms)": late,
        }
        for column, values in measured.items():
            if values:
                row[column] = statistics.median(values)
        return row

    def _bytes(self, asked: list[str]) -> tuple[float, float]:
        """Return what a page brings, and what no other page has brought, from any host, in MB.

        Of what is not packed a host sends all, where it compresses nothing; here one that does.
        """
        first = further = 0.0
        for url in {url.partition("?")[0] for url in asked if url.startswith(self.address)}:
            file = BOOK / url.removeprefix(f"{self.address}/").partition("#")[0]
            if not file.is_file():
                continue
            data = file.read_bytes()
            size = min(len(data), len(gzip.compress(data))) / 1e6
            first += size
            further += size * ("_static" not in file.parts or file.parent.name == "live")
        return first, further

    def steps_a_second(self, name: str, button: str = "Play") -> list[float]:
        """Return how many steps a second the model on a page trains, once a round."""
        speeds = []
        for _ in range(self.rounds):
            page, _ = self.open(f"{self.address}/{name}")
            player = page.locator(".dgm-view-player").first
            player.scroll_into_view_if_needed()
            player.get_by_role("button", name=button).click()
            page.wait_for_timeout(15_000)
            speeds.append(float(player.get_attribute("data-dgm-speed")))
            page.context.close()
        return speeds


def shown(column: str, row: dict) -> str:
    """Return a cell: the figure, bold where it misses its goal."""
    if column not in row:
        return "–"
    value, goal = row[column], HEADS[column]
    text = f"{value:.1e}" if column == "apart from PyTorch" else f"{value:.3g}"
    return f"**{text}**" if goal is not None and value > goal else text


def main() -> None:
    """Measure, print a table, and write it to README.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    arguments = parser.parse_args()
    if not (BOOK / "index.html").exists():
        sys.exit("there are no pages yet: run make book")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, browser.serve(BOOK) as address:
        path = browser.find_chromium(playwright)
        if path is None:
            sys.exit("no Chromium: install Debian's chromium, or run playwright install chromium")
        chromium = browser.launch(playwright, path)
        reader, rows = Reader(chromium, address, arguments.rounds), {}
        for name in browser.pages_of_the_book():
            rows[name] = reader.measure(name)
            print(name, rows[name], flush=True)
        speeds = {
            "2-D GAN, batches of 256": reader.steps_a_second("book/gan/training-a-gan.html"),
            "2-D flow": reader.steps_a_second("book/flow/building-a-flow.html"),
        }
        version = chromium.version
        chromium.close()
    lines = [f"| page | {' | '.join(HEADS)} |", "|---|" + "---:|" * len(HEADS)]
    goals = ["" if goal is None else f"{goal:g}" for goal in HEADS.values()]
    lines.append(f"| *at most* | {' | '.join(goals)} |")
    for name, row in rows.items():
        cells = [shown(column, row) for column in HEADS]
        lines.append(
            f"| {name.removeprefix('book/').removesuffix('.html')} | {' | '.join(cells)} |"
        )
    trained = [
        f"{name}: {report.spread(speed, 0)} steps a second" for name, speed in speeds.items()
    ]
    lines += [
        "",
        f"Training in the page: {'; '.join(trained)}.",
        "",
        f"Medians; rounds: {arguments.rounds}; Chromium {version}, served by this machine; "
        f"{report.machine()}.",
    ]
    table = "\n".join(lines)
    print(table)
    if arguments.write:
        missed = []
        for column, goal in HEADS.items():
            values = [row[column] for row in rows.values() if row.get(column, 0) > (goal or 0)]
            if goal is not None and values:
                pages = f"on {len(values)} of {len(rows)} pages"
                missed.append(f"Pages: “{column}” was to be at most {goal:g}; {pages} it is more.")
        gan = statistics.median(speeds["2-D GAN, batches of 256"])
        if gan < STEPS_A_SECOND:
            missed.append(
                f"The 2-D GAN was to train {STEPS_A_SECOND} steps a second; it does {gan:.0f}."
            )
        report.write("pages", table, missed)


if __name__ == "__main__":
    main()
