"""Flow matching on the plane for the reader's browser: a velocity that trains there."""

import torch

from dgm_core.diffusion import TimeMLP, heun, ode_log_prob
from dgm_core.live import Graph, normal, uniform
from dgm_core.live.plane.scene import DIVERGED, held_inside, training_graph
from dgm_core.live.plane.steps import matching_step
from dgm_core.targets import Moons, PlanarMixture
from dgm_core.training import named_parameters, with_parameters


def plane_matching(
    target: PlanarMixture | None = None,
    *,
    batch_size: int = 256,
    hidden: int = 48,
    learning_rate: float = 5e-3,
    steps_per_tick: int = 4,
) -> tuple[Graph, TimeMLP]:
    """Make the graph that trains a velocity on the plane; a `live.Player` drives it.

    Its input is ``learning_rate``. Among its outputs are, beside those of
    `scene.training_graph`: ``loss``, a running mean of the flow-matching loss, with
    ``curve_loss``, its past; ``velocity``, for `plane_roads`.

    Args:
        target: the data; two moons by default.
        batch_size: examples a step.
        hidden: units of each of the three hidden layers.
        learning_rate: of Adam, to begin with.
        steps_per_tick: training steps between two drawings, to begin with.

    Returns:
        The graph, and the velocity whose architecture it trains, initialised but not trained.

    Example:
        >>> training, velocity = plane_matching(batch_size=16, hidden=4)
        >>> training.ticks += 1  # what the player does
        >>> training.outputs["steps"]  # of training, four a tick
        array(4., dtype=float32)
    """
    velocity = TimeMLP(2, (hidden, hidden, hidden))

    def step(state, real, learning_rate, z, hour):
        return matching_step(velocity, state, real, hour, z, learning_rate)

    graph = training_graph(
        {"velocity": velocity},
        step,
        {"loss": "curve_loss"},
        target or Moons(),
        {"learning_rate": learning_rate},
        batch_size=batch_size,
        noise={"z": normal(batch_size, 2), "hour": uniform(batch_size)},
        steps_per_tick=steps_per_tick,
    )
    return graph, velocity


def plane_roads(
    training: Graph,
    velocity: TimeMLP,
    target: PlanarMixture | None = None,
    *,
    points: int = 128,
    num_steps: int = 6,
    judged: int = 64,
) -> Graph:
    """Make the graph of samples and error of a velocity, and have `training` keep it up to date.

    Its outputs are ``fake``, (points, 2), by Heun's method; and ``kl``, the mean over some fixed
    points of the data of log p_data(x) - log p(x), in nats, with the exact divergence.

    Args:
        training: the graph that `plane_matching` made.
        velocity: the velocity that it made.
        target: the data, as there.
        points: samples, from noise that "draw again" renews.
        num_steps: of the solver, for the samples and, backwards, for the densities.
        judged: points of the data that the error is a mean over.

    Example:
        >>> training, velocity = plane_matching(batch_size=16, hidden=4)
        >>> picture = plane_roads(training, velocity, points=8, num_steps=2, judged=8)
        >>> picture.outputs["fake"].shape, picture.outputs["kl"].shape
        ((8, 2), ())
    """
    target = target or Moons()
    generator = torch.Generator().manual_seed(0)
    which = torch.rand(judged, generator=generator)
    x = target.from_noise(which, torch.randn(judged, 2, generator=generator))
    true = target.log_prob(x)

    def roads(weights, z):
        def look(velocity):
            made = heun(velocity, z, num_steps)
            return made, ode_log_prob(velocity, x.to(z), num_steps, solver=heun)

        made, found = with_parameters(look, velocity, named_parameters(velocity, weights[0]))
        lost = (true.to(found) - found).mean()
        return {"fake": held_inside(made), "kl": held_inside(lost, DIVERGED)}

    noise = {"z": normal(points, 2, redraw="click")}
    graph = Graph(roads, {"weights": training.outputs["velocity"]}, noise)
    training.drive(graph, weights="velocity")
    return graph
