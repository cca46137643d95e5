"""A cell that runs again leaves nothing of its earlier runs in the kernel."""

import json

import pytest
from jupyter_client.manager import start_new_kernel
from kernels import HANGS

pytestmark = pytest.mark.book

SETUP = """
import gc, json, weakref
import comm, ipywidgets as widgets, torch
from ipywidgets.widgets.widget import _instances
import dgm_core.live.export as export
from dgm_core import live
import dgm_core.live.shown

graphs, sessions = weakref.WeakSet(), []
# The kernel is that of the tests before, and its exporter already counted for them.
make = export._make = vars(export).get("_make", export.open_session)
def counted(data):
    session = make(data)
    sessions.append(weakref.ref(session))
    return session
export.open_session = counted

def count():
    gc.collect()
    alive = {"widgets": len(_instances), "comms": len(comm.get_comm_manager().comms)}
    alive |= {"graphs": len(graphs), "sessions": sum(one() is not None for one in sessions)}
    print(json.dumps(alive))

def make_graph():
    graph = live.Graph(lambda a, z, total: {"total": total + a, "y": a * z}, {"a": 1.0},
                       noise={"z": live.normal(3)}, state={"total": torch.tensor(0.0)})
    graphs.add(graph)
    return graph

def draw(graph, name="fig-a", caption=""):
    chart, pixels = live.Chart("x", "y"), live.Pixels(height=1, width=3, alt="three")
    graph.drive(chart.points([1, 2, 3], [0, 0, 0]), y="y").drive(pixels, pixels="y")
    parts = chart, pixels, live.Player(graph), live.again(graph), live.words(graph, "{a:.1f}")
    live.figure(*parts, live.sliders(graph, a=("a", 0, 2)), graph, caption=caption, name=name)
"""
WHOLE = "draw(make_graph())"
QUIZ = "live.quiz('What is half of 1?', answer=0.5, tolerance=0.01, why='1 / 2')"


class Kernel:
    """A kernel, and what lives in it."""

    def __init__(self, client):
        self.client = client
        self.run(SETUP)

    def run(self, code: str, cell: str = "") -> str:
        """Run code as a front end does that names its cell, or does not; return what it prints."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        content |= {"user_expressions": {}, "stop_on_error": True}
        metadata = {"cellId": cell} if cell else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        printed = ""
        while True:
            heard = self.client.get_iopub_msg(timeout=HANGS)
            if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            assert heard["msg_type"] != "error", heard["content"]["traceback"]
            if heard["msg_type"] == "stream":
                printed += heard["content"]["text"]
            if heard["content"].get("execution_state") == "idle":
                return printed

    def alive(self) -> dict:
        """Return how many widgets, comms, graphs and sessions there are."""
        return json.loads(self.run("count()"))


@pytest.fixture(scope="module")
def process():
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=HANGS)
    yield client
    client.stop_channels()
    manager.shutdown_kernel()


@pytest.fixture
def kernel(process):
    """The kernel, in which nothing has been shown."""
    process.execute("%reset -f", reply=True, timeout=HANGS)
    kernel = Kernel(process)
    kernel.run("widgets.Widget.close_all(); live.shown._shown.clear()")
    return kernel


@pytest.mark.parametrize("cell", ["", "cell"])
@pytest.mark.parametrize("code", [WHOLE, QUIZ])
def test_a_cell_that_runs_ten_times_leaves_what_it_leaves_once(kernel, code, cell):
    before = kernel.alive()
    kernel.run(code, cell)
    once = kernel.alive()
    assert once["comms"] == once["widgets"] > before["widgets"]
    assert once["sessions"] == 0
    for _ in range(9):
        kernel.run(code, cell)
    assert kernel.alive() == once


def test_a_graph_of_an_earlier_cell_stays_and_forgets_what_was_drawn_of_it(kernel):
    kernel.run("graph = make_graph()", "first")
    kernel.run("draw(graph)", "second")
    once = kernel.alive()
    for _ in range(9):
        kernel.run("draw(graph)", "second")
    assert kernel.alive() == once
    known = "all(each['model'][10:] in _instances for each in graph._targets)"
    assert kernel.run(f"print(graph.comm is not None, {known}, len(graph._drives))") == (
        "True True 3\n"
    )
    moves = "graph.a = 2.0; graph.run(); print(*[drive[0].value for drive in graph._drives[2:]])"
    assert kernel.run(moves) == "2.0\n"


def test_what_another_figure_shows_stays(kernel):
    kernel.run("graph = make_graph(); draw(graph, 'fig-a')", "first")
    kernel.run("draw(graph, 'fig-b'); first = graph", "second")
    kernel.run("graph = make_graph(); draw(graph, 'fig-a')", "first")
    assert kernel.run("print(first.comm is not None, len(first._drives))") == "True 3\n"
    kernel.run("draw(graph, 'fig-b')", "second")
    assert kernel.run("print(first.comm is not None)") == "False\n"


def test_two_cells_may_show_figures_of_one_name_and_one_cell_two(kernel):
    kernel.run(WHOLE, "first")
    once = kernel.alive()["graphs"]
    kernel.run(WHOLE, "a copy of it")
    assert kernel.alive()["graphs"] == once + 1
    kernel.run(f"{WHOLE}; {WHOLE}", "first")
    assert kernel.alive()["graphs"] == once + 2
    kernel.run("draw(make_graph(), 'another name')", "first")
    assert kernel.alive()["graphs"] == once + 1
