import pytest
import torch
from example_figures import gaussians

from dgm_core import live


@pytest.fixture(scope="module")
def kl_graph():
    return live.Graph(gaussians, {"mean": 0.5, "scale": 1.5}, device=torch.device("cpu"))
