"""Training steps of the models on the plane as pure functions, which a page can run whole."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value

from dgm_core.flows import Flow
from dgm_core.gan import Discriminator, Generator
from dgm_core.objectives import (
    discriminator_loss,
    minimax_generator_loss,
    nonsaturating_generator_loss,
)
from dgm_core.training import adam_step, named_parameters, parameter_vector


def gan_step(
    generator: Generator,
    discriminator: Discriminator,
    state: Mapping[str, Tensor],
    real: Float[Tensor, " batch event"],
    z: Float[Tensor, " 2 batch latent"],
    generator_rate: Float[Tensor, ""] | float,
    discriminator_rate: Float[Tensor, ""] | float,
    saturating: Float[Tensor, ""],
    betas: tuple[float, float] = (0.5, 0.999),
) -> dict[str, Tensor]:
    """Train the discriminator on one batch, then the generator against the new discriminator.

    Args:
        generator: gives the architecture, without batch normalisation and dropout; its numbers
            are not used.
        discriminator: likewise.
        state: "generator" and "discriminator", (3, P) each, from `adam_state`, and "ones", (2,),
            zeros at the start.
        real: examples of the data, (B, event).
        z: standard normal noise, (2, B, latent): for the discriminator's step and for the
            generator's.
        generator_rate: learning rate of the generator's Adam.
        discriminator_rate: learning rate of the discriminator's.
        saturating: above 0.5, the generator minimises log(1 - D), else -log D.
        betas: of both Adams.

    Returns:
        The new "generator", "discriminator" and "ones"; "discriminator_loss", minus the value of
        the game, and "generator_loss", means over the batch in nats, both before their own update;
        "fake", what the generator made of ``z[1]`` before its update, (B, event).

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, algorithm 1 with k = 1; betas from
        Radford et al. (2016), DCGAN, section 4.
    """
    generator_parameters = named_parameters(generator, state["generator"][0])
    fake = functional_call(generator, generator_parameters, (z[0],))

    def loss_of_discriminator(parameters):
        logits = functional_call(discriminator, parameters, (torch.cat([real, fake]),))
        return discriminator_loss(*logits.chunk(2)).mean()

    def loss_of_generator(parameters):
        made = functional_call(generator, parameters, (z[1],))
        logits = functional_call(discriminator, opponent, (made,))
        minimax, other = minimax_generator_loss(logits), nonsaturating_generator_loss(logits)
        return torch.where(saturating > 0.5, minimax.mean(), other.mean()), made

    gradient, loss_d = grad_and_value(loss_of_discriminator)(
        named_parameters(discriminator, state["discriminator"][0])
    )
    discriminator_state, ones = adam_step(
        state["discriminator"],
        parameter_vector(gradient),
        state["ones"],
        discriminator_rate,
        betas,
    )
    opponent = named_parameters(discriminator, discriminator_state[0])
    gradient, (loss_g, made) = grad_and_value(loss_of_generator, has_aux=True)(
        generator_parameters
    )
    generator_state, _ = adam_step(
        state["generator"], parameter_vector(gradient), state["ones"], generator_rate, betas
    )
    return {
        "generator": generator_state,
        "discriminator": discriminator_state,
        "ones": ones,
        "discriminator_loss": loss_d,
        "generator_loss": loss_g,
        "fake": made,
    }


class _NegativeLogLikelihood(nn.Module):
    """The loss of a flow as a module's forward, which is what ``functional_call`` calls."""

    def __init__(self, flow: Flow):
        super().__init__()
        self.flow = flow

    def forward(self, x: Tensor) -> Tensor:
        return -self.flow.log_prob(x).mean()


def flow_step(
    flow: Flow,
    state: Mapping[str, Tensor],
    x: Float[Tensor, " batch event"],
    learning_rate: Float[Tensor, ""] | float,
    betas: tuple[float, float] = (0.9, 0.999),
) -> dict[str, Tensor]:
    """Take one step of maximum likelihood with Adam.

    Args:
        flow: gives the architecture; the numbers of its parameters are not used.
        state: "flow", (3, P), from `adam_state`, and "ones", (2,), zeros at the start.
        x: examples of the data, (B, event).
        learning_rate: of this step.
        betas: of Adam.

    Returns:
        The new "flow" and "ones"; "loss", the mean of -log p(x) over the batch before the
        update, in nats.

    References:
        Rezende and Mohamed (2015), Variational Inference with Normalizing Flows, eq. 7.
    """
    loss = _NegativeLogLikelihood(flow)
    parameters = named_parameters(loss, state["flow"][0])
    gradient, value = grad_and_value(lambda p: functional_call(loss, p, (x,)))(parameters)
    new, ones = adam_step(
        state["flow"], parameter_vector(gradient), state["ones"], learning_rate, betas
    )
    return {"flow": new, "ones": ones, "loss": value}
