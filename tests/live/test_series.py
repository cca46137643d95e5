"""A chart takes what it can show, and refuses the rest in words."""

import numpy as np
import pytest
import torch
from example_figures import GRID

from dgm_core import live

LOG = {"ylog": True}


def test_series_hold_float32_and_stand_in_the_order_of_their_making():
    chart = live.Chart("x", "density")
    line = chart.line(GRID, GRID**2, label="x squared")
    dot = chart.dot(1, 2, role="posterior")
    assert line.x.dtype == np.float32 and line.y.shape == (101,)
    assert (dot.x.tolist(), dot.y.tolist()) == ([1], [2])
    assert chart._series == [f"IPY_MODEL_{one.model_id}" for one in (line, dot)]
    assert chart.series == [line, dot]
    assert bytes(line.get_state(["x"])["x"]) == GRID.numpy().tobytes()  # what the page reads


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"xlim": (2, 1)}, "put the lower end first"),
        ({"ylim": (0, 10), "ylog": True}, "a logarithm needs more than 0"),
    ],
)
def test_limits_that_no_axis_has_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        live.Chart("x", "y", **options)


@pytest.mark.parametrize(
    ("options", "add", "words"),
    [
        ({}, lambda c: c.line([1, 2], [1, 2, 3]), "lengths differ"),
        ({}, lambda c: c.line([1], [1], role="blue"), "colours mean data, model"),
        ({}, lambda c: c.line([1], [1], dash="wavy"), "solid, dashed, dotted"),
        ({}, lambda c: c.level(), "either a height y or a place x"),
        ({}, lambda c: c.level(x=1, y=1), "either a height y or a place x"),
        ({}, lambda c: c.level(y=1, dash="wavy"), "solid, dashed, dotted"),
        ({}, lambda c: c.points([1], [1], shade=[0.5]), "need a role"),
        ({}, lambda c: c.points([1], [1], shade=[0.5], towards="red"), "colours mean"),
        ({}, lambda c: c.points([1], [1], shade=[0, 1], towards="data"), "lengths differ"),
        ({}, lambda c: c.band([1, 2], [1], [2, 3]), "differ in length"),
        ({"categories": ["a"]}, lambda c: c.bars([1, 2]), "2 bars for 1 categories"),
        (LOG, lambda c: c.line([1, 2], [1, 0]), "the y axis is logarithmic"),
        ({"xlog": True}, lambda c: c.dot(-1, 1), "the x axis is logarithmic"),
        (LOG, lambda c: c.band([1], [-1], [1]), "low has values at or below 0"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, add, words):
    with pytest.raises(ValueError, match=words):
        add(live.Chart("x", "y", **options))


def test_a_gap_has_a_place_on_a_logarithmic_axis():
    assert live.Chart("x", "y", ylog=True).line([1, 2], [1, np.nan]).y[0] == 1


def test_tensors_of_any_kind_will_do():
    points = live.Chart("x", "y").points(torch.arange(3), torch.ones(3, 1, requires_grad=True))
    assert points.y.tolist() == [1, 1, 1]
