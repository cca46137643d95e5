"""Hamiltonian Monte Carlo on the way between two densities, for many walks at once."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks

#: From z, (..., D), to the logarithms of two densities there, (...) each, in nats; they need not
#: be normalised.
LogDensities = Callable[[Tensor], tuple[Tensor, Tensor]]


class View(NamedTuple):
    """What is known of two densities at z: their logarithms, and the slopes of these.

    At an inverse temperature b, from 0 to 1, the target between them has the logarithm
    :math:`(1 - b) \\log q + b \\log p`, and is not normalised.

    Attributes:
        log_q, log_p: (...), in nats.
        slope_q, slope_p: gradients by z, (..., D).
    """

    log_q: Float[Tensor, " *batch"]
    log_p: Float[Tensor, " *batch"]
    slope_q: Float[Tensor, " *batch latent"]
    slope_p: Float[Tensor, " *batch latent"]

    def log_target(self, beta: float) -> Float[Tensor, " *batch"]:
        """Return the logarithm of the target at an inverse temperature, (...), in nats.

        Args:
            beta: from 0 (q) to 1 (p).
        """
        return (1 - beta) * self.log_q + beta * self.log_p

    def slope(self, beta: float) -> Float[Tensor, " *batch latent"]:
        """Return the gradient of `log_target` by z, (..., D).

        Args:
            beta: from 0 (q) to 1 (p).
        """
        return (1 - beta) * self.slope_q + beta * self.slope_p


@torch.enable_grad()
def look(log_densities: LogDensities, z: Float[Tensor, " *batch latent"]) -> View:
    """Evaluate two log-densities and their slopes by autograd, also where gradients are off.

    Args:
        log_densities: from z to both, each walk by itself.
        z: (..., D).

    Returns:
        The `View`, without a gradient of its own.

    Raises:
        RuntimeError: in inference mode.

    Example:
        >>> view = look(lambda z: (-z.square().sum(-1), z.sum(-1)), torch.tensor([[1.0, 2.0]]))
        >>> view.log_q, view.slope_q, view.slope(0.5)
        (tensor([-5.]), tensor([[-2., -4.]]), tensor([[-0.5000, -1.5000]]))
    """
    checks.slopes("a walk along slopes")
    z = z.detach().requires_grad_()
    logs = log_densities(z)
    # The two may share what they compute, so the first slope leaves it there for the second.
    slopes = [torch.autograd.grad(log.sum(), z, retain_graph=log is logs[0])[0] for log in logs]
    return View(*(log.detach() for log in logs), *slopes)


def move(
    log_densities: LogDensities,
    z: Float[Tensor, " *batch latent"],
    view: View,
    beta: float,
    step: Float[Tensor, " *#batch latent"],
    leapfrogs: int,
) -> tuple[Float[Tensor, " *batch latent"], View, Float[Tensor, " *batch"]]:
    """Propose a new z by leapfrog steps, and accept it by Metropolis's rule: the target stays.

    The number of leapfrog steps is drawn, from 1 to `leapfrogs`: with a fixed one, walks in a
    target that swings with this very period would stand still. A proposal that leaves the numbers
    behind (NaN) is refused.

    Args:
        log_densities: from z to both, each walk by itself.
        z: (..., D), one walk each.
        view: what `look` returns at z.
        beta: inverse temperature of the target, from 0 to 1.
        step: size of a leapfrog step for each dimension, positive; broadcasts with z.
        leapfrogs: most leapfrog steps.

    Returns:
        The new z, (..., D), the `View` there, and with what probability each proposal was to be
        accepted, (...).

    Raises:
        ValueError: `leapfrogs` is less than 1.

    References:
        Neal (2011), MCMC using Hamiltonian dynamics, section 3.2.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> normal = lambda z: 2 * (-0.5 * z.square().sum(-1),)  # the same at both ends
        >>> z = torch.randn(20_000, 1)
        >>> for _ in range(3):
        ...     z, view, _ = move(normal, z, look(normal, z), 0.5, torch.tensor([1.5]), 3)
        >>> z.std().round(decimals=1).item()  # still
        1.0
    """
    checks.at_least(1, "a proposal needs a step", leapfrogs=leapfrogs)
    count = int(torch.randint(1, leapfrogs + 1, (), device="cpu"))
    momentum = torch.randn_like(z)
    before = view.log_target(beta) - 0.5 * momentum.square().sum(-1)
    there, seen = z, view
    momentum = momentum + 0.5 * step * seen.slope(beta)
    for k in range(count):
        there = there + step * momentum
        seen = look(log_densities, there)
        momentum = momentum + (0.5 if k == count - 1 else 1.0) * step * seen.slope(beta)
    after = seen.log_target(beta) - 0.5 * momentum.square().sum(-1)
    accepted = (after - before).nan_to_num(nan=-math.inf).clamp(max=0).exp()
    taken = torch.rand_like(accepted) < accepted
    z = torch.where(taken[..., None], there, z)
    logs = [torch.where(taken, new, old) for new, old in zip(seen[:2], view[:2], strict=True)]
    slopes = [
        torch.where(taken[..., None], new, old)
        for new, old in zip(seen[2:], view[2:], strict=True)
    ]
    return z, View(*logs, *slopes), accepted
