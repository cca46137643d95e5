"""Causes of a figure that lags, counted: evaluations, changes, drawings, and what grows.

How soon a figure follows its slider depends on the machine and is measured in benchmarks/pages.py;
what a move sets off does not. The counting is done in instruments.js.
"""

from visits import Visit, check

HANDLES = ".dgm-figure .noUi-handle"
FEW, MANY = 10, 34  # moves


@check("http", needs="sliders")
def a_move_evaluates_once_and_draws_only_what_is_new_and_seen(visit: Visit) -> None:
    handles = visit.page.locator(HANDLES).all()
    assert handles
    wrong = {}
    for handle in handles:
        name = handle.get_attribute("aria-label")
        handle.evaluate("handle => handle.scrollIntoView({ block: 'center' })")
        for _ in range(2):  # there and back
            if found := handle.evaluate("handle => instruments.move(handle)"):
                wrong[name] = found
    assert wrong == {}


@check("http", needs="sliders")
def nothing_grows_with_the_number_of_moves(visit: Visit) -> None:
    session = visit.page.context.new_cdp_session(visit.page)

    def standing() -> dict[str, int]:
        session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        # Of nodes and listeners that are on no page any more, some may stay a while.
        return visit.page.evaluate("instruments.standing()") | {
            "nodes / moves": counters["nodes"] // (MANY - FEW),
            "listeners / moves": counters["jsEventListeners"] // (MANY - FEW),
        }

    def grown(before: dict[str, int]) -> dict[str, tuple[int, int]]:
        now = standing()
        return {what: (before[what], now[what]) for what in now if now[what] > before[what]}

    for figure in visit.page.locator(".dgm-figure").all():
        handles = figure.locator(".noUi-handle")
        if not handles.count():
            continue
        handle = handles.first
        handle.evaluate("handle => handle.scrollIntoView({ block: 'center' })")
        handle.evaluate("(handle, count) => instruments.moves(handle, count)", FEW)
        before = standing()
        handle.evaluate("(handle, count) => instruments.moves(handle, count)", MANY - FEW)
        for _ in range(100):  # what is only late goes away
            if not (more := grown(before)):
                break
            visit.page.evaluate("() => new Promise((ok) => setTimeout(ok, 100))")
        assert more == {}
