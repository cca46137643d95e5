"""The posterior of a latent variable of one or two dimensions, by quadrature on a grid.

Where a grid can cover the prior, nothing has to be estimated: log p(x), the posterior, the ELBO of
any q and its gap are sums.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from dgm_core import checks

_AT_POINTS = "one value for each point of the grid, on the last axis"


class Grid(NamedTuple):
    """Points of the latent space, all at one distance from the next, and the prior's mass at each.

    Attributes:
        points: (G, D).
        log_prior: logarithm of the prior's density times the volume of a cell, (G,), in nats.
    """

    points: Float[Tensor, " points latent"]
    log_prior: Float[Tensor, " points"]

    def to(self, like: Tensor) -> "Grid":
        """Return the same grid with the type and on the device of a tensor.

        Args:
            like: any shape, (...,).
        """
        return Grid(self.points.to(like), self.log_prior.to(like))


class OnGrid(NamedTuple):
    """The posterior on a grid.

    Attributes:
        log_p: log p(x), (...), in nats.
        mass: posterior probability of each cell, (..., G), which sums to 1.
    """

    log_p: Float[Tensor, " *batch"]
    mass: Float[Tensor, " *batch points"]


class Division(NamedTuple):
    """What log p(x) consists of: ``elbo + gap``.

    Attributes:
        elbo: (...), in nats.
        gap: KL(q || posterior), (...), in nats, never negative.
    """

    elbo: Float[Tensor, " *batch"]
    gap: Float[Tensor, " *batch"]


def latent_grid(latent_dim: int, per_axis: int, limit: float = 5.0) -> Grid:
    """Lay a grid over the standard normal prior, as far out on each axis as `limit`.

    Beyond 5 lies less than a millionth of the prior in each dimension. With a smooth decoder, a
    normal posterior is integrated to 8 digits where its width is at least the distance of two
    points, and to 1 per cent where it is half of that; a ReLU's kinks leave an error of the
    distance squared. Whether a grid is fine enough for a model tells one of twice the points.

    Args:
        latent_dim: D, 1 or 2.
        per_axis: points on an axis, at least 2; there are per_axis ** D in all. In two dimensions
            the second coordinate changes first, as in ``points.view(per_axis, per_axis, 2)``.
        limit: from -limit to limit.

    Returns:
        The `Grid`, in float32; ``grid.to(x)`` has the type and the device of x.

    Raises:
        ValueError: D is neither 1 nor 2, there are too few points, or no room for them.

    References:
        Trefethen and Weideman (2014), The Exponentially Convergent Trapezoidal Rule, section 5.

    Example:
        >>> grid = latent_grid(latent_dim=2, per_axis=41)
        >>> grid.points.shape, round(grid.log_prior.exp().sum().item(), 5)
        (torch.Size([1681, 2]), 1.0)
    """
    if latent_dim not in (1, 2) or per_axis < 2:
        raise ValueError(
            f"latent_dim is {latent_dim}, 1 or 2; per_axis is {per_axis}, at least 2: a grid of "
            "three dimensions or more has too many points"
        )
    checks.positive("from -limit to limit", limit=limit)
    axis = torch.linspace(-limit, limit, per_axis, dtype=torch.float64)
    points = torch.cartesian_prod(*[axis] * latent_dim).view(-1, latent_dim)
    cell = math.log(2 * limit / (per_axis - 1)) - 0.5 * math.log(2 * math.pi)
    log_prior = latent_dim * cell - 0.5 * points.square().sum(1)
    return Grid(points.float(), log_prior.float())


def log_likelihood_on_grid(
    decoder: Callable[[Tensor], Distribution],
    x: Float[Tensor, " batch event"],
    grid: Grid,
    chunk_size: int = 4000,
) -> Float[Tensor, " batch points"]:
    """Return log p(x|z) of each example at each point.

    Args:
        decoder: from z, (..., D), to p(x|z), for instance ``vae.decoder``.
        x: (B, pixels).
        grid: of `latent_grid`, with the decoder's number of dimensions.
        chunk_size: rows (points times examples) at once; it bounds the memory and changes nothing
            else.

    Returns:
        (B, G), in nats.

    Raises:
        ValueError: `chunk_size` is less than 1.

    Example:
        >>> from dgm_core.vae import mlp_vae
        >>> vae, grid = mlp_vae(latent_dim=2), latent_grid(2, per_axis=11)
        >>> log_likelihood_on_grid(vae.decoder, torch.zeros(3, 784), grid).shape
        torch.Size([3, 121])
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}; it starts at 1")
    parts = grid.points.split(max(1, chunk_size // max(1, len(x))))
    return torch.cat([decoder(z[:, None]).log_prob(x) for z in parts]).T


def weigh_grid(log_likelihood: Float[Tensor, " *batch points"], grid: Grid) -> OnGrid:
    """Apply Bayes' rule on a grid: likelihood times prior, divided by its sum.

    Apart from `posterior_on_grid` so that a live figure can bring log-likelihoods which cost
    less: for Bernoulli pixels they are one matrix product with a table of logits.

    Args:
        log_likelihood: log p(x|z) at the points, (..., G), in nats.
        grid: of `latent_grid`.

    Returns:
        The posterior, as `OnGrid`.

    Raises:
        ValueError: not one log-likelihood a point.

    Example:
        >>> grid = latent_grid(1, per_axis=201)
        >>> nothing_learned = weigh_grid(torch.full((201,), -1.5), grid)
        >>> nothing_learned.log_p
        tensor(-1.5000)
        >>> torch.allclose(nothing_learned.mass, grid.log_prior.exp())
        True
    """
    checks.last("log_likelihood", log_likelihood, len(grid.points), _AT_POINTS)
    log_joint = log_likelihood + grid.log_prior
    return OnGrid(log_joint.logsumexp(-1), log_joint.softmax(-1))


@torch.no_grad()
def posterior_on_grid(
    decoder: Callable[[Tensor], Distribution],
    x: Float[Tensor, " batch event"],
    grid: Grid,
    chunk_size: int = 4000,
) -> OnGrid:
    """Compute log p(x) and the posterior p(z|x) by quadrature, with no encoder and no draws.

    Args:
        decoder: from z, (..., D), to p(x|z), for instance ``vae.decoder``; the prior of z is the
            standard normal.
        x: (B, pixels).
        grid: of `latent_grid`, with the decoder's number of dimensions.
        chunk_size: rows (points times examples) at once; it bounds the memory and changes nothing
            else.

    Returns:
        log p(x), (B,), in nats, and the posterior mass of each cell, (B, G), without gradient.

    Raises:
        ValueError: `chunk_size` is less than 1.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> x, grid = torch.tensor([[5.0]]), latent_grid(1, per_axis=101)
        >>> log_p, mass = posterior_on_grid(vae.decoder, x, grid)
        >>> log_p, mass @ grid.points  # its mean
        (tensor([-4.2237]), tensor([[2.]]))
        >>> vae.decoder.marginal().log_prob(x).detach()
        tensor([-4.2237])
    """
    return weigh_grid(log_likelihood_on_grid(decoder, x, grid, chunk_size), grid)


def divide_on_grid(
    log_q: Float[Tensor, " *#batch points"],
    log_likelihood: Float[Tensor, " *#batch points"],
    grid: Grid,
) -> Division:
    r"""Divide log p(x) into the ELBO of a q and its gap, KL(q || posterior), by sums.

    q is made to sum to 1 on the grid first. So the two add up to the grid's log p(x), however
    coarse it is; but they are those of the q that was meant only where the grid is finer than q is
    wide.

    Args:
        log_q: log-density of q at the points, (..., G), in nats, but for a constant.
        log_likelihood: log p(x|z) at the points, (..., G), in nats; the two broadcast.
        grid: of `latent_grid`.

    Returns:
        The `Division`.

    Raises:
        ValueError: not one value of both a point.

    Example:
        >>> grid = latent_grid(1, per_axis=201)
        >>> likelihood = torch.distributions.Normal(2 * grid.points[:, 0], 1.0)
        >>> log_lik = likelihood.log_prob(torch.ones(()))
        >>> prior = grid.log_prior  # taken for q: the ELBO is its mean log-likelihood
        >>> elbo, gap = divide_on_grid(prior, log_lik, grid)
        >>> elbo, elbo + gap, weigh_grid(log_lik, grid).log_p
        (tensor(-3.4189), tensor(-1.8237), tensor(-1.8237))
    """
    for name, value in (("log_q", log_q), ("log_likelihood", log_likelihood)):
        checks.last(name, value, len(grid.points), _AT_POINTS)
    log_q, log_joint = log_q.log_softmax(-1), log_likelihood + grid.log_prior
    elbo = (log_q.exp() * (log_joint - log_q)).sum(-1)
    gap = (log_q.exp() * (log_q - log_joint.log_softmax(-1))).sum(-1)
    return Division(elbo, gap)
