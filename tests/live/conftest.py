import labs
import pytest
import torch
from example_figures import gaussians

from dgm_core import live


@pytest.fixture(scope="module")
def kl_graph():
    return live.Graph(gaussians, {"mean": 0.5, "scale": 1.5}, device=torch.device("cpu"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab, at work in a folder of its own."""
    with labs.start(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def page(browser):
    """A page for a JupyterLab."""
    with labs.visit(browser) as page:
        yield page
