"""Live figures in Python: the export agrees with PyTorch, the kernel's graph drives widgets."""

import json

import ipywidgets as widgets
import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Normal, kl_divergence

from dgm_core import live, live_export
from dgm_core.live_export import relative_error, to_onnx
from dgm_core.live_summary import summarise

GRID = torch.linspace(-3, 3, 101)


def gaussians(mean, scale):
    q, p = Normal(mean, scale), Normal(torch.tensor(0.0), torch.tensor(1.0))
    return {"density": q.log_prob(GRID).exp(), "kl": kl_divergence(q, p)}


@pytest.fixture(scope="module")
def kl_graph():
    return live.Graph(gaussians, {"mean": 0.5, "scale": 1.5}, device=torch.device("cpu"))


def run_onnx(data, feeds):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    feeds = {name: np.asarray(value, np.float32) for name, value in feeds.items()}
    names = [output.name.removeprefix("out.") for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def test_torchs_translations_are_read_once_for_all_exports(kl_graph, monkeypatch):
    """`kl_graph` is the first; what reads them would fail now. Elsewhere torch is as it was."""
    from torch.onnx._internal.exporter import _registration

    def read(*_):
        raise AssertionError("read again")

    monkeypatch.setattr(_registration._torchlib_registry, "get_torchlib_ops", read)
    example = {"mean": torch.tensor(0.5), "scale": torch.tensor(1.5)}
    data, _ = to_onnx(gaussians, example)
    assert run_onnx(data, example)["kl"] == pytest.approx(gaussians(**example)["kl"].item())
    with pytest.raises(AssertionError, match="read again"):
        _registration.ONNXRegistry.from_torchlib()


def test_an_exporter_without_such_a_table_exports_too(kl_graph, monkeypatch):
    from torch.onnx._internal.exporter import _registration

    class Other:
        pass

    monkeypatch.setattr(_registration, "ONNXRegistry", Other)
    with live_export._translations_kept():
        assert not hasattr(Other, "from_torchlib")
    monkeypatch.delattr(_registration, "ONNXRegistry")
    with live_export._translations_kept():
        pass


@settings(max_examples=30, deadline=None)
@given(mean=st.floats(-3, 3), scale=st.floats(0.1, 3))
def test_the_exported_graph_agrees_with_pytorch_wherever_a_slider_stands(kl_graph, mean, scale):
    feeds = {"mean": np.float32(mean), "scale": np.float32(scale)}
    got = run_onnx(kl_graph._onnx, feeds)
    want = gaussians(*(torch.tensor(v) for v in feeds.values()))
    for name, value in want.items():
        assert relative_error(got[name], value.numpy()) <= 1e-4


def adam_step(x, weight, first, second, time):
    def loss(w):
        return ((w * x).sum() - 1.0) ** 2

    gradient = torch.func.grad(loss)(weight)
    first, second, time = (
        0.9 * first + 0.1 * gradient,
        0.99 * second + 0.01 * gradient**2,
        time + 1,
    )
    step = first / (1 - 0.9**time) / ((second / (1 - 0.99**time)).sqrt() + 1e-8)
    return {"weight": weight - 0.05 * step, "first": first, "second": second, "time": time}


def test_a_training_step_survives_the_export_even_where_a_gradient_is_zero():
    # The third weight never gets a gradient: without Adam's 1e-8 it would become NaN.
    x, zeros = torch.tensor([1.0, -2.0, 0.0]), torch.zeros(3)
    state = {"weight": torch.ones(3), "first": zeros, "second": zeros, "time": torch.tensor(0.0)}
    data, names = to_onnx(adam_step, {"x": x, **state})
    got = {name: value.numpy() for name, value in state.items()}
    optimiser_state = torch.ones(3, requires_grad=True)
    adam = torch.optim.Adam([optimiser_state], lr=0.05, betas=(0.9, 0.99))
    for _ in range(20):
        got = run_onnx(data, {"x": x.numpy(), **got})
        adam.zero_grad()
        (((optimiser_state * x).sum() - 1.0) ** 2).backward()
        adam.step()
    assert names == ["weight", "first", "second", "time"]
    np.testing.assert_allclose(got["weight"], optimiser_state.detach().numpy(), rtol=1e-5)


def test_half_precision_weights_travel_as_float16_and_lose_nothing_more():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 784), nn.Sigmoid())
    z = torch.randn(2)
    rounded = live.half_precision(net)
    small, _ = to_onnx(lambda z: {"mean": rounded(z)}, {"z": z})
    large, _ = to_onnx(lambda z: {"mean": net(z)}, {"z": z})
    assert len(small) < 0.55 * len(large)
    got = run_onnx(small, {"z": z.numpy()})["mean"]
    assert relative_error(got, rounded(z).numpy()) <= 1e-6
    assert 0 < relative_error(got, net(z).detach().numpy()) <= 1e-3
    assert net[0].weight.requires_grad  # the original is left alone


def test_eight_bit_weights_travel_as_bytes_and_lose_nothing_more():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 64, 16))
    x = torch.randn(1, 1, 10, 10)
    rounded = live.eight_bits(net)
    for full, few in ((net[0].weight, rounded[0].weight), (net[3].weight, rounded[3].weight)):
        half_a_step = full.flatten(1).abs().amax(1) / 127 / 2
        off = (full - few).flatten(1).abs().amax(1)
        assert (off > 0).all() and (off <= 1.01 * half_a_step).all()
    small, _ = to_onnx(lambda x: {"y": rounded(x)}, {"x": x})
    large, _ = to_onnx(lambda x: {"y": net(x)}, {"x": x})
    assert len(small) < 0.3 * len(large)
    got = run_onnx(small, {"x": x.numpy()})["y"]
    assert relative_error(got, rounded(x).numpy()) <= 1e-6
    assert 0 < relative_error(got, net(x).detach().numpy()) <= 0.03


def test_half_precision_refuses_weights_that_overflow():
    net = nn.Linear(1, 1)
    net.weight.data.fill_(1e6)
    with pytest.raises(ValueError, match="weight holds values that float16 cannot"):
        live.half_precision(net)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda a: {"b": a + torch.randn(3)}, "draws random numbers.*live.normal"),
        (lambda a: {"b": a * torch.bernoulli(torch.full((2,), 0.5))}, "draws random numbers"),
        (lambda a: {"b": a * a.item()}, "cannot be traced.*item"),
        (lambda a: {"b": a if a > 0 else -a}, "cannot be traced"),
    ],
)
def test_functions_that_a_page_cannot_run_are_refused_with_the_cure(function, words):
    with pytest.raises(live.ExportError, match=words):
        live.Graph(function, {"a": 1.0}, device=torch.device("cpu"))


@pytest.mark.parametrize(
    ("got", "want", "error"),
    [
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([np.nan, 1.0], [np.nan, 2.0], 0.5),
        ([np.inf], [-np.inf], np.inf),
        ([1.0], [[1.0]], np.inf),
        ([1.0, 3.0], [2.0, 4.0], 0.25),
    ],
)
def test_relative_error_is_never_hidden_by_nan(got, want, error):
    assert relative_error(np.array(got), np.array(want)) == error


def test_a_graph_drives_labels_and_arrays_when_its_input_changes(kl_graph):
    label, pixels = widgets.Label(), live.Pixels(height=1, width=101, alt="")
    kl_graph.drive(label, value="KL = {kl:.3f} nats at {mean:+.1f}")
    kl_graph.drive(pixels, pixels="density", alt="scale {scale:.1e}")
    kl_graph.mean = -1.0
    want = gaussians(torch.tensor(-1.0), torch.tensor(1.5))
    assert label.value == f"KL = {float(want['kl']):.3f} nats at -1.0"
    assert pixels.alt == "scale 1.5e+00"
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


def test_state_advances_by_ticks_ignores_sliders_and_can_be_reset():
    def function(rate, total):
        return {"total": total + rate}

    graph = live.Graph(
        function, {"rate": 1.0}, state={"total": torch.tensor(10.0)}, steps_per_tick=3
    )
    graph.rate = 2.0
    assert graph.outputs["total"] == 11.0  # from the first evaluation, which does not count
    graph.ticks += 1
    assert graph.outputs["total"] == 16.0
    graph.ticks += 1
    assert graph.outputs["total"] == 22.0
    assert graph._progress == [2, 6]
    graph.resets += 1
    assert graph.outputs["total"] == 12.0  # what the first step would put out
    assert graph._progress == [2, 0]
    graph.steps_per_tick = 1
    graph.ticks += 1
    assert graph.outputs["total"] == 12.0 and graph._progress == [3, 1]


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


def test_outputs_are_summarised_with_six_digits_and_null_for_what_is_not_finite():
    outputs = {"a": np.float32(1 / 3), "b": np.array([np.nan, 2.0]), "c": np.arange(65.0)}
    outputs["a"] = np.asarray(outputs["a"])
    assert json.loads(summarise(outputs)) == {
        "a": 0.333333,
        "b": [None, 2.0],
        "c": {"length": 65, "mean": 32.0, "min": 0.0, "max": 64.0},
    }


def test_a_slider_of_whole_numbers_shows_no_decimals(kl_graph):
    (whole,) = live.sliders(kl_graph, mean=("digit", 0, 9, 1)).children
    (fine,) = live.sliders(kl_graph, mean=("mean", 0, 9, 0.5)).children
    assert [whole.readout_format, fine.readout_format] == [".0f", ".2f"]


def test_sliders_name_their_input_and_refuse_another(kl_graph):
    (slider,) = live.sliders(kl_graph, mean=("mean of q", -3, 3)).children
    assert slider.description == "mean of q" and slider.value == kl_graph.mean
    with pytest.raises(ValueError, match="no input 'mu'"):
        live.sliders(kl_graph, mu=("mean", -3, 3))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"answer": 2, "choices": ["a", "b"]}, "0 to 1, not 2"),
        ({"answer": 0.5, "choices": ["a", "b"]}, "index"),
        ({"answer": 0.5}, "tolerance"),
    ],
)
def test_a_quiz_that_nobody_can_pass_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        live.quiz("?", why="", **arguments)


def test_a_plane_wants_as_many_labels_as_points():
    with pytest.raises(ValueError, match=r"points must be \(N, 2\)"):
        live.Plane(np.zeros((3, 2)), np.zeros(4), alt="")
