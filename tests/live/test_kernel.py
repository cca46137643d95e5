"""A live figure in a real Jupyter kernel: messages of a front end in, the same numbers out."""

import json

import nbformat
import numpy as np
import pytest
import torch
from example_figures import FIGURE
from kernels import client as client_of

from dgm_core.prose import number

pytestmark = pytest.mark.book

MODELS = "print(graph.model_id, pixels.model_id, label.model_id)"


@pytest.fixture(scope="module")
def session():
    """The executed notebook, and what a front end would hear after its reader moved sliders."""
    cells = [nbformat.v4.new_code_cell(source) for source in (FIGURE, MODELS, "pass")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with client_of(notebook, kernel_name="python3") as client, client.setup_kernel():
        client.execute_cell(cells[0], 0)
        client.execute_cell(cells[1], 1)
        models = cells[1].outputs[0]["text"].split()
        client.set_widgets_metadata()
        heard = []
        hear = client.kc.iopub_channel.get_msg

        async def remember(**options):
            message = await hear(**options)
            heard.append(message)
            return message

        client.kc.iopub_channel.get_msg = remember
        for data in (
            {"method": "custom", "content": {"type": "hello"}},
            {"method": "update", "state": {"z1": 1.25, "z2": -0.5}, "buffer_paths": []},
        ):
            content = {"comm_id": models[0], "data": data}
            client.kc.shell_channel.send(client.kc.session.msg("comm_msg", content))
        client.execute_cell(cells[2], 2)
    heard = [message for message in heard if message["msg_type"] == "comm_msg"]
    return notebook, dict(zip(("graph", "pixels", "label"), models, strict=True)), heard


def last_update(heard, comm, trait):
    """The newest value of a trait that the kernel sent, and its buffers."""
    updates = [
        (message["content"]["data"], message["buffers"])
        for message in heard
        if message["content"]["comm_id"] == comm
        and trait
        in str(message["content"]["data"].get("state", ""))
        + str(message["content"]["data"].get("buffer_paths", ""))
    ]
    data, buffers = updates[-1]
    return data["state"].get(trait), buffers


def test_the_kernel_answers_a_moved_slider_with_pytorchs_numbers(session):
    _, models, heard = session
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 784).half().float()
    z = torch.tensor([1.25, -0.5])
    _, (buffer,) = last_update(heard, models["pixels"], "pixels")
    shown = np.frombuffer(buffer, np.float32)
    np.testing.assert_allclose(shown, net(z).sigmoid().detach(), rtol=1e-4)
    total = float(net.weight.sum() * 1.25)
    assert last_update(heard, models["label"], "value")[0] == f"total {number(total, '.3f')}"
    summary = json.loads(last_update(heard, models["graph"], "_summary")[0])
    assert summary["total"] == pytest.approx(total, rel=1e-5)


def test_the_kernel_says_hello_to_the_page(session):
    _, models, heard = session
    said = [(m["content"]["comm_id"], m["content"]["data"]) for m in heard]
    assert (models["graph"], {"method": "custom", "content": {"type": "hello"}}) in said


def test_the_saved_notebook_holds_what_a_page_without_kernel_needs(session):
    notebook, models, _ = session
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert ["_onnx"] in [buffer["path"] for buffer in state[models["graph"]]["buffers"]]
    html = notebook.cells[0].outputs[-1]["data"]["text/html"]
    assert "A figure to try." in html and 'hidden><img class="dgm-still"' in html
