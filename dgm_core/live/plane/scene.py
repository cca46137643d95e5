"""What models that train on the plane have in common: their data, their lives, their curves."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core.live import Graph, normal, uniform
from dgm_core.live.noise import Noise
from dgm_core.targets import PlanarMixture

#: Losses of a training that goes on are a few nats; beyond this it is lost. No limit of float32.
DIVERGED = 100.0
EXTENT = 3.0  # of the plane that is drawn
_EVERY, _POINTS = 10, 300  # steps between two points of the curves, and how many these keep


def training_graph(
    modules: Mapping[str, nn.Module],
    step: Callable[..., Mapping[str, Tensor]],
    curves: Mapping[str, str],
    target: PlanarMixture,
    inputs: Mapping[str, float],
    *,
    batch_size: int,
    noise: Mapping[str, Noise] | None = None,
    steps_per_tick: int = 4,
) -> Graph:
    """Make the graph that trains modules from step to step; a `live.Player` drives it.

    A reset draws new weights. Its outputs are the modules' states by their names; ``steps``;
    ``real``, (batch_size, 2), the batch, what left the drawn plane at its edge; for each curve a
    running mean over some ten steps, in nats; ``curve_step`` and, for each, its past, for a line;
    ``diverged``, 1 where a curve's latest value is beyond `DIVERGED` or no number at all; and
    whatever else `step` returns.

    Args:
        modules: by name; they give the architectures and the laws of the first weights.
        step: called as ``step(state, real, **inputs, **noise)``; the state has each module's
            (3, P) and "ones", (2,). It returns them anew, and the curves' values, by name.
        curves: by the name of a value that `step` returns, that of its past.
        target: the data.
        inputs: initial values.
        batch_size: examples a step.
        noise: what `step` wants, by name.
        steps_per_tick: training steps between two drawings, to begin with.
    """
    laws = {name: first_weights(module) for name, module in modules.items()}
    noise = noise or {}

    def tick(which, spread, **values):
        begins = values["steps"] < 0.5
        state = {"ones": values["ones"]}
        for name, (middle, width) in laws.items():
            uniforms = values[f"{name}_weights"]
            weights = middle.to(uniforms) + width.to(uniforms) * (2 * uniforms - 1)
            moments = torch.zeros_like(values[name][1:])
            state[name] = torch.where(begins, torch.cat([weights[None], moments]), values[name])
        real = target.from_noise(which, spread)
        out = step(state, real, **{name: values[name] for name in (*inputs, *noise)})
        latest = torch.stack([out[name] for name in curves])
        means = torch.where(begins, latest, 0.9 * values["means"] + 0.1 * latest)
        longer = torch.cat([values["curves"][:, 1:], means[:, None]], 1)
        is_point = torch.remainder(values["steps"], _EVERY) == 0
        past = torch.where(is_point, longer, values["curves"])
        past = torch.where(begins, means[:, None], past)
        steps = values["steps"] + 1
        since = _EVERY * torch.arange(1 - _POINTS, 1, device=steps.device)
        return {
            **out,
            "means": means,
            "curves": past,
            "steps": steps,
            **dict(zip(curves, means, strict=True)),
            "real": held_inside(real),
            "curve_step": (steps + since).clamp(min=0),
            **dict(zip(curves.values(), held_inside(past, DIVERGED), strict=True)),
            "diverged": 1 - (latest.abs() <= DIVERGED).all().to(latest.dtype),
        }

    sizes = {name: law.shape[1] for name, law in laws.items()}
    return Graph(
        tick,
        inputs,
        noise={
            "which": uniform(batch_size),
            "spread": normal(batch_size, 2),
            **noise,
            **{f"{name}_weights": uniform(n, redraw="reset") for name, n in sizes.items()},
        },
        state={
            **{name: torch.zeros(3, n) for name, n in sizes.items()},
            "ones": torch.zeros(2),
            "means": torch.zeros(len(curves)),
            "curves": torch.zeros(len(curves), _POINTS),
            "steps": torch.tensor(0.0),
        },
        steps_per_tick=steps_per_tick,
    )


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


def grid(size: int) -> Float[Tensor, " pixels 2"]:
    """Return the middles of the plane's pixels, from the upper left corner row by row.

    Args:
        size: pixels along either side.
    """
    middle = EXTENT * (1 - 1 / size)  # of the outermost pixels
    axis = torch.linspace(-middle, middle, size)
    y, x = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def held_inside(
    values: Float[Tensor, " *shape"], extent: float = EXTENT
) -> Float[Tensor, " *shape"]:
    """Move what left the picture to its edge, and what is no number to the upper one.

    Args:
        values: any shape.
        extent: the edges are at plus and minus this.
    """
    return torch.where(values.isnan(), extent, values).clamp(-extent, extent)
