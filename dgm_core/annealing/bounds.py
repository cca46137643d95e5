"""What the walks weigh: log p(x) from below and, where the model made x, from above."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from dgm_core import checks
from dgm_core.annealing.plan import Annealing, plan_annealing, walk_temperatures
from dgm_core.objectives import log_mean_exp
from dgm_core.vae import VAE


class Sandwich(NamedTuple):
    """Examples that a model made itself, and log p(x) of each between two bounds.

    Attributes:
        x: (B, pixels).
        lower: (B,), in nats, at most log p(x) on average.
        upper: (B,), in nats, at least log p(x) on average.
    """

    x: Float[Tensor, " batch event"]
    lower: Float[Tensor, " batch"]
    upper: Float[Tensor, " batch"]


@torch.no_grad()
def annealed_log_weights(
    vae: VAE, x: Float[Tensor, " batch event"], plan: Annealing, chains: int = 16
) -> Float[Tensor, " chains batch"]:
    r"""Walk from the start to p(x, z), and return the logarithms of the weights.

    A weight is an unbiased estimate of p(x), whatever the temperatures and the steps, so
    `estimators.log_marginal_likelihood` of them is at most log p(x) on average: a *stochastic
    lower bound*. With slower annealing it is tighter.

    Args:
        vae: the model; its encoder isn't used.
        x: (B, pixels); ``chains * B`` rows go through the decoder at once.
        plan: from `plan_annealing`, for these examples.
        chains: independent walks for each example.

    Returns:
        (chains, B), in nats.

    Raises:
        ValueError: the plan is for another number of examples.

    References:
        Neal (2001), Annealed importance sampling; Wu et al. (2017), On the Quantitative Analysis
        of Decoder-Based Generative Models.

    Example:
        >>> from dgm_core.annealing import inverse_temperatures, plan_annealing
        >>> from dgm_core.estimators import log_marginal_likelihood
        >>> from dgm_core.vae import linear_vae
        >>> _ = torch.manual_seed(0)
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> x = torch.ones(1, 1)
        >>> plan = plan_annealing(vae, x, inverse_temperatures(50))
        >>> log_w = annealed_log_weights(vae, x, plan, chains=500)
        >>> off = log_marginal_likelihood(log_w) - vae.decoder.marginal().log_prob(x)
        >>> off.abs().item() < 0.1
        True
    """
    _check(x, plan)
    z = plan.start.rsample((chains,))
    return walk_temperatures(vae, x, z, plan, range(len(plan.betas) - 1))


@torch.no_grad()
def reversed_log_weights(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    z: Float[Tensor, " batch latent"],
    plan: Annealing,
    chains: int = 16,
) -> Float[Tensor, " chains batch"]:
    r"""Walk back from an exact draw of the posterior to the start: weights for an upper bound.

    The walk is that of `annealed_log_weights` in reverse, and 1/w is an unbiased estimate of
    1/p(x). So `log_marginal_upper_bound` of the weights is at least log p(x) on average.
    Needs a z that *is* a draw from p(z|x): the one that x was made from.

    Args:
        vae: the model; its encoder isn't used.
        x: (B, pixels), drawn from ``vae.decoder(z)``.
        z: (B, D), drawn from the prior.
        plan: from `plan_annealing`, for these examples.
        chains: walks for each example, all from the same z.

    Returns:
        (chains, B), in nats.

    Raises:
        ValueError: the plan, or z, is for another number of examples.

    References:
        Grosse et al. (2015), Sandwiching the marginal likelihood using bidirectional Monte Carlo.

    Example:
        >>> from dgm_core.annealing import inverse_temperatures, plan_annealing
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> z = vae.prior.sample((5,))
        >>> x = vae.decoder(z).sample()
        >>> plan = plan_annealing(vae, x, inverse_temperatures(20))
        >>> reversed_log_weights(vae, x, z, plan, chains=3).shape
        torch.Size([3, 5])
    """
    _check(x, plan)
    cure = "the z that each example was made from"
    checks.same_shape(cure, z=z, draws_of_the_start=plan.start.mean)
    return walk_temperatures(
        vae, x, z.expand(chains, *z.shape), plan, range(len(plan.betas) - 2, -1, -1)
    )


def log_marginal_upper_bound(
    log_weights: Float[Tensor, " chains *batch"],
) -> Float[Tensor, " *batch"]:
    r"""Return :math:`-\log \frac1C \sum_c 1 / w_c` of weights that were collected backwards.

    Args:
        log_weights: (C, ...), in nats, of `reversed_log_weights`.

    Returns:
        (...), in nats, at least log p(x) on average.

    References:
        Grosse et al. (2015), Sandwiching the marginal likelihood using bidirectional Monte Carlo.

    Example:
        >>> log_marginal_upper_bound(torch.tensor([1.0, 3.0]).log())  # log 1.5
        tensor(0.4055)
    """
    return -log_mean_exp(-log_weights)


@torch.no_grad()
def sandwich(
    vae: VAE,
    num_examples: int,
    betas: Float[Tensor, " temperatures"],
    chains: int = 16,
    leapfrogs: int = 10,
    make_start: Callable[[Tensor], Distribution] | None = None,
) -> Sandwich:
    """Draw examples from the model itself, and bound log p(x) of each from both sides.

    How far the two are apart says how much annealing of this length misses, at most and on
    average. For real digits there is the lower bound alone; that it misses as little there is
    then a guess, good where the model's digits resemble them.

    Args:
        vae: the model; its encoder isn't used.
        num_examples: B.
        betas: from `inverse_temperatures`, (T + 1,).
        chains: walks for each example in either direction, and to choose the steps.
        leapfrogs: most leapfrog steps in a proposal.
        make_start: from the examples, (B, pixels), to where walks begin, for instance
            ``lambda x: refit_proposal(vae, x)``; the prior if None.

    Returns:
        The `Sandwich`.

    References:
        Grosse et al. (2015), Sandwiching the marginal likelihood using bidirectional Monte Carlo;
        Wu et al. (2017), On the Quantitative Analysis of Decoder-Based Generative Models.

    Example:
        >>> from dgm_core.annealing import inverse_temperatures
        >>> from dgm_core.vae import linear_vae
        >>> _ = torch.manual_seed(0)
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> x, lower, upper = sandwich(vae, 100, inverse_temperatures(50))
        >>> exact = vae.decoder.marginal().log_prob(x)
        >>> (lower.mean() < exact.mean() < upper.mean()).item()
        True
        >>> (upper - lower).mean().item() < 0.1
        True
    """
    z = vae.prior.sample((num_examples,))
    x = vae.decoder(z).sample()
    start = None
    if make_start is not None:
        with torch.enable_grad():  # it may be fitted
            start = make_start(x)
    plan = plan_annealing(vae, x, betas, chains, start, leapfrogs)
    lower = log_mean_exp(annealed_log_weights(vae, x, plan, chains))
    return Sandwich(
        x, lower, log_marginal_upper_bound(reversed_log_weights(vae, x, z, plan, chains))
    )


def _check(x: Tensor, plan: Annealing) -> None:
    examples = plan.step_sizes.shape[1]
    if len(x) != examples:
        raise ValueError(f"x has {len(x)} examples, and the plan was made for {examples}")
