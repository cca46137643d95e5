"""The exact log-density of a velocity's flow, up to the solver: what the ODE carries with it."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.diffusion.samplers import Velocity, rk4
from dgm_core.fields import Field, divergence


def ode_log_prob(
    velocity: Velocity,
    x: Float[Tensor, " batch event"],
    num_steps: int,
    trace: Callable[[Field, Tensor], Tensor] = divergence,
    solver: Callable[..., Tensor] = rk4,
) -> Float[Tensor, " batch"]:
    r"""Follow a velocity from data back to noise, and return the log-density of where it began.

    Along a path :math:`\frac{d}{dt} \log p_t(z_t) = -\mathrm{div}\, u`, so that :math:`\log p(x)
    = \log N(z_0; 0, I) - \int_0^1 \mathrm{div}\, u\, dt`.

    Args:
        velocity: u, of points and times from 0, noise, to 1, data, both ends included.
        x: data, (B, D).
        num_steps: of the solver.
        trace: from a field and points to the divergence, (B,); `fields.divergence` is exact, and
            with probes bound to it `fields.estimated_divergence` is an unbiased estimate.
        solver: `rk4`, `heun` or `euler`.

    Returns:
        (B,), in nats.

    Raises:
        ValueError: no step, a velocity of another shape than the points, or not one trace a point.

    References:
        Chen et al. (2018), Neural Ordinary Differential Equations, theorem 1; Song et al. (2021),
        Score-Based Generative Modeling through Stochastic Differential Equations, eq. 39.

    Example:
        >>> still = lambda z, time: torch.zeros_like(z)
        >>> ode_log_prob(still, torch.zeros(1, 2), num_steps=1)  # -log 2 pi
        tensor([-1.8379])
    """

    def both(
        state: Float[Tensor, " batch more"], time: Float[Tensor, " batch"]
    ) -> Float[Tensor, " batch more"]:
        z = state[:, :-1]
        change = trace(lambda points: velocity(points, time), z)
        moved = velocity(z, time)
        checks.same_shape("a velocity for each number of a point", z=z, velocity=moved)
        checks.same_shape("one number a point", points=z[:, 0], trace=change)
        return torch.cat([moved, change[:, None]], 1)

    begin = torch.cat([x, torch.zeros_like(x[:, :1])], 1)
    end = solver(both, begin, num_steps, start=1.0, end=0.0)
    z, minus_integral = end[:, :-1], end[:, -1]
    return -0.5 * (z.square().sum(1) + x.shape[1] * math.log(2 * math.pi)) + minus_integral
