"""The kernel's graph drives widgets: by inputs, noise and state."""

import json

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from example_figures import gaussians
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm_core import live
from dgm_core.live.export import to_onnx


def test_a_graph_drives_labels_and_arrays_when_its_input_changes(kl_graph):
    label, pixels = widgets.Label(), live.Pixels(height=1, width=101, alt="")
    kl_graph.drive(label, value="KL = {kl:.3f} nats at {mean:+.1f}")
    kl_graph.drive(pixels, pixels="density", alt="scale {scale:.1e}")
    kl_graph.mean = -1.0
    want = gaussians(torch.tensor(-1.0), torch.tensor(1.5))
    assert label.value == f"KL = {float(want['kl']):.3f} nats at −1.0"
    assert pixels.alt == "scale 1.5"
    np.testing.assert_allclose(pixels.pixels, want["density"], rtol=1e-6)
    assert json.loads(kl_graph._summary)["kl"] == pytest.approx(float(want["kl"]), rel=1e-5)
    assert json.loads(kl_graph._summary)["density"]["length"] == 101


@pytest.mark.parametrize(
    "traits",
    [{"value": "{nothing:.2f}"}, {"value": "nothing"}, {"value": "{kl:>8}"}, {"no": "{kl:.2f}"}],
)
def test_driving_what_does_not_exist_is_an_error(kl_graph, traits):
    with pytest.raises(ValueError, match=r"cannot show|no trait"):
        kl_graph.drive(widgets.Label(), **traits)


def test_names_that_clash_with_each_other_or_with_a_widget_are_refused():
    with pytest.raises(ValueError, match=r"names are taken.*layout"):
        live.Graph(lambda layout: {"a": layout}, {"layout": 0.0})
    with pytest.raises(ValueError, match=r"names are taken.*a"):
        live.Graph(lambda a: {"b": a}, {"a": 0.0}, state={"a": torch.zeros(())})


@pytest.mark.parametrize("name", ["run", "outputs", "_onnx", "_state", "_anywidget_id", "keys"])
def test_an_input_with_the_name_of_what_a_graph_has_is_refused(name):
    with pytest.raises(ValueError, match=f"names are taken.*{name}"):
        live.Graph(lambda **values: {"a": values[name]}, {name: 0.0})


def test_every_attribute_of_a_graph_is_taken_and_a_verb_is_not():
    graph = live.Graph(lambda fit: {"b": fit}, {"fit": 1.0}, device=torch.device("cpu"))
    assert graph.fit == 1.0
    for name in {*dir(graph), *vars(graph)} - {"fit"}:
        with pytest.raises(ValueError, match="names are taken"):
            live.Graph(lambda **values: values, {name: 0.0})


@pytest.mark.usefixtures("as_a_reader_calls")
@pytest.mark.parametrize(
    ("error", "words", "more"),
    [
        (TypeError, r"noise 'z' is a Tensor.*live\.normal", {"noise": {"z": torch.zeros(2)}}),
        (ValueError, "state 'c' is .*none of that name", {"state": {"c": torch.zeros(2)}}),
        (ValueError, r"state 'b' is \[2\].*fed back is \[\]", {"state": {"b": torch.zeros(2)}}),
    ],
)
def test_what_a_graph_could_not_go_on_with_is_refused_when_it_is_made(error, words, more):
    with pytest.raises(error, match=words):
        live.Graph(lambda a, **others: {"b": a}, {"a": 0.0}, device=torch.device("cpu"), **more)


@pytest.mark.usefixtures("as_a_reader_calls")
def test_a_state_may_be_a_number():
    graph = live.Graph(lambda a, b: {"b": a + b}, {"a": 1.0}, state={"b": 2.0})
    graph.ticks += 1
    assert graph.outputs["b"] == 3.0


@pytest.mark.parametrize("name", ["a b", "1st", "", "lambda", "ﬁ", "__proto__"])
def test_what_no_argument_can_be_called_is_refused(name):
    with pytest.raises(ValueError, match="a name must be one that a function's argument can have"):
        live.Graph(lambda a, **values: {"b": a}, {"a": 0.0}, {name: live.normal(2)})


@settings(max_examples=4, deadline=None, derandomize=True)
@given(st.permutations(["t", "T", "x", "μ", "val_0", "run", "𐐀", "﨎"]))
def test_any_other_name_drives_a_text_and_is_no_other_name(names):
    a, b, c, d, e, f, g, h = names
    a, b, c = (name if name != "run" else "walk" for name in (a, b, c))
    graph = live.Graph(
        lambda **values: {
            d: values[a] + values[b],
            e: values[b] * values[c],
            **{name: 2 * values[name] for name in (f, g, h)},
            "seen": values["noise"],
        },
        {a: 1.0, b: 2.0, c: 3.0},
        {"noise": live.normal(2)},
        {f: torch.tensor(1.0), g: torch.tensor(10.0), h: torch.tensor(100.0)},
        device=torch.device("cpu"),
    )
    label = widgets.Label()
    graph.drive(label, value=" ".join(f"{{{name}:.1f}}" for name in (a, b, c, d, e, f, g, h)))
    assert label.value == "1.0 2.0 3.0 3.0 6.0 2.0 20.0 200.0"
    setattr(graph, a, 5.0)
    setattr(graph, c, 4.0)
    graph.ticks += 1
    graph.ticks += 1
    assert label.value == "5.0 2.0 4.0 7.0 8.0 4.0 40.0 400.0"


def test_noise_is_drawn_on_every_run_or_only_on_a_click():
    def function(a, always, held):
        return {"always": always + 0 * a, "held": held + 0 * a}

    noise = {"always": live.normal(5), "held": live.uniform(5, redraw="click")}
    graph = live.Graph(function, {"a": 0.0}, noise, device=torch.device("cpu"))
    first = dict(graph.outputs)
    graph.a = 1.0
    moved = dict(graph.outputs)
    assert not np.array_equal(first["always"], moved["always"])
    np.testing.assert_array_equal(first["held"], moved["held"])
    graph.draws += 1
    assert not np.array_equal(moved["held"], graph.outputs["held"])
    with pytest.raises(ValueError, match='"run", "click" or "reset"'):
        live.normal(3, redraw="never")


def test_state_follows_inputs_only_before_its_first_tick_and_can_be_reset():
    def function(rate, total):
        return {"total": total + rate}

    graph = live.Graph(
        function, {"rate": 1.0}, state={"total": torch.tensor(10.0)}, steps_per_tick=3
    )
    assert graph.outputs["total"] == 11.0  # what the first step would put out
    graph.rate = 2.0
    assert graph.outputs["total"] == 12.0 and graph._progress == [0, 0]
    graph.ticks += 1
    assert graph.outputs["total"] == 16.0
    graph.rate = 3.0
    assert graph.outputs["total"] == 16.0
    graph.ticks += 1
    assert graph.outputs["total"] == 25.0
    assert graph._progress == [2, 6]
    graph.rate = 2.0
    graph.resets += 1
    assert graph.outputs["total"] == 12.0
    assert graph._progress == [2, 0]
    graph.steps_per_tick = 1
    graph.ticks += 1
    assert graph.outputs["total"] == 12.0 and graph._progress == [3, 1]


def test_a_button_draws_anew_what_the_first_step_would_put_out_and_later_waits_for_a_tick():
    graph = live.Graph(
        lambda chance, x: {"x": x + chance},
        {},
        {"chance": live.normal(redraw="click")},
        {"x": torch.tensor(0.0)},
    )
    first = float(graph.outputs["x"])
    graph.draws += 1
    second = float(graph.outputs["x"])
    assert second != first
    graph.ticks += 1
    graph.draws += 1
    assert float(graph.outputs["x"]) == second


def test_some_noise_is_drawn_once_a_life_of_the_state():
    def function(start, begin, total):
        total = torch.where(total == 0, start, total) + 1
        return {"total": total, "begin": begin + 0 * start}

    noise = {"start": live.normal(redraw="reset")}
    graph = live.Graph(function, {"begin": 0.0}, noise, state={"total": torch.tensor(0.0)})
    first = float(graph.outputs["total"])
    graph.ticks += 1
    assert graph.outputs["total"] == pytest.approx(first)
    graph.draws += 1
    graph.ticks += 1
    assert graph.outputs["total"] == pytest.approx(first + 1)
    graph.resets += 1
    second = float(graph.outputs["total"])
    assert second != pytest.approx(first)
    graph.ticks += 1
    assert graph.outputs["total"] == pytest.approx(second)


def test_an_error_of_the_function_reaches_the_reader_in_words():
    def function(a):
        if function.broken:
            raise RuntimeError("the disc is full")
        return {"b": a}

    function.broken = False
    graph = live.Graph(function, {"a": 0.0}, device=torch.device("cpu"))
    function.broken = True
    with pytest.raises(RuntimeError, match="disc"):
        graph.a = 1.0
    assert graph._error == "RuntimeError: the disc is full"
    function.broken = False
    graph.a = 2.0
    assert graph._error == ""


def test_the_probe_calls_the_function_with_its_arguments_in_their_order():
    def weigh(**parts):  # what comes first counts most
        return {"sum": sum(value / 10**k for k, value in enumerate(parts.values()))}

    graph = live.Graph(weigh, {"z9": 1.0, "z10": 2.0})
    second, first, total = np.frombuffer(graph._probe, np.float32)  # z10, z9
    assert total == pytest.approx(first + second / 10, rel=1e-6)


def test_where_nothing_can_be_exported_the_kernel_evaluates_all_the_same(monkeypatch):
    monkeypatch.setattr("dgm_core.live.graph.can_export", lambda: False)
    graph = live.Graph(
        lambda a, total: {"total": total + a}, {"a": 1.0}, state={"total": torch.ones(())}
    )
    assert graph._onnx == b"" and graph._spec["outputs"] == ["total"]
    graph.ticks += 1
    graph.ticks += 1
    assert graph.outputs["total"] == 3.0


def test_an_export_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("dgm_core.live.export.can_export", lambda: False)
    with pytest.raises(live.ExportError, match=r"dgm_core\[pages\]"):
        to_onnx(lambda a: {"b": a}, {"a": torch.ones(2)})
