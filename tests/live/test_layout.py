"""A chart's axes are those of its marks, and its ticks where they were asked for."""

import bqplot
import pytest

from dgm_core import live


def test_axes_take_the_scales_labels_and_ticks():
    scales = {"x": bqplot.LogScale(min=1, max=100), "y": bqplot.LinearScale(min=0, max=1)}
    line = bqplot.Lines(x=[1, 100], y=[0, 1], scales=scales)
    figure = live.chart([line], "step", "loss (nats)", xticks=[1, 10, 100], left=70)
    across, up = figure.axes
    assert (across.scale, up.scale) == (scales["x"], scales["y"])
    assert (across.label, up.label) == ("step", "loss (nats)")
    assert list(across.tick_values) == [1, 10, 100] and not len(up.tick_values or [])
    assert (across.orientation, up.orientation) == ("horizontal", "vertical")
    assert figure.fig_margin["left"] == 70


def test_an_empty_chart_is_refused():
    with pytest.raises(ValueError, match="at least one mark"):
        live.chart([], "x", "y")
