"""Importance weights of draws of z, and the mean of what is known by its logarithm."""

import math

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from dgm_core import checks
from dgm_core.distributions import from_noise
from dgm_core.vae import VAE


def log_mean_exp(values: Float[Tensor, " samples *batch"]) -> Float[Tensor, " *batch"]:
    r"""Return :math:`\log \frac1S \sum_s e^{v_s}` over the leading axis, without overflow.

    Args:
        values: (S, ...), logarithms of what is averaged.

    Returns:
        (...).

    Raises:
        ValueError: nothing to average, or a single number.

    Example:
        >>> log_mean_exp(torch.tensor([0.8, 0.2]).log()).exp()
        tensor(0.5000)
    """
    checks.rows("values", values, "a mean needs something to average, on the leading axis")
    return values.logsumexp(0) - math.log(len(values))


def log_weights(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    num_samples: int,
    noise: Float[Tensor, " samples batch latent"] | None = None,
    proposal: Distribution | None = None,
) -> Float[Tensor, " samples batch"]:
    r"""Importance weights :math:`\log w = \log p(x, z) - \log q(z \mid x)`, z drawn from q.

    Args:
        vae: the model.
        x: (B, pixels).
        num_samples: draws of z for each example.
        noise: standard normal numbers that the draws are made of, (num_samples, B, D); drawn here
            if None. With it the function is pure, as a live figure has to be.
        proposal: from which to draw z, batch shape (B,), event shape (D,); what the encoder says
            if None.

    Returns:
        (num_samples, B), in nats; differentiable through z.

    Raises:
        ValueError: `num_samples` is less than 1, `noise` has another shape, or `proposal` is for
            another number of examples; or as `distributions.GreyBernoulli.log_prob`, for pixels
            out of range.

    References:
        Burda et al. (2016), Importance Weighted Autoencoders, eq. 8.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> log_weights(vae, torch.ones(1, 1), num_samples=3).detach()  # exact: each is log p(x)
        tensor([[-1.8237],
                [-1.8237],
                [-1.8237]])
    """
    if proposal is not None and proposal.batch_shape != x.shape[:-1]:
        raise ValueError(
            f"the proposal is for {checks.sizes(proposal.batch_shape)} examples, and x has "
            f"{checks.sizes(x.shape[:-1])}: give it one distribution an example, in their order"
        )
    q = vae.encoder(x) if proposal is None else proposal
    z = draws_of(q, num_samples, noise)  # (S, B, D)
    return vae.decoder(z).log_prob(x) + vae.prior.log_prob(z) - q.log_prob(z)


def draws_of(q: Distribution, num_samples: int, noise: Tensor | None) -> Tensor:
    """Draw from a distribution, or make the draws of noise that is given.

    Args:
        q: batch shape (B,), event shape (D,).
        num_samples: how many draws of each, S.
        noise: standard normal numbers that the draws are made of, (S, B, D); drawn here if None.

    Returns:
        (S, B, D).

    Raises:
        ValueError: no draw, or noise of another shape.
    """
    checks.at_least(1, "an expectation needs a draw", num_samples=num_samples)
    shape = (num_samples, *q.batch_shape, *q.event_shape)
    if noise is None:
        return q.rsample(shape[:1])
    if noise.shape != shape:
        raise ValueError(f"noise is {tuple(noise.shape)}; {num_samples} draws take {shape}")
    return from_noise(q, noise)
