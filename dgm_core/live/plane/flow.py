"""A flow on the plane for the reader's browser: one that trains there, and a walk through one."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core.flows import Affine, AffineCoupling, Compose, Flow, coupling_flow
from dgm_core.live import Graph, normal
from dgm_core.live.plane.scene import DIVERGED, EXTENT, grid, held_inside, training_graph
from dgm_core.live.plane.steps import flow_step
from dgm_core.targets import Moons, Ring
from dgm_core.training import named_parameters, with_parameters


def plane_flow(
    target: Ring | Moons | None = None,
    *,
    batch_size: int = 256,
    layers: int = 6,
    hidden: int = 32,
    learning_rate: float = 3e-3,
    steps_per_tick: int = 4,
) -> tuple[Graph, Flow]:
    """Make the graph that trains a flow on the plane; a `live.Player` drives it.

    Its input is ``learning_rate``. Among its outputs are, beside those of
    `scene.training_graph`: ``loss``, a running mean of -log p(x), in nats, with ``curve_loss``,
    its past; ``flow``, for `plane_density`.

    Args:
        target: the data; two moons by default.
        batch_size: examples a step.
        layers: couplings of the flow.
        hidden: units of each hidden layer of a coupling.
        learning_rate: of Adam, to begin with.
        steps_per_tick: training steps between two drawings, to begin with.

    Returns:
        The graph, and the flow whose architecture it trains, initialised but not trained.

    Example:
        >>> training, flow = plane_flow(batch_size=16, layers=2, hidden=4)
        >>> training.ticks += 1  # what the player does
        >>> training.outputs["steps"]  # of training, four a tick
        array(4., dtype=float32)
    """
    target = target or Moons()
    flow = coupling_flow(2, layers, hidden)
    flow.bijection.initialize(target.sample((10_000,)))

    def step(state, real, learning_rate):
        return flow_step(flow, state, real, learning_rate)

    graph = training_graph(
        {"flow": flow},
        step,
        {"loss": "curve_loss"},
        target,
        {"learning_rate": learning_rate},
        batch_size=batch_size,
        steps_per_tick=steps_per_tick,
    )
    return graph, flow


def plane_density(training: Graph, flow: Flow, *, points: int = 256, size: int = 40) -> Graph:
    """Make the graph of samples and density of a flow, and have `training` keep it up to date.

    Its outputs are ``fake``, (points, 2), and ``field``, (size * size,), for a `live.Cloud`.

    Args:
        training: the graph that `plane_flow` made.
        flow: the flow that it made.
        points: samples, from noise that a reset or "draw again" renews.
        size: points along either side of the field.

    Example:
        >>> training, flow = plane_flow(batch_size=16, layers=2, hidden=4)
        >>> density = plane_density(training, flow, points=16, size=8)
        >>> float(density.outputs["field"].min())  # where p(x) is highest
        0.0
    """
    places = grid(size)

    def density(weights, z):
        parameters = named_parameters(flow, weights[0])
        x, log_prob = with_parameters(
            lambda flow: (flow.bijection(z)[0], flow.log_prob(places.to(z))), flow, parameters
        )
        return {"fake": held_inside(x), "field": _shade(log_prob)}

    noise = {"z": normal(points, 2, redraw="click")}
    graph = Graph(density, {"weights": training.outputs["flow"]}, noise)
    training.drive(graph, weights="flow")
    return graph


def plane_walk(flow: Flow, *, points: int = 256, lines: int = 13, size: int = 40) -> Graph:
    """Make the graph of a walk from the base through the layers of a trained flow.

    Its input is ``depth``, from 0 to the number of couplings. Between two whole numbers a layer is
    turned up part of the way, which is an invertible layer as well; so the density is exact
    everywhere. Outputs: ``grid_x`` and ``grid_y``, one line along all lines of a square grid,
    back and forth; ``moved``, (points, 2), draws from the base ("draw again" renews them);
    ``field``, (size * size,), for a `live.Cloud`; ``smallest`` and ``largest``, by how much the
    area around a point has been multiplied.

    Args:
        flow: from `coupling_layers`; the graph keeps its present numbers.
        points: draws from the base.
        lines: of the grid, in either direction.
        size: points along either side of the field.

    Example:
        >>> _, flow = plane_flow(layers=2, hidden=4)
        >>> walk = plane_walk(flow, points=16, lines=3, size=8)
        >>> walk.depth = 0  # no layer yet: the base itself
        >>> float(walk.outputs["smallest"]), float(walk.outputs["largest"])
        (1.0, 1.0)
    """
    path, places = grid_path(lines), grid(size)

    def walk(depth, z):
        part = Flow(part_way(flow.bijection, depth), (2,)).to(z.device)
        moved, log_det = part.bijection(torch.cat([z, path.to(z)]))
        bent = held_inside(moved[len(z) :], 2 * EXTENT)
        areas = log_det[: len(z)].exp()
        return {
            "grid_x": bent[:, 0],
            "grid_y": bent[:, 1],
            "moved": held_inside(moved[: len(z)]),
            "field": _shade(part.log_prob(places.to(z))),
            "smallest": areas.min(),
            "largest": areas.max(),
        }

    return Graph(walk, {"depth": 0.0}, {"z": normal(points, 2, redraw="click")})


def part_way(layers: Compose, depth: Float[Tensor, ""]) -> Compose:
    """Return the layers of `coupling_layers`, those beyond a depth turned off.

    Args:
        layers: actnorm, coupling, reversal; and again.
        depth: how many couplings are on; the last of them in part where it is no whole number.
    """
    parts = []
    triples = zip(layers.parts[::3], layers.parts[1::3], layers.parts[2::3], strict=True)
    for number, (norm, coupling, order) in enumerate(triples):
        share = (depth - number).clamp(0, 1)
        net = _Scaled(coupling.net, share)
        norm = Affine(share * norm.shift, share * norm.log_scale)
        parts += [norm, AffineCoupling(net, coupling.keep, coupling.bound), order]
    return Compose(parts)


def grid_path(lines: int) -> Float[Tensor, " steps 2"]:
    """Return a path along every line of a square grid, from -2.4 to 2.4, without a leap.

    Args:
        lines: in either direction, an odd number.
    """
    side = torch.linspace(-2.4, 2.4, 4 * (lines - 1) + 1)
    rows = []
    for k in range(lines):
        along = side if k % 2 == 0 else side.flip(0)
        rows.append(torch.stack([along, side[4 * k].expand(len(side))], 1))
        if k + 1 < lines:  # up the edge to the next line
            rows.append(torch.stack([along[-1].expand(3), side[4 * k + 1 : 4 * k + 4]], 1))
    there = torch.cat(rows)  # from the lower left to the upper right corner
    return torch.cat([there, there.flip(0, 1)])  # and back, along the upright lines


class _Scaled(nn.Module):
    def __init__(self, net: nn.Module, factor: Tensor):
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.net(x)


def _shade(log_prob: Tensor) -> Tensor:
    """From densities to a cloud's field: 1/2 is white, 0 the model's colour, at the highest."""
    log_prob = torch.where(log_prob.isnan(), -DIVERGED, log_prob).clamp(-DIVERGED, DIVERGED)
    return 0.5 - 0.5 * (log_prob - log_prob.max()).exp()
