"""Masked discrete diffusion of binary images: noise that hides, and a bound over all orders.

A model here is a function from x, (B, D) with 0 in place of what is hidden, and what is known,
(B, D) of 0. and 1., to a logit a dimension, (B, D).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from dgm_core import checks

#: See the module.
Unmasker = Callable[[Tensor, Tensor], Tensor]


_BITS = "draw bits, by data.binarize"


def _log_probs(logits: Tensor, x: Tensor) -> Tensor:
    """Return the log-probabilities of binary x under independent logits, (B, D)."""
    checks.same_shape("the model returns a logit a dimension", x=x, logits=logits)
    return F.logsigmoid(torch.where(x > 0.5, logits, -logits))


def masked_loss(
    model: Unmasker,
    x: Float[Tensor, " batch event"],
    time: Float[Tensor, " batch"] | None = None,
    uniform: Float[Tensor, " batch event"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Estimate the bound on -log P(x), :math:`\frac1t \sum_{hidden} -\log p(x_d \mid known)`.

    Every dimension is hidden with probability t. Over t uniform on (0, 1] its mean is exactly that
    of `order_loss` over all orders.

    Args:
        model: the `Unmasker`.
        x: zeros and ones, (B, D).
        time: t, from 0, all known, to 1, nothing, (B,); uniform, stratified, and never 0, if None.
        uniform: on [0, 1), decides what is hidden: those below t, (B, D); drawn here if None.

    Returns:
        (B,), in nats.

    Raises:
        ValueError: an x that is not of bits, a time that is not in (0, 1], or shapes that differ.

    References:
        Sahoo et al. (2024), Simple and Effective Masked Diffusion Language Models, eq. 10;
        Shi et al. (2024), Simplified and Generalized Masked Diffusion for Discrete Data.

    Example:
        >>> fair = lambda x, known: torch.zeros_like(x)
        >>> masked_loss(fair, torch.zeros(1, 4), torch.ones(1))  # 4 log 2
        tensor([2.7726])
    """
    if time is None:
        steps = torch.arange(len(x), device=x.device)
        time = (steps + 1 - torch.rand_like(x[:, 0])) / len(x)
    uniform = torch.rand_like(x) if uniform is None else uniform
    checks.whole("x", x, 0, 1, _BITS)
    checks.same_shape("one time an example", x=x[:, 0], time=time)
    checks.above("time", time, 0, "with nothing hidden there is nothing to guess")
    checks.within("time", time, 0, 1, "it is the share that is hidden")
    checks.same_shape("a number for each dimension", x=x, uniform=uniform)
    hidden = (uniform < time[:, None]).to(x.dtype)
    log_prob = _log_probs(model(x * (1 - hidden), 1 - hidden), x)
    return -(hidden * log_prob).sum(1) / time


def order_loss(
    model: Unmasker, x: Float[Tensor, " batch event"], order: Int[Tensor, " batch event"]
) -> Float[Tensor, " batch"]:
    r"""Return -log P(x) of the autoregressive model in a given order, exactly; D passes.

    Args:
        model: the `Unmasker`.
        x: zeros and ones, (B, D).
        order: which dimension is drawn first, second, and so on, a permutation, (B, D).

    Returns:
        (B,), in nats.

    Raises:
        ValueError: an x that is not of bits, or an order that is no permutation of each row's.

    References:
        Uria et al. (2014), A Deep and Tractable Density Estimator; Hoogeboom et al. (2022),
        Autoregressive Diffusion Models.

    Example:
        >>> fair = lambda x, known: torch.zeros_like(x)
        >>> order_loss(fair, torch.zeros(1, 3), torch.tensor([[2, 0, 1]]))  # 3 log 2
        tensor([2.0794])
    """
    checks.whole("x", x, 0, 1, _BITS)
    cure = "a permutation for each example, as order.expand(len(x), -1) does of one for all"
    checks.same_shape(cure, x=x, order=order)
    checks.within("order", order, 0, x.shape[1] - 1, "each dimension once, from 0")
    known, total = torch.zeros_like(x), torch.zeros_like(x[:, 0])
    for next_one in order.T:
        index = next_one[:, None]
        log_prob = _log_probs(model(x * known, known), x)
        total = total - log_prob.gather(1, index)[:, 0]
        known = known.scatter(1, index, 1.0)
    checks.above("what the order leaves out", known, 0, "each dimension once")
    return total


def unmask(
    model: Unmasker,
    x: Float[Tensor, " batch event"],
    known: Float[Tensor, " batch event"],
    num_rounds: int,
    rank: Float[Tensor, " batch event"],
    uniform: Float[Tensor, " batch event"],
) -> Float[Tensor, " batch event"]:
    r"""Draw what is hidden in a number of rounds, each of them all at once given the ones before.

    What is drawn in one round is drawn independently. Its price, as a Kullback-Leibler divergence
    on average, is the total correlation of the round's dimensions given what is known.

    Args:
        model: the `Unmasker`.
        x: zeros and ones where known, anything where not, (B, D).
        known: 1. where x is known, 0. where it is to be drawn, (B, D).
        num_rounds: K, at least 1.
        rank: uniform on [0, 1), in which round a dimension is drawn: the first has those below
            1 / K, (B, D).
        uniform: on [0, 1), the draws, (B, D).

    Returns:
        (B, D), zeros and ones; x where it was known.

    Raises:
        ValueError: no round, or shapes that differ.

    References:
        Chang et al. (2022), MaskGIT, section 3.2, with a random order.

    Example:
        >>> copy = lambda x, known: 20 * (x.sum(1, keepdim=True) > 0).float().expand_as(x) - 10
        >>> x, known = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
        >>> unmask(copy, x, known, 2, torch.rand(1, 3), torch.full((1, 3), 0.5))
        tensor([[1., 1., 1.]])
    """
    checks.at_least(1, "what is hidden is drawn in a round", num_rounds=num_rounds)
    cure = "one of each for a dimension"
    checks.same_shape(cure, x=x, known=known, rank=rank, uniform=uniform)
    x = x * known
    for k in range(num_rounds):
        now = (1 - known) * (rank < (k + 1) / num_rounds).to(x.dtype)
        drawn = (uniform < model(x, known).sigmoid()).to(x.dtype)
        x, known = x + now * drawn, known + now
    return x
