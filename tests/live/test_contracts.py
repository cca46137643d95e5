"""What a figure is given by mistake is refused, with the cure; what only looks odd is taken."""

import sys
import threading

import numpy as np
import pytest
import torch
from contracts import refused

from dgm_core import live

CPU = torch.device("cpu")


def graph_of(value):
    return live.Graph(lambda a: {"b": 2 * a}, {"a": value}, device=CPU)


def odd_arrays():
    """Arrays that torch does not take as they are."""
    locked = np.arange(4, dtype=np.float32)
    locked.flags.writeable = False
    yield "read only", locked
    yield "backwards", np.arange(4.0)[::-1][::-1][::-1]
    yield "every second", np.arange(8.0)[::2]
    yield "transposed", torch.arange(4.0).reshape(2, 2).T
    yield "learned", torch.nn.Parameter(torch.arange(4.0))
    with torch.inference_mode():
        yield "of inference", torch.arange(4.0)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("name", [name for name, _ in odd_arrays()])
def test_an_input_may_be_any_array(name):
    value = dict(odd_arrays())[name]
    graph = graph_of(value)
    plain = value.detach().numpy() if isinstance(value, torch.Tensor) else value
    np.testing.assert_array_equal(graph.outputs["b"], 2 * plain)
    graph.a = plain + 1
    np.testing.assert_array_equal(graph.outputs["b"], 2 * plain + 2)


def test_a_graph_keeps_a_copy_of_its_inputs():
    mine = torch.zeros(3)
    state = live.Graph(lambda s: {"s": s + 1}, {}, state={"s": mine}, device=CPU)
    graph = graph_of(mine)
    mine += 5
    graph.run()
    state.resets += 1
    assert graph.outputs["b"].tolist() == [0, 0, 0] and state.outputs["s"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("a", 5, 10), "begin within the range"),
        (("a", 0, float("inf")), "put the lower end"),
        (("a", 0, 5, 0), "give one above 0"),
    ],
)
def test_a_range_that_a_slider_cannot_have_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        live.sliders(graph_of(3.0), a=given)


def test_a_slider_takes_the_end_of_its_range_in_single_precision():
    graph = graph_of(torch.tensor(0.1))  # 0.10000000149
    (slider,) = live.sliders(graph, a=("a", 0, 0.1)).children
    assert slider.value == 0.1


def test_words_show_numbers_not_arrays():
    with pytest.raises(ValueError, match="is an array, and words show one number"):
        live.words(graph_of(np.zeros(3)), "twice is {b:.2f}")


@pytest.mark.parametrize(
    ("examples", "names"),
    [(np.zeros((0, 784)), []), (np.zeros((2, 100)), ["a", "b"]), (np.zeros((2, 784)), ["a"])],
)
def test_a_pad_needs_examples_of_digits(examples, names):
    with pytest.raises(ValueError, match=r"give \(N, 784\) with a name for each"):
        live.Pad(examples, names)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_a_figure_in_few_bits_is_told_so(kind):
    with pytest.raises(live.ExportError, match=f"{str(kind)[6:]}.*model.float"):
        live.Graph(lambda a: {"b": torch.erf(a.to(kind) * 2)}, {"a": 0.5}, device=CPU)


def test_two_threads_that_export_leave_the_streams_as_they_were():
    """The first waits for the second, and the second for the first's end: the worst order."""
    before, begun, over = sys.stdout, threading.Event(), threading.Event()

    def first(a):
        begun.wait(1)
        return {"b": a}

    def second(a):
        begun.set()
        over.wait(1)
        return {"b": a}

    def make(function):
        live.Graph(function, {"a": 1.0}, device=CPU)
        over.set()

    threads = [threading.Thread(target=make, args=(each,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is before


def test_an_input_keeps_the_shape_that_the_page_knows():
    graph = graph_of(np.zeros(3))
    with pytest.raises(ValueError, match=r"input 'a' is \(5,\), but \(3,\) is expected"):
        graph.a = np.zeros(5)
    assert graph._error.startswith("ValueError: input 'a'")


@pytest.mark.parametrize("value", [np.array([1j]), torch.tensor([1j])])
def test_complex_inputs_are_refused(value):
    with pytest.raises(TypeError, match=r"their parts, \.real and \.imag"):
        graph_of(value)


def test_names_of_outputs_are_texts():
    with pytest.raises(live.ExportError, match="output 1 of the figure's function: names are"):
        live.Graph(lambda a: {1: a}, {"a": 1.0}, device=CPU)


def test_limits_of_a_chart_are_finite():
    with pytest.raises(ValueError, match=r"xlim is \(-inf, 1\): None follows the data"):
        live.Chart("x", "y", xlim=(float("-inf"), 1))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"answer": 1, "tolerance": float("inf")}, "tolerance above 0"),
        ({"answer": float("nan"), "tolerance": 0.1}, "nobody can type that"),
    ],
)
def test_a_question_has_an_answer_that_can_be_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        live.quiz("How many?", why="", **options)


test_a_shape_that_torch_would_stretch_or_cut_is_refused = pytest.mark.usefixtures(
    "as_a_reader_calls"
)(refused(ValueError, {"noise of a figure": (lambda: live.normal((3, 2)), "one by one")}))
