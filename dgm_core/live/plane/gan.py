"""A GAN on the plane that trains in the reader's browser, a whole step a run of its graph."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from dgm_core.gan import Discriminator, Generator
from dgm_core.live import Graph, normal, uniform
from dgm_core.live.plane.steps import gan_step
from dgm_core.targets import Ring
from dgm_core.training import named_parameters

#: Losses of a game that goes on are a few nats; beyond this it is lost. No limit of float32.
DIVERGED = 100.0
EXTENT = 3.0  # of the plane that is drawn
_EVERY, _POINTS = 10, 300  # steps between two points of the curves, and how many these keep


def plane_networks(hidden: int = 64) -> tuple[Generator, Discriminator]:
    """Make the networks of the plane: 2 -> hidden -> hidden -> 2 and 2 -> hidden -> hidden -> 1.

    Args:
        hidden: units of each hidden layer.
    """
    options = {"batch_norm": False, "dropout": 0.0}
    generator = Generator(2, (hidden, hidden), 2, bounded=False, **options)
    return generator, Discriminator(2, (hidden, hidden), **options)


def default_weights(
    module: nn.Module, noise: Float[Tensor, " parameters"]
) -> Float[Tensor, " parameters"]:
    """Turn uniform noise into PyTorch's default weights and biases of a module's linear layers.

    Args:
        module: parameters in linear layers only.
        noise: uniform on [0, 1), (P,).

    Returns:
        (P,), in the order of ``module.parameters()``; each uniform within one over the root of
        its layer's inputs.
    """
    bounds = [
        torch.full_like(parameter, layer.in_features**-0.5).flatten()
        for layer in module.modules()
        if isinstance(layer, nn.Linear)
        for parameter in layer.parameters()
    ]
    return torch.cat(bounds).detach().to(noise) * (2 * noise - 1)


def plane_gan(
    ring: Ring | None = None,
    *,
    batch_size: int = 256,
    hidden: int = 64,
    learning_rate: float = 1e-3,
    steps_per_tick: int = 4,
) -> Graph:
    """Make the graph that trains a GAN on a ring of Gaussians; a `live.Player` drives it.

    Its inputs are ``generator_rate``, ``discriminator_rate`` (learning rates) and ``saturating``
    (0 or 1). A reset draws new weights. Among its outputs: ``fake`` and ``real``,
    (batch_size, 2), what left the drawn plane at its edge; ``steps``; ``value`` and
    ``generator_loss``, running means over some ten steps, in nats; ``curve_step``,
    ``curve_value``, ``curve_loss``, their past, for lines; ``diverged``, 1 where a loss is beyond
    `DIVERGED` or no number at all; ``discriminator``, for `plane_field`.

    Args:
        ring: the data; eight Gaussians by default.
        batch_size: examples a step, real and generated.
        hidden: units of each hidden layer.
        learning_rate: both rates, to begin with.
        steps_per_tick: training steps between two drawings, to begin with.
    """
    ring = ring or Ring()
    networks = dict(zip(("generator", "discriminator"), plane_networks(hidden), strict=True))
    sizes = {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()}

    def step(generator_rate, discriminator_rate, saturating, which, spread, z, **rest):
        first = rest["steps"] < 0.5
        state = {"ones": rest["ones"]}
        for name, network in networks.items():
            weights = default_weights(network, rest[f"{name}_weights"])
            moments = torch.zeros_like(rest[name][1:])
            state[name] = torch.where(first, torch.cat([weights[None], moments]), rest[name])
        real = ring.from_noise(which, spread)
        rates = generator_rate, discriminator_rate
        out = gan_step(*networks.values(), state, real, z, *rates, saturating)
        losses = torch.stack([-out["discriminator_loss"], out["generator_loss"]])
        means = torch.where(first, losses, 0.9 * rest["means"] + 0.1 * losses)
        longer = torch.cat([rest["curves"][:, 1:], means[:, None]], 1)
        curves = torch.where(torch.remainder(rest["steps"], _EVERY) == 0, longer, rest["curves"])
        curves = torch.where(first, means[:, None], curves)
        steps = rest["steps"] + 1
        past = _EVERY * torch.arange(1 - _POINTS, 1, device=steps.device)
        return {
            **{name: out[name] for name in ("generator", "discriminator", "ones")},
            "means": means,
            "curves": curves,
            "steps": steps,
            "value": means[0],
            "generator_loss": means[1],
            "fake": _held_inside(out["fake"]),
            "real": _held_inside(real),
            "curve_step": (steps + past).clamp(min=0),
            "curve_value": curves[0],
            "curve_loss": curves[1],
            "diverged": 1 - (losses.abs() <= DIVERGED).all().to(losses.dtype),
        }

    return Graph(
        step,
        {"generator_rate": learning_rate, "discriminator_rate": learning_rate, "saturating": 0.0},
        noise={
            "which": uniform(batch_size),
            "spread": normal(batch_size, 2),
            "z": normal(2, batch_size, 2),
            **{f"{name}_weights": uniform(n, redraw="reset") for name, n in sizes.items()},
        },
        state={
            **{name: torch.zeros(3, n) for name, n in sizes.items()},
            "ones": torch.zeros(2),
            "means": torch.zeros(2),
            "curves": torch.zeros(2, _POINTS),
            "steps": torch.tensor(0.0),
        },
        steps_per_tick=steps_per_tick,
    )


def plane_field(gan: Graph, *, hidden: int = 64, size: int = 32) -> Graph:
    """Make the graph of D(x) on a grid of the plane, and have `gan` keep it up to date.

    Its one output is ``field``, (size * size,), from the upper left corner row by row, for a
    `live.Cloud`.

    Args:
        gan: what `plane_gan` made, with the same `hidden`.
        hidden: units of each hidden layer.
        size: points along either side.
    """
    discriminator = plane_networks(hidden)[1]
    middle = EXTENT * (1 - 1 / size)  # of the outermost pixels
    axis = torch.linspace(-middle, middle, size)
    y, x = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    points = torch.stack([x, y], -1).reshape(-1, 2)

    def field(weights):
        parameters = named_parameters(discriminator, weights[0])
        logits = functional_call(discriminator, parameters, (points.to(weights),))
        return {"field": logits.sigmoid()}

    graph = Graph(field, {"weights": gan.outputs["discriminator"]})
    gan.drive(graph, weights="discriminator")
    return graph


def _held_inside(points: Tensor) -> Tensor:
    """Move what left the picture to its edge, and what is nowhere to a corner."""
    return torch.where(points.isnan(), EXTENT, points).clamp(-EXTENT, EXTENT)
