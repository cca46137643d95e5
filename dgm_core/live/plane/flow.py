"""A flow on the plane for the reader's browser: one that trains there, and a walk through one."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from dgm_core.flows import Affine, AffineCoupling, Compose, Flow, coupling_flow
from dgm_core.live import Graph, normal, uniform
from dgm_core.live.plane.steps import flow_step
from dgm_core.targets import Moons, Ring
from dgm_core.training import adam_state, named_parameters

#: Nats a point of the plane costs are a few; beyond this, training is lost. No limit of float32.
DIVERGED = 100.0
EXTENT = 3.0  # of the plane that is drawn
_EVERY, _POINTS = 10, 300  # steps between two points of the curve, and how many it keeps


def first_weights(module: nn.Module) -> Float[Tensor, " 2 parameters"]:
    """Return the middle and the half-width of the uniform law that a new life's weights have.

    Linear layers that are not zero get PyTorch's default; all other parameters stay as they are.

    Args:
        module: its parameters, in the order of ``module.parameters()``, are the columns.

    Returns:
        (2, P).
    """
    laws = []
    for name, parameter in module.named_parameters():
        layer = module.get_submodule(name.rpartition(".")[0])
        drawn = isinstance(layer, nn.Linear) and bool((parameter != 0).any())
        middle = torch.zeros_like(parameter) if drawn else parameter
        width = torch.full_like(parameter, layer.in_features**-0.5 if drawn else 0.0)
        laws.append(torch.stack([middle.flatten(), width.flatten()]))
    return torch.cat(laws, 1).detach()


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

    Its input is ``learning_rate``. A reset draws new weights. Among its outputs: ``real``,
    (batch_size, 2), the batch, what left the drawn plane at its edge; ``steps``; ``loss``, a
    running mean over some ten steps of -log p(x), in nats; ``curve_step``, ``curve_loss``, its
    past, for a line; ``diverged``, 1 where a loss is beyond `DIVERGED` or no number at all;
    ``flow``, for `plane_density`.

    Args:
        target: the data; two moons by default.
        batch_size: examples a step.
        layers: couplings of the flow.
        hidden: units of each hidden layer of a coupling.
        learning_rate: of Adam, to begin with.
        steps_per_tick: training steps between two drawings, to begin with.

    Returns:
        The graph, and the flow whose architecture it trains, initialised but not trained.
    """
    target = target or Moons()
    flow = coupling_flow(2, layers, hidden)
    flow.bijection.initialize(target.sample((10_000,)))
    middle, width = first_weights(flow)

    def step(learning_rate, which, spread, weights, **state):
        first = state["steps"] < 0.5
        start = middle.to(weights) + width.to(weights) * (2 * weights - 1)
        start = torch.stack([start, torch.zeros_like(start), torch.zeros_like(start)])
        real = target.from_noise(which, spread)
        before = {"flow": torch.where(first, start, state["flow"]), "ones": state["ones"]}
        out = flow_step(flow, before, real, learning_rate)
        mean = torch.where(first, out["loss"], 0.9 * state["recent"] + 0.1 * out["loss"])
        longer = torch.cat([state["curve"][1:], mean[None]])
        curve = torch.where(torch.remainder(state["steps"], _EVERY) == 0, longer, state["curve"])
        curve = torch.where(first, mean, curve)
        steps = state["steps"] + 1
        past = _EVERY * torch.arange(1 - _POINTS, 1, device=steps.device)
        return {
            "flow": out["flow"],
            "ones": out["ones"],
            "recent": mean,
            "curve": curve,
            "steps": steps,
            "loss": mean,
            "real": _held_inside(real),
            "curve_step": (steps + past).clamp(min=0),
            "curve_loss": torch.where(curve.isnan(), DIVERGED, curve).clamp(-DIVERGED, DIVERGED),
            "diverged": 1 - (out["loss"].abs() <= DIVERGED).to(out["loss"].dtype),
        }

    graph = Graph(
        step,
        {"learning_rate": learning_rate},
        noise={
            "which": uniform(batch_size),
            "spread": normal(batch_size, 2),
            "weights": uniform(len(middle), redraw="reset"),
        },
        state={
            "flow": torch.zeros_like(adam_state(flow)),
            "ones": torch.zeros(2),
            "recent": torch.zeros(()),
            "curve": torch.zeros(_POINTS),
            "steps": torch.zeros(()),
        },
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
    """
    grid = _grid(size)

    def density(weights, z):
        parameters = named_parameters(flow, weights[0])
        both = _Both(flow, grid.to(z))
        x, log_prob = functional_call(both, {f"flow.{k}": p for k, p in parameters.items()}, (z,))
        return {"fake": _held_inside(x), "field": _shade(log_prob)}

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
    """
    path, grid = grid_path(lines), _grid(size)

    def walk(depth, z):
        part = Flow(part_way(flow.bijection, depth), (2,)).to(z.device)
        moved, log_det = part.bijection(torch.cat([z, path.to(z)]))
        bent = _held_inside(moved[len(z) :], 2 * EXTENT)
        areas = log_det[: len(z)].exp()
        return {
            "grid_x": bent[:, 0],
            "grid_y": bent[:, 1],
            "moved": _held_inside(moved[: len(z)]),
            "field": _shade(part.log_prob(grid.to(z))),
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


class _Both(nn.Module):  # for ``functional_call``
    def __init__(self, flow: Flow, points: Tensor):
        super().__init__()
        self.flow, self.points = flow, points

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.flow.bijection(z)[0], self.flow.log_prob(self.points)


def _grid(size: int) -> Tensor:
    """Middles of the pixels of the plane, from the upper left corner row by row."""
    middle = EXTENT * (1 - 1 / size)
    axis = torch.linspace(-middle, middle, size)
    y, x = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def _shade(log_prob: Tensor) -> Tensor:
    """From densities to a cloud's field: 1/2 is white, 0 the model's colour, at the highest."""
    log_prob = torch.where(log_prob.isnan(), -DIVERGED, log_prob).clamp(-DIVERGED, DIVERGED)
    return 0.5 - 0.5 * (log_prob - log_prob.max()).exp()


def _held_inside(points: Tensor, extent: float = EXTENT) -> Tensor:
    """Move what left the picture to its edge, and what is nowhere to a corner."""
    return torch.where(points.isnan(), extent, points).clamp(-extent, extent)
