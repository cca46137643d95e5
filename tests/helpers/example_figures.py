"""Figures for the tests: a function for a graph, and a whole figure as a cell's source."""

import torch
from torch.distributions import Normal, kl_divergence

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

GRID = torch.linspace(-3, 3, 101)


def gaussians(mean, scale):
    q, p = Normal(mean, scale), Normal(torch.tensor(0.0), torch.tensor(1.0))
    return {"density": q.log_prob(GRID).exp(), "kl": kl_divergence(q, p)}
