"""A live figure in a real Jupyter kernel: messages of a front end in, the same numbers out."""

import base64
import json

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

FIGURE = """
import torch, ipywidgets as widgets
from dgm_core import live
from dgm_core.device import default_device

torch.manual_seed(0)
net = live.half_precision(torch.nn.Linear(2, 784)).to(default_device())
graph = live.Graph(
    lambda z1, z2: {"image": net(torch.stack([z1, z2])).sigmoid(), "total": net.weight.sum() * z1},
    {"z1": 0.0, "z2": 0.0},
)
pixels, label = live.Pixels(alt="an image"), widgets.Label()
graph.drive(pixels, pixels="image").drive(label, value="total {total:.3f}")
live.figure(widgets.VBox([live.sliders(graph, z1=("first", -3, 3)), pixels, label, graph]),
            caption="A figure to try.", name="fig-try")
"""


@pytest.fixture(scope="module")
def notebook():
    cells = [nbformat.v4.new_code_cell(source) for source in (FIGURE, "graph.model_id", "pass")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    messages = []
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    process = client.process_message

    def remember(message, *rest):
        messages.append(message)
        return process(message, *rest)

    client.process_message = remember
    with client.setup_kernel():
        client.execute_cell(cells[0], 0)
        client.execute_cell(cells[1], 1)
        comm = cells[1].outputs[0]["data"]["text/plain"].strip("'")
        for data in (
            {"method": "custom", "content": {"type": "hello"}},
            {"method": "update", "state": {"z1": 1.25, "z2": -0.5}, "buffer_paths": []},
        ):  # what a front end sends when its figure appears, and when its reader moves sliders
            client.kc.shell_channel.send(
                client.kc.session.msg("comm_msg", {"comm_id": comm, "data": data})
            )
        client.execute_cell(cells[2], 2)
        client.set_widgets_metadata()
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    return state, notebook, messages


def find(state, **traits):
    return next(
        widget
        for widget in state.values()
        if all(widget["state"].get(k) == v for k, v in traits.items())
    )


def test_the_kernel_answers_a_moved_slider_with_pytorchs_numbers(notebook):
    state, _, _ = notebook
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 784).half().float()
    z = torch.tensor([1.25, -0.5])
    pixels = find(state, _view="pixels")
    (buffer,) = (b for b in pixels["buffers"] if b["path"] == ["pixels"])
    shown = np.frombuffer(base64.b64decode(buffer["data"]), np.float32)
    np.testing.assert_allclose(shown, net(z).sigmoid().detach(), rtol=1e-4)
    total = float(net.weight.sum() * 1.25)
    assert find(state, _model_name="LabelModel")["state"]["value"] == f"total {total:.3f}"
    graph = next(w["state"] for w in state.values() if "_summary" in w["state"])
    assert json.loads(graph["_summary"])["total"] == pytest.approx(total, rel=1e-5)


def test_the_kernel_says_hello_to_the_page(notebook):
    _, _, messages = notebook
    said = [m["content"]["data"] for m in messages if m["msg_type"] == "comm_msg"]
    assert {"method": "custom", "content": {"type": "hello"}} in said


def test_the_saved_notebook_holds_what_a_page_without_kernel_needs(notebook):
    state, notebook, _ = notebook
    graph = next(w for w in state.values() if "_summary" in w["state"])
    assert ["_onnx"] in [buffer["path"] for buffer in graph["buffers"]]
    html = notebook.cells[0].outputs[-1]["data"]["text/html"]
    assert "A figure to try." in html and '<noscript><img class="dgm-still"' in html
