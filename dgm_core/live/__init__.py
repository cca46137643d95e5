"""Live figures: a PyTorch function that the reader drives, with a kernel or without one."""

from dgm_core.live.atlas import Atlas
from dgm_core.live.charts import Chart
from dgm_core.live.graph import Graph
from dgm_core.live.layout import again, figure, sliders, words
from dgm_core.live.noise import normal, uniform
from dgm_core.live.questions import quiz
from dgm_core.live.refusals import ExportError
from dgm_core.live.views import Button, Cloud, Pad, Pixels, Plane, Player
from dgm_core.live.weights import eight_bits, half_precision

__all__ = [
    "Atlas",
    "Button",
    "Chart",
    "Cloud",
    "ExportError",
    "Graph",
    "Pad",
    "Pixels",
    "Plane",
    "Player",
    "again",
    "eight_bits",
    "figure",
    "half_precision",
    "normal",
    "quiz",
    "sliders",
    "uniform",
    "words",
]
