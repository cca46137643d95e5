"""Gradients of an expectation with respect to its distribution's parameters, draw by draw."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from dgm_core import checks


@torch.enable_grad()
def pathwise_gradients(
    f: Callable[[Tensor], Tensor],
    distribution: Callable[..., Distribution],
    parameters: Sequence[Tensor],
    num_samples: int,
) -> tuple[Tensor, ...]:
    r"""Differentiate f along the path of each draw, :math:`\nabla_\phi f(g_\phi(\epsilon))`.

    Unbiased for the gradient of E[f(z)] where f along the path is Lipschitz all over one
    neighbourhood of the parameters, the same for all noise, with a constant of finite mean, and
    differentiable for almost all noise. So it is for a ReLU network. Zero, and wrong, where f is
    made of steps; a continuous f with slopes almost everywhere isn't enough (Cantor's function).

    Args:
        f: from draws (S, *batch, *event) to values (S, *batch).
        distribution: from `parameters` to a distribution with ``rsample``, such as ``Normal``.
        parameters: any shapes; they are not changed.
        num_samples: S, independent draws.

    Returns:
        For each parameter (S, *shape): one gradient a draw, of the sum over the batch.

    Raises:
        NotImplementedError: the distribution has no ``rsample``; discrete ones have none.
        ValueError: `num_samples` is less than 1, or f does not keep the draws apart.
        RuntimeError: in inference mode.

    References:
        Kingma and Welling (2014), Auto-Encoding Variational Bayes, section 2.4.

    Example:
        >>> from torch.distributions import Normal
        >>> mean = torch.tensor(2.0)
        >>> pathwise_gradients(lambda z: 3 * z, lambda mean: Normal(mean, 1.0), [mean], 4)
        (tensor([3., 3., 3., 3.]),)
    """
    copies = _one_for_each_draw(parameters, num_samples)
    z = distribution(*copies).rsample()
    values = f(z)
    if values.shape[:1] != z.shape[:1]:
        raise ValueError(
            f"f(z) is {checks.sizes(values.shape)} for z {checks.sizes(z.shape)}, but one value a "
            "draw is expected on the leading axis: take no sum or mean over the draws"
        )
    return torch.autograd.grad(values.sum(), copies)


@torch.enable_grad()
def score_function_gradients(
    f: Callable[[Tensor], Tensor],
    distribution: Callable[..., Distribution],
    parameters: Sequence[Tensor],
    num_samples: int,
    baseline: float | Tensor = 0.0,
) -> tuple[Tensor, ...]:
    r"""Weigh each draw's score with its value, :math:`(f(z) - b) \nabla_\phi \log q_\phi(z)`.

    Args:
        f: from draws (S, *batch, *event) to values (S, *batch); it needs no derivative.
        distribution: from `parameters` to a distribution whose density, at each z, is
            differentiable in them all over one neighbourhood: it may not jump at an edge that
            they move, as ``Uniform(0, edge)`` does; an edge that it meets smoothly may move.
        parameters: any shapes; they are not changed.
        num_samples: S, independent draws.
        baseline: b, in the unit of f; broadcasts to the values, and doesn't depend on the draws.

    Returns:
        For each parameter (S, *shape): one gradient a draw, of the sum over the batch.

    Raises:
        ValueError: `num_samples` is less than 1, or as `score_function_surrogate`.
        RuntimeError: in inference mode.

    References:
        Williams (1992), Simple Statistical Gradient-Following Algorithms (REINFORCE).

    Example:
        >>> from torch.distributions import Normal
        >>> mean = torch.tensor(2.0)
        >>> f, family = lambda z: 3 * z, lambda mean: Normal(mean, 1.0)
        >>> (each,) = score_function_gradients(f, family, [mean], 100_000, baseline=6.0)
        >>> abs(each.mean().item() - 3) < 0.1  # its standard error is 0.013
        True
    """
    copies = _one_for_each_draw(parameters, num_samples)
    q = distribution(*copies)
    z = q.sample()
    surrogate = score_function_surrogate(f(z).detach(), q.log_prob(z), baseline)
    return torch.autograd.grad(surrogate.sum(), copies)


def score_function_surrogate(
    values: Float[Tensor, " samples *batch"],
    log_prob: Float[Tensor, " samples *batch"],
    baseline: float | Tensor = 0.0,
) -> Float[Tensor, " samples *batch"]:
    r"""Return the values, with :math:`\nabla f + (f - b) \nabla \log q` as their gradient.

    Args:
        values: f(z), (S, *batch), z from ``sample``; parameters inside f keep their gradient.
        log_prob: log q(z), (S, *batch), in nats.
        baseline: b, in the unit of f; broadcasts to the values; that of a draw is free of it.

    Raises:
        ValueError: the values and log q differ in shape, or the baseline does not broadcast.

    References:
        Foerster et al. (2018), DiCE: The Infinitely Differentiable Monte Carlo Estimator.

    Example:
        >>> slope = torch.tensor(0.0, requires_grad=True)
        >>> values = torch.tensor([5.0, 7.0])
        >>> surrogate = score_function_surrogate(values, slope * torch.tensor([1.0, -1.0]))
        >>> surrogate.detach(), torch.autograd.grad(surrogate.sum(), slope)
        (tensor([5., 7.]), (tensor(-2.),))
    """
    cure = "one value and one log q a draw and example; sum f and log q over an event's numbers"
    checks.same_shape(cure, values=values, log_prob=log_prob)
    checks.same_shape("it has to broadcast", values=values, less_baseline=values - baseline)
    return values + (log_prob - log_prob.detach()) * (values - baseline).detach()


def leave_one_out(values: Float[Tensor, " samples *batch"]) -> Float[Tensor, " samples *batch"]:
    """Return for each draw the mean of the others: a baseline, (S, *batch), of two or more draws.

    Raises:
        ValueError: fewer than two draws, or a single number.

    References:
        Kool et al. (2019), Buy 4 REINFORCE Samples, Get a Baseline for Free.

    Example:
        >>> leave_one_out(torch.tensor([1.0, 2.0, 6.0]))
        tensor([4.0000, 3.5000, 1.5000])
    """
    checks.rows("values", values, "draws are on the leading axis")
    checks.at_least(2, "the others are none", draws=len(values))
    return (values.sum(0) - values) / (len(values) - 1)


def _one_for_each_draw(parameters: Sequence[Tensor], num_samples: int) -> list[Tensor]:
    checks.slopes("a gradient of each draw")
    checks.at_least(1, "an expectation needs a draw", num_samples=num_samples)
    return [p.detach().expand(num_samples, *p.shape).clone().requires_grad_() for p in parameters]
