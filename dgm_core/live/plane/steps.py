"""Training steps of the models on the plane as pure functions, which a page can run whole."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core.diffusion import TimeMLP, flow_matching_loss
from dgm_core.flows import Flow
from dgm_core.gan import Discriminator, Generator
from dgm_core.objectives import discriminator_loss, nonsaturating_generator_loss
from dgm_core.training import adam_descent, named_parameters, with_parameters

Rate = Float[Tensor, ""] | float


def gan_step(
    generator: Generator,
    discriminator: Discriminator,
    state: Mapping[str, Tensor],
    real: Float[Tensor, " batch event"],
    z: Float[Tensor, " 2 batch latent"],
    learning_rates: tuple[Rate, Rate] = (1e-3, 1e-3),
    generator_loss: Callable[[Tensor], Tensor] = nonsaturating_generator_loss,
) -> dict[str, Tensor]:
    """Train the discriminator on one batch, then the generator against the new discriminator.

    It is a step of `training.play`, with the same Adam, as a pure function.

    Args:
        generator: gives the architecture, without batch normalisation and dropout; its numbers
            are not used.
        discriminator: likewise.
        state: "generator" and "discriminator", (3, P) each, from `adam_state`, and "ones", (2,),
            zeros at the start.
        real: examples of the data, (B, event).
        z: standard normal noise, (2, B, latent): for the discriminator's step and for the
            generator's.
        learning_rates: of the discriminator's Adam and of the generator's.
        generator_loss: from logits of generated examples, (B,), to what the generator minimises.

    Returns:
        The new "generator", "discriminator" and "ones"; "discriminator_loss", minus the value of
        the game, and "generator_loss", means over the batch in nats, both before their own update;
        "fake", what the generator made of ``z[1]`` before its update, (B, event).

    Example:
        >>> from dgm_core.training import adam_state
        >>> options = {"batch_norm": False, "dropout": 0.0}
        >>> G = Generator(2, (4,), 2, bounded=False, **options)
        >>> D = Discriminator(2, (4,), **options)
        >>> state = {"generator": adam_state(G), "discriminator": adam_state(D)}
        >>> real, z = torch.randn(8, 2), torch.randn(2, 8, 2)
        >>> gan_step(G, D, {**state, "ones": torch.zeros(2)}, real, z)["fake"].shape
        torch.Size([8, 2])

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, algorithm 1 with k = 1; betas from
        Radford et al. (2016), DCGAN, section 4.
    """
    betas = 0.5, 0.999
    parameters = named_parameters(generator, state["generator"][0])
    fake = with_parameters(lambda G: G(z[0]), generator, parameters)

    def of_discriminator(D):
        logits = D(torch.cat([real, fake]))
        return discriminator_loss(*logits.chunk(2)).mean(), {}

    def of_generator(G):
        made = G(z[1])
        logits = with_parameters(lambda D: D(made), discriminator, opponent)
        return generator_loss(logits).mean(), {"fake": made}

    discriminator_state, ones, loss_d, _ = adam_descent(
        of_discriminator,
        discriminator,
        state["discriminator"],
        state["ones"],
        learning_rates[0],
        betas,
    )
    opponent = named_parameters(discriminator, discriminator_state[0])
    generator_state, _, loss_g, rest = adam_descent(
        of_generator, generator, state["generator"], state["ones"], learning_rates[1], betas
    )
    return {
        "generator": generator_state,
        "discriminator": discriminator_state,
        "ones": ones,
        "discriminator_loss": loss_d,
        "generator_loss": loss_g,
        **rest,
    }


def flow_step(
    flow: Flow,
    state: Mapping[str, Tensor],
    x: Float[Tensor, " batch event"],
    learning_rate: Rate,
) -> dict[str, Tensor]:
    """Take one step of maximum likelihood with Adam.

    Args:
        flow: gives the architecture; the numbers of its parameters are not used.
        state: "flow", (3, P), from `adam_state`, and "ones", (2,), zeros at the start.
        x: examples of the data, (B, event).
        learning_rate: of this step.

    Returns:
        The new "flow" and "ones"; "loss", the mean of -log p(x) over the batch before the
        update, in nats.

    References:
        Rezende and Mohamed (2015), Variational Inference with Normalizing Flows, eq. 7.
    """
    new, ones, loss, _ = adam_descent(
        lambda flow: (-flow.log_prob(x).mean(), {}),
        flow,
        state["flow"],
        state["ones"],
        learning_rate,
    )
    return {"flow": new, "ones": ones, "loss": loss}


def matching_step(
    velocity: TimeMLP,
    state: Mapping[str, Tensor],
    x: Float[Tensor, " batch event"],
    time: Float[Tensor, " batch"],
    noise: Float[Tensor, " batch event"],
    learning_rate: Rate,
) -> dict[str, Tensor]:
    """Take one step of conditional flow matching on straight lines with Adam.

    Args:
        velocity: gives the architecture; the numbers of its parameters are not used.
        state: "velocity", (3, P), from `adam_state`, and "ones", (2,), zeros at the start.
        x: examples of the data, (B, event).
        time: uniform on [0, 1), (B,).
        noise: standard normal, (B, event).
        learning_rate: of this step.

    Returns:
        The new "velocity" and "ones"; "loss", the mean over the batch before the update, in
        squared units of x.

    References:
        Lipman et al. (2023), Flow Matching for Generative Modeling, eq. 23.
    """
    new, ones, loss, _ = adam_descent(
        lambda velocity: (flow_matching_loss(velocity, x, time, noise).mean(), {}),
        velocity,
        state["velocity"],
        state["ones"],
        learning_rate,
    )
    return {"velocity": new, "ones": ones, "loss": loss}
