"""Sliders are those of their inputs; readings and buttons are those of their graph."""

import ipywidgets as widgets
import pytest
import torch

from dgm_core import live


def test_a_slider_of_whole_numbers_shows_no_decimals(kl_graph):
    kl_graph.mean = 1.0  # whatever other tests have left
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
        (0, 0.5, (), ".3f"),
        (0, 1e-8, (), ".3e"),
        (0, 1e6, (), ".0f"),
        (0.5, 9, (1,), ".2f"),
        (0.001, 0.001, (), ".5f"),
    ],
)
def test_neighbouring_values_of_a_slider_look_different(kl_graph, low, high, step, shown):
    kl_graph.mean = low
    (slider,) = live.sliders(kl_graph, mean=("rate", low, high, *step)).children
    assert slider.readout_format == shown
    values = [low + k * slider.step for k in range(201)] if slider.step else [low]
    texts = {format(value, shown) for value in values}
    assert len(texts) == len(values)


def test_sliders_name_their_input_and_refuse_another(kl_graph):
    kl_graph.mean = 0.5
    (slider,) = live.sliders(kl_graph, mean=("mean of q", -3, 3)).children
    assert slider.description == "mean of q" and slider.value == kl_graph.mean
    with pytest.raises(ValueError, match="no input 'mu'"):
        live.sliders(kl_graph, mu=("mean", -3, 3))


def test_a_slider_can_be_logarithmic(kl_graph):
    (slider,) = live.sliders(kl_graph, scale=("width", 0.01, 100, "log")).children
    assert isinstance(slider, widgets.FloatLogSlider)
    assert (slider.min, slider.max, slider.value) == (-2, 2, pytest.approx(kl_graph.scale))


def test_words_follow_their_graph(kl_graph):
    line = live.words(kl_graph, "KL is {kl:.2f}.")
    before = line.value
    kl_graph.mean += 1
    assert line.value == f"KL is {kl_graph.outputs['kl']:.2f}." != before


def test_a_figure_puts_a_list_into_a_row(kl_graph, monkeypatch):
    shown = []
    monkeypatch.setattr("dgm_core.live.layout.display", shown.append)
    charts = [live.Chart("x", "y"), live.Chart("x", "y")]
    line = live.words(kl_graph, "KL is {kl:.2f}.")
    live.figure(charts, line, kl_graph, caption="Two.", name="fig-two")
    box, caption = shown
    assert isinstance(box, widgets.VBox) and box.children[1:] == (line, kl_graph)
    assert isinstance(box.children[0], widgets.HBox) and list(box.children[0].children) == charts
    assert 'id="fig-two"' in caption.data and "data:image/png" in caption.data


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("a", 5, 0), "put the lower end first"),
        (("a", 0, 5, "log"), "put the lower end above 0 first"),
    ],
)
def test_a_range_that_a_slider_cannot_have_is_refused(given, words):
    graph = live.Graph(lambda a: {"b": a}, {"a": 3.0}, device=torch.device("cpu"))
    with pytest.raises(ValueError, match=words):
        live.sliders(graph, a=given)
