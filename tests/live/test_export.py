"""What is exported agrees with PyTorch, and what a page cannot run is refused."""

import copy
import keyword
import unicodedata

import numpy as np
import onnxruntime
import pytest
import torch
from example_figures import gaussians
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dgm_core import live
from dgm_core.distributions import BernoulliPixels
from dgm_core.fields import divergence
from dgm_core.flows import affine_image_flow, without_substitution
from dgm_core.live import export
from dgm_core.live.agreement import relative_error
from dgm_core.live.export import to_onnx

# What Python takes for the name of an argument, as it reads it.
IDENTIFIERS = (
    st.text(st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mn", "Pc"]), min_size=1)
    .map(lambda text: unicodedata.normalize("NFKC", text))
    .filter(lambda name: name.isidentifier() and not keyword.iskeyword(name))
)


def run_onnx(data, feeds):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    feeds = {f"in.{name}": np.asarray(value, np.float32) for name, value in feeds.items()}
    names = [output.name.removeprefix("out.") for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


# Names that exporters give to what is inside of a graph, and others that one might trip over.
INSIDE = ["t", "x", "X", "add", "add_1", "val_0", "input", "arg0_1", "_tensor_constant0", "mul"]
ODD = ["in_t", "out", "self", "function", "constructor", "toString", "μ", "名", "e\u0301", "match"]


@settings(max_examples=4, deadline=None, derandomize=True)
@given(st.permutations(INSIDE + ODD), st.lists(IDENTIFIERS, min_size=8, unique=True))
def test_any_identifier_will_do_as_a_name(listed, drawn):
    """Inputs, noise, state and outputs: most outputs feed states, of the same names.

    Every listed name is in every export, each time in another place, beside some that are drawn.
    """
    a, b, c, *state = dict.fromkeys([*listed[:3], *drawn, *listed[3:]])

    def function(**values):
        weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]])  # a constant of the graph
        total = torch.sin(values[a].t() @ weight + values[b]).sum() + 0.5
        return {c: total} | {name: 2 * values[name] + total for name in state}

    example = {a: torch.ones(2, 3), b: torch.full((2,), 0.25)}
    example |= {name: torch.tensor(float(k)) for k, name in enumerate(state)}
    got = run_onnx(to_onnx(function, example).onnx, example)
    want = function(**example)
    assert got.keys() == want.keys()
    for name, value in want.items():
        np.testing.assert_allclose(got[name], value.numpy(), rtol=1e-5)


def test_torchs_translations_are_read_once_for_all_exports(kl_graph, monkeypatch):
    """`kl_graph` is the first; what reads them would fail now. Elsewhere torch is as it was."""
    from torch.onnx._internal.exporter import _registration

    def read(*_):
        raise AssertionError("read again")

    monkeypatch.setattr(_registration._torchlib_registry, "get_torchlib_ops", read)
    example = {"mean": torch.tensor(0.5), "scale": torch.tensor(1.5)}
    data = to_onnx(gaussians, example).onnx
    assert run_onnx(data, example)["kl"] == pytest.approx(gaussians(**example)["kl"].item())
    with pytest.raises(AssertionError, match="read again"):
        _registration.ONNXRegistry.from_torchlib()


def test_an_exporter_without_such_a_table_exports_too(kl_graph, monkeypatch):
    from torch.onnx._internal.exporter import _registration

    class Other:
        pass

    monkeypatch.setattr(_registration, "ONNXRegistry", Other)
    with export._translations_kept():
        assert not hasattr(Other, "from_torchlib")
    monkeypatch.delattr(_registration, "ONNXRegistry")
    with export._translations_kept():
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
    exported = to_onnx(adam_step, {"x": x, **state})
    got = {name: value.numpy() for name, value in state.items()}
    optimiser_state = torch.ones(3, requires_grad=True)
    adam = torch.optim.Adam([optimiser_state], lr=0.05, betas=(0.9, 0.99))
    for _ in range(20):
        got = run_onnx(exported.onnx, {"x": x.numpy(), **got})
        adam.zero_grad()
        (((optimiser_state * x).sum() - 1.0) ** 2).backward()
        adam.step()
    assert list(exported.outputs) == ["weight", "first", "second", "time"]
    np.testing.assert_allclose(got["weight"], optimiser_state.detach().numpy(), rtol=1e-5)


def test_the_probability_of_bernoulli_pixels_is_exact_for_any_logit():
    logits = torch.tensor([-200.0, -90.0, 0.0, 90.0, 200.0])
    pixels = BernoulliPixels(nn.Identity())
    example = {"z": logits, "x": torch.tensor([1.0, 1.0, 0.0, 0.0, 1.0])}
    exported = to_onnx(lambda z, x: {"each": pixels(z).base_dist.log_prob(x)}, example)
    assert run_onnx(exported.onnx, example)["each"] == pytest.approx(
        [-200, -90, -0.6931472, -90, 0]
    )


def test_half_precision_weights_travel_as_float16_and_lose_nothing_more():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 784), nn.Sigmoid())
    z = torch.randn(2)
    rounded = live.half_precision(net)
    small = to_onnx(lambda z: {"mean": rounded(z)}, {"z": z}).onnx
    large = to_onnx(lambda z: {"mean": net(z)}, {"z": z}).onnx
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
    small = to_onnx(lambda x: {"y": rounded(x)}, {"x": x}).onnx
    large = to_onnx(lambda x: {"y": net(x)}, {"x": x}).onnx
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
        (lambda a: {"b": torch.searchsorted(torch.arange(5.0), a)}, r"ONNX has no aten\.searchs"),
        (lambda a: {"b": torch.erfinv(a)}, r"ONNX has no \w+\.erf_?inv\. Instead, compute it"),
        (lambda a: {"b": torch.linalg.inv(a * torch.eye(2))}, r"ONNX has no aten\.linalg_inv"),
        (lambda a: {"b": (3.3 * a.bfloat16()).sin()}, "compute in float32"),
        (lambda a: {"b": nn.functional.dropout(torch.ones(9)) * a}, r"call model\.eval\(\)"),
        (lambda a: {"b": torch.ones(2) * a @ torch.ones(3)}, "cannot be traced.*size"),
        (lambda a: {}, "returned a dict without outputs: return a dictionary of tensors"),
        (lambda a: a, "returned a Tensor without outputs"),
        (lambda a: {"b": 2.0}, "output 'b' of the figure's function is 2.0: return a tensor"),
        (lambda a: {"b": torch.complex(a, a)}, "complex64.*real numbers"),
        (lambda a: {"b": a * torch.zeros(0)}, r"\[0\]: return a tensor of real numbers, one"),
    ],
)
def test_functions_that_a_page_cannot_run_are_refused_with_the_cure(function, words):
    with pytest.raises(live.ExportError, match=words):
        live.Graph(function, {"a": 1.0}, device=torch.device("cpu"))


def test_a_flow_of_images_says_what_makes_it_a_figure():
    flow = affine_image_flow((3,), (4,), side=4)
    with pytest.raises(live.ExportError, match=r"solve_triangular\..*without_substitution\(copy"):
        to_onnx(lambda z: {"x": flow.bijection(z)[0]}, {"z": torch.zeros(1, 16)})
    sent = without_substitution(copy.deepcopy(flow))
    to_onnx(lambda z: {"x": sent.bijection(z)[0]}, {"z": torch.zeros(1, 16)})


def test_a_model_that_runs_change_is_named_as_the_cause():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    with pytest.raises(live.ExportError, match=r"differs.*training mode.*model\.eval\(\)"):
        to_onnx(lambda a: {"b": model(torch.stack([a, a]).expand(4, 2))}, {"a": torch.ones(())})


@pytest.mark.parametrize(
    "activation",
    [
        nn.ELU,
        nn.GELU,
        nn.Hardtanh,
        nn.LeakyReLU,
        nn.Mish,
        nn.ReLU,
        nn.SiLU,
        nn.Sigmoid,
        nn.Softplus,
        nn.Tanh,
    ],
)
def test_a_divergence_of_a_network_is_exported_whatever_its_activation(activation):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), activation(), nn.Linear(8, 2))
    graph = live.Graph(
        lambda a: {"divergence": divergence(net, torch.stack([a, 2 * a])[None])}, {"a": 0.5}
    )
    x = torch.tensor([0.5, 1.0])
    trace = torch.autograd.functional.jacobian(net, x).trace()
    assert graph.outputs["divergence"][0] == pytest.approx(trace.item(), abs=1e-5)
