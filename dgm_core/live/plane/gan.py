"""A GAN on the plane that trains in the reader's browser, a whole step a run of its graph."""

import torch

from dgm_core.gan import Discriminator, Generator
from dgm_core.live import Graph, normal
from dgm_core.live.plane.scene import grid, held_inside, training_graph
from dgm_core.live.plane.steps import gan_step
from dgm_core.objectives import minimax_generator_loss, nonsaturating_generator_loss
from dgm_core.targets import Ring
from dgm_core.training import named_parameters, with_parameters


def plane_networks(hidden: int = 64) -> tuple[Generator, Discriminator]:
    """Make the networks of the plane: 2 -> hidden -> hidden -> 2 and 2 -> hidden -> hidden -> 1.

    Args:
        hidden: units of each hidden layer.
    """
    options = {"batch_norm": False, "dropout": 0.0}
    generator = Generator(2, (hidden, hidden), 2, bounded=False, **options)
    return generator, Discriminator(2, (hidden, hidden), **options)


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
    (0 or 1). Among its outputs are, beside those of `scene.training_graph`: ``fake``,
    (batch_size, 2), held inside of the drawn plane; ``value`` and ``generator_loss``, running
    means in nats, with ``curve_value`` and ``curve_loss``, their past; ``discriminator``, for
    `plane_field`.

    Args:
        ring: the data; eight Gaussians by default.
        batch_size: examples a step, real and generated.
        hidden: units of each hidden layer.
        learning_rate: both rates, to begin with.
        steps_per_tick: training steps between two drawings, to begin with.

    Example:
        >>> gan = plane_gan(batch_size=16, hidden=4)
        >>> gan.ticks += 1  # what the player does
        >>> gan.outputs["steps"], gan.outputs["fake"].shape
        (array(4., dtype=float32), (16, 2))
    """
    generator, discriminator = plane_networks(hidden)

    def step(state, real, generator_rate, discriminator_rate, saturating, z):
        def loss(logits):
            both = minimax_generator_loss(logits), nonsaturating_generator_loss(logits)
            return torch.where(saturating > 0.5, *both)

        rates = discriminator_rate, generator_rate
        out = gan_step(generator, discriminator, state, real, z, rates, loss)
        value = -out.pop("discriminator_loss")
        return out | {"value": value, "fake": held_inside(out["fake"])}

    return training_graph(
        {"generator": generator, "discriminator": discriminator},
        step,
        {"value": "curve_value", "generator_loss": "curve_loss"},
        ring or Ring(),
        {"generator_rate": learning_rate, "discriminator_rate": learning_rate, "saturating": 0.0},
        batch_size=batch_size,
        noise={"z": normal(2, batch_size, 2)},
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

    Example:
        >>> gan = plane_gan(batch_size=16, hidden=4)
        >>> field = plane_field(gan, hidden=4, size=8).outputs["field"]
        >>> field.shape, bool(0 < field.min() <= field.max() < 1)  # probabilities of being real
        ((64,), True)
    """
    discriminator = plane_networks(hidden)[1]
    points = grid(size)

    def field(weights):
        parameters = named_parameters(discriminator, weights[0])
        logits = with_parameters(lambda D: D(points.to(weights)), discriminator, parameters)
        return {"field": logits.sigmoid()}

    graph = Graph(field, {"weights": gan.outputs["discriminator"]})
    gan.drive(graph, weights="discriminator")
    return graph
