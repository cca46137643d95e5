"""Sliders are those of their inputs; a chart has the axes of its marks, and ticks as asked for."""

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


def test_a_slider_of_whole_numbers_shows_no_decimals(kl_graph):
    (whole,) = live.sliders(kl_graph, mean=("digit", 0, 9, 1)).children
    (fine,) = live.sliders(kl_graph, mean=("mean", 0, 9, 0.5)).children
    assert [whole.readout_format, fine.readout_format] == [".0f", ".2f"]


@pytest.mark.parametrize(
    ("low", "high", "step", "shown"),
    [
        (-3, 3, (), ".2f"),
        (0, 10, (0.1,), ".2f"),
        (0, 0.001, (), ".6f"),
        (0, 0.001, (0.0001,), ".4f"),
        (0, 0.5, (), ".4f"),
        (0, 1e-8, (), ".3e"),
        (0, 1e6, (), ".0f"),
        (0.5, 9, (1,), ".2f"),
        (0.001, 0.001, (), ".5f"),
    ],
)
def test_neighbouring_values_of_a_slider_look_different(kl_graph, low, high, step, shown):
    (slider,) = live.sliders(kl_graph, mean=("rate", low, high, *step)).children
    assert slider.readout_format == shown
    values = [low + k * slider.step for k in range(201)] if slider.step else [low]
    texts = {format(value, shown) for value in values}
    assert len(texts) == len(values)


def test_sliders_name_their_input_and_refuse_another(kl_graph):
    (slider,) = live.sliders(kl_graph, mean=("mean of q", -3, 3)).children
    assert slider.description == "mean of q" and slider.value == kl_graph.mean
    with pytest.raises(ValueError, match="no input 'mu'"):
        live.sliders(kl_graph, mu=("mean", -3, 3))
