"""Estimates of what cannot be computed: log p(x), and how far an estimate can be trusted."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Independent, Normal

from dgm_core import checks
from dgm_core.objectives import log_mean_exp, log_weights
from dgm_core.vae import VAE


def log_marginal_likelihood(
    log_weights: Float[Tensor, " samples *batch"],
) -> Float[Tensor, " *batch"]:
    r"""Estimate log p(x) as :math:`\log \frac1S \sum_s w_s`.

    The mean of the weights is unbiased for p(x); its logarithm is too low on average (Jensen).

    Args:
        log_weights: (S, ...), in nats, over independent draws on the leading axis.

    Returns:
        (...), in nats.

    Raises:
        ValueError: there are no weights.

    References:
        Owen (2013), Monte Carlo theory, methods and examples, chapter 9.

    Example:
        >>> log_marginal_likelihood(torch.tensor([1.0, 3.0]).log())  # log 2
        tensor(0.6931)
    """
    return log_mean_exp(log_weights)


def effective_sample_size(
    log_weights: Float[Tensor, " samples *batch"],
) -> Float[Tensor, " *batch"]:
    r"""Number of equal weights that would do as well, :math:`(\sum w)^2 / \sum w^2`.

    Args:
        log_weights: (S, ...), in nats; adding a constant changes nothing.

    Returns:
        (...), from 1 (one weight has it all) to S (all equal).

    Raises:
        ValueError: there are no weights, or a single number.

    References:
        Kong (1992), A note on importance sampling using standardized weights.

    Example:
        >>> effective_sample_size(torch.tensor([-1000.0, -1000.0, -1000.0, -2000.0]))
        tensor(3.0000)
    """
    checks.rows("log_weights", log_weights, "draw at least one, on the leading axis")
    return (2 * log_weights.logsumexp(0) - (2 * log_weights).logsumexp(0)).exp()


@torch.no_grad()
def importance_log_likelihood(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    num_samples: int,
    chunk_size: int = 4000,
    proposal: Independent | None = None,
) -> Float[Tensor, " batch"]:
    """Estimate log p(x) by importance sampling, with the encoder or another proposal.

    How much is missed depends on the proposal, and p(x) doesn't: compare models only with a
    proposal that was fitted to each of them; see `proposals`.

    Args:
        vae: the model.
        x: (B, pixels).
        num_samples: draws of z for each example.
        chunk_size: rows (draws times examples) that the decoder sees at once; it bounds the
            memory, and changes the result only by other draws.
        proposal: independent normals from which to draw z, batch shape (B,), event shape (D,), in
            the order of `x`; if None, what the encoder says.

    Returns:
        (B,), in nats, without gradient; an estimate that is too low on average.

    Raises:
        ValueError: `num_samples` or `chunk_size` is less than 1, or `proposal` is for another
            number of examples.

    References:
        Rezende et al. (2014), Stochastic Backpropagation, appendix E;
        Burda et al. (2016), Importance Weighted Autoencoders, section 5.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> x = torch.ones(1, 1)
        >>> importance_log_likelihood(vae, x, num_samples=10)
        tensor([-1.8237])
        >>> vae.decoder.marginal().log_prob(x).detach()
        tensor([-1.8237])
    """
    if num_samples < 1 or chunk_size < 1:
        raise ValueError(
            f"num_samples is {num_samples} and chunk_size is {chunk_size}; both start at 1"
        )
    if proposal is not None and proposal.batch_shape != x.shape[:1]:
        raise ValueError(
            f"the proposal is for {list(proposal.batch_shape)} examples, not {len(x)}"
        )
    samples_at_once = min(num_samples, chunk_size)
    examples_at_once = chunk_size // samples_at_once
    totals = []
    for start in range(0, max(len(x), 1), examples_at_once):  # none make no results, in a shape
        rows, total = slice(start, start + examples_at_once), None
        q = None if proposal is None else _rows(proposal, rows)
        for first in range(0, num_samples, samples_at_once):
            size = min(samples_at_once, num_samples - first)
            log_sum = log_weights(vae, x[rows], size, proposal=q).logsumexp(0)
            total = log_sum if total is None else total.logaddexp(log_sum)
        totals.append(total)
    return torch.cat(totals) - math.log(num_samples)


def _rows(q: Independent, rows: slice) -> Independent:
    normal = Normal(q.mean[rows], q.stddev[rows], validate_args=False)
    return Independent(normal, 1, validate_args=False)


def mean_and_standard_error(values: Float[Tensor, " ..."]) -> tuple[float, float]:
    """Return the mean of independent values and its standard error.

    Args:
        values: any shape, at least two values.

    Returns:
        The mean, and the sample standard deviation over the root of the number of values.

    Raises:
        ValueError: fewer than two values.

    Example:
        >>> mean, error = mean_and_standard_error(torch.tensor([1.0, 2.0, 3.0]))
        >>> round(mean, 4), round(error, 4)
        (2.0, 0.5774)
    """
    if values.numel() < 2:
        raise ValueError("a standard error needs at least two values")
    values = values.detach().double()
    return values.mean().item(), values.std().item() / math.sqrt(values.numel())
