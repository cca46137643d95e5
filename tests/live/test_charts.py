"""A chart is driven like any widget, and the page computes where things stand in it."""

import json
import subprocess

import numpy as np
import pytest
from browser import ROOT
from example_figures import GRID

from dgm_core import live
from dgm_core.live.base import CSS


def test_a_graph_drives_a_series_and_the_ends_of_an_axis(kl_graph):
    chart = live.Chart("x", "density", ylim=(0, None))
    curve = chart.line(GRID, 0 * GRID)
    kl_graph.drive(curve, y="density").drive(chart, ymax="kl")
    kl_graph.mean += 0.5
    np.testing.assert_array_equal(curve.y, kl_graph.outputs["density"])
    assert chart.ymax == pytest.approx(kl_graph.outputs["kl"]) and chart.ymin == 0
    kinds = [target["kind"] for target in kl_graph._targets if "IPY_MODEL" in target["model"]]
    assert set(kinds) <= {"data", "text"}


def test_what_a_graph_drives_may_be_empty_at_first():
    chart = live.Chart("x", "y")
    assert chart.line([1, 2]).y.size == chart.points(towards="posterior").shade.size == 0


def test_a_chart_has_a_name():
    assert "density" in live.Chart("x", "density").alt
    assert live.Chart("x", "density", alt="A bell.").alt == "A bell."


# ---- What the page computes of it -------------------------------------------------------------


def page(expression: str):
    """Evaluate an expression with the functions of chart.js, in Node."""
    names = "ticks, decades, write, axisWords, domain, scale, place, describe, power"
    source = f"const {{{names}}} = await import(process.argv.at(-1));"
    source += f"console.log(JSON.stringify({expression}));"
    run = subprocess.run(
        ["node", "--input-type=module", "-e", source, ROOT / "dgm_core/live/web/chart.js"],
        text=True,
        capture_output=True,
        encoding="utf8",
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("-0.5", "−0.5"),
        ("1234", "1,230"),  # three digits, unless decimals are given
        ("1234, 0", "1,234"),
        ("12345.678, 1", "12,345.7"),
        ("1e-9", "10⁻⁹"),
        ("8.181e-4, 3", "8.18 × 10⁻⁴"),
        ("-250000", "−2.5 × 10⁵"),
        ("-0.001, 2", "0.00"),  # never a minus before nothing
        ("0", "0"),
    ],
)
def test_numbers_are_written_for_readers(value, text):
    assert page(f"write({value})") == text


def test_ticks_are_round_and_few():
    assert page("ticks(-2.5, 2.5, 5)") == [-2, -1, 0, 1, 2]
    assert page("ticks(0, 1, 4)") == [0, 0.5, 1]
    assert page("ticks(0, 493, 4)") == [0, 200, 400]
    assert page("axisWords(ticks(-0.3, 0.3, 4), false)") == ["−0.2", "0", "0.2"]
    assert page("axisWords(ticks(0, 2e5, 4), false)") == ["0", "10⁵", "2 × 10⁵"]
    assert page("ticks(-10, 10, 2)") == [-10, 0, 10]  # one alone would give no scale
    for low, high, most in ((0, 1, 7), (-3, 17, 2), (0.1, 0.10003, 5), (-1e9, 1e9, 3), (1, 3, 2)):
        found = page(f"ticks({low}, {high}, {most})")
        assert 2 <= len(found) <= most + 1
        assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)


def test_logarithmic_axes_show_whole_decades():
    assert page("decades(1, 1000, 7)") == [1, 10, 100, 1000]
    assert page("axisWords(decades(1, 1000, 7), true)") == ["1", "10", "100", "1,000"]
    assert page("axisWords(decades(1e-10, 1e3, 5), true)") == [
        "10⁻⁹",
        "10⁻⁶",
        "10⁻³",
        "10⁰",
        "10³",
    ]
    assert page("decades(2, 8, 4)") == [2, 4, 6, 8]


def test_a_moving_end_grows_at_once_and_shrinks_only_below_half():
    assert page("domain([0, null], [1, 2], false, 0)") == {"low": 0, "high": 2, "log": False}
    before = "{low: 0, high: 2, log: false}"
    assert page(f"domain([0, null], [3], false, 0, {before})")["high"] == 3
    assert page(f"domain([0, null], [1.1], false, 0, {before})")["high"] == 2
    assert page(f"domain([0, null], [0.9], false, 0, {before})")["high"] == 0.9
    assert page("domain([null, null], [], false, 0)") == {"low": 0, "high": 1, "log": False}
    assert page("domain([null, null], [5, NaN], false, 0)") == {"low": 5, "high": 6, "log": False}
    assert page("domain([null, null], [1, 0, 100], true, 0)")["low"] == 1


def test_what_lies_outside_stays_drawable():
    assert page("scale({low: 1, high: 100, log: true}, 0, 200)(10)") == 100
    assert page("scale({low: 1, high: 100, log: true}, 0, 200)(0)") == -1e4
    assert page("scale({low: 0, high: 1, log: false}, 100, 0)(0.25)") == 75


def test_labels_keep_off_each_other_and_stay_inside():
    ink = "[[10, 20], [60, 50], [110, 20]], [[10, 22], [60, 52], [110, 22]]"
    code = f"((ink) => place(ink.map((own) => ({{ width: 50, own }})), ink, %s))([{ink}])"
    first, second = page(code % "{x: 0, y: 0, width: 200, height: 100}")
    apart = (
        first["x"] + 50 <= second["x"]
        or second["x"] + 50 <= first["x"]
        or first["y"] + 16 <= second["y"]
        or second["y"] + 16 <= first["y"]
    )
    assert apart
    for box in (first, second):
        assert 0 <= box["x"] <= 150 and -6 <= box["y"] <= 84
    assert page(code % "{x: 500, y: 0, width: 9, height: 9}") == [None, None]


def test_words_say_where_a_line_goes():
    series = "{spec: {kind: 'line', role: 'model', label: 'q'}, values: {x: %s, y: %s}}"
    long = series % ("[0,1,2,3,4,5,6]", "[0,-1,2,NaN,8,5,1]")
    assert page(f"describe({long}, [])") == "q: from −1 at 1 up to 8 at 4."
    assert page(f"describe({series % ('[2]', '[0.5]')}, [])") == "q: 0.5 at 2."
    bars = "{spec: {kind: 'bars', role: 'data', label: ''}, values: {x: [], y: [-1, 2]}}"
    assert page(f"describe({bars}, ['a', 'b'])") == "data: a −1, b 2."


@pytest.mark.browser
def test_a_chart_is_whole_where_a_host_hides_what_overflows(browser):
    """Voila hides it; in a column the base of a chart is its height."""
    flex = live.Chart("x", "y").layout.flex
    page = browser.new_page()
    page.set_content(
        f"""<style>.lm-Widget {{ overflow: hidden }} {CSS}</style>
        <div style="display: flex; flex-direction: column">
        <div class="lm-Widget dgm-view dgm-view-chart" style="flex: {flex}; min-width: 0">
        <div style="height: 400px"></div></div></div>"""
    )
    height = page.evaluate("document.querySelector('.dgm-view-chart').clientHeight")
    page.close()
    assert height >= 400
