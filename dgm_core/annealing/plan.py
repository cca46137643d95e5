"""The way of an annealing: its temperatures, its step sizes, and the walk along them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from dgm_core import checks
from dgm_core.hamiltonian import look, move
from dgm_core.vae import VAE

# Where Hamiltonian Monte Carlo works best in many dimensions: Beskos et al. (2013), Optimal tuning
# of the hybrid Monte Carlo algorithm.
_ACCEPTANCE = 0.65


@dataclass(frozen=True)
class Annealing:
    """A way from an easy distribution of z to p(x, z), fixed before any weight counts.

    Made by `plan_annealing`. At the inverse temperature b the target of the walk is
    :math:`q_0(z)^{1 - b}\\, p(x, z)^b`.

    Attributes:
        start: q_0, where the walk begins, for each example: batch shape (B,).
        betas: inverse temperatures, (T + 1,), rising from 0 to 1.
        step_sizes: of the leapfrog steps at each temperature between the ends, for each example,
            (T - 1, B), in units of the widths of `start`.
        leapfrogs: most leapfrog steps in a proposal; each time a number from 1 to this is drawn.
    """

    start: Distribution
    betas: Float[Tensor, " temperatures"]
    step_sizes: Float[Tensor, " moves batch"]
    leapfrogs: int


def inverse_temperatures(steps: int, sharpness: float = 4.0) -> Float[Tensor, " temperatures"]:
    r"""Return inverse temperatures from 0 to 1, close together at both ends.

    They follow a logistic curve, :math:`\sigma(\delta (2t/T - 1))`, moved and scaled so that it
    begins at 0 and ends at 1.

    Args:
        steps: T, how many steps lead from 0 to 1.
        sharpness: delta, positive; towards 0 the steps become equal.

    Returns:
        (T + 1,), in float64.

    Raises:
        ValueError: less than one step, or a sharpness that is not positive.

    References:
        Grosse et al. (2015), Sandwiching the marginal likelihood using bidirectional Monte Carlo.

    Example:
        >>> inverse_temperatures(4)
        tensor([0.0000, 0.1051, 0.5000, 0.8949, 1.0000], dtype=torch.float64)
    """
    if not (steps >= 1 and sharpness > 0):
        raise ValueError(f"steps is {steps}, at least 1; sharpness is {sharpness}, above 0")
    curve = torch.sigmoid(torch.linspace(-sharpness, sharpness, steps + 1, dtype=torch.float64))
    return (curve - curve[0]) / (curve[-1] - curve[0])


def plan_annealing(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    betas: Float[Tensor, " temperatures"],
    chains: int = 16,
    start: Distribution | None = None,
    leapfrogs: int = 10,
) -> Annealing:
    """Choose step sizes for annealing by walks of their own, which count for nothing else.

    From one temperature to the next, the step of an example becomes longer where more than 65 per
    cent of its proposals were accepted, and shorter where fewer were. The walks that give weights
    then keep to these steps: steps that a walk chose for itself would depend on where it has
    been, and its bound would be none.

    Args:
        vae: the model; its encoder isn't used.
        x: (B, pixels).
        betas: from `inverse_temperatures`, or any that rise from 0 to 1, (T + 1,).
        chains: walks for each example.
        start: where walks begin, batch shape (B,), event shape (D,); the prior if None. What
            resembles the posterior, such as `proposals.refit_proposal` returns, saves
            temperatures.
        leapfrogs: most leapfrog steps in a proposal.

    Returns:
        The `Annealing`, for these examples.

    Raises:
        ValueError: `betas` don't rise from 0 to 1, `leapfrogs` or `chains` is less than 1, or
            `start` is for another number of examples.

    References:
        Neal (2011), MCMC using Hamiltonian dynamics, sections 3.2 and 4.2.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> plan = plan_annealing(vae, torch.ones(7, 1), inverse_temperatures(20), chains=4)
        >>> plan.step_sizes.shape
        torch.Size([19, 7])
    """
    if leapfrogs < 1 or chains < 1:
        raise ValueError(f"leapfrogs is {leapfrogs} and chains is {chains}; both start at 1")
    if len(betas) < 2 or betas[0] != 0 or betas[-1] != 1 or not (betas.diff() > 0).all():
        raise ValueError("betas must rise from 0 to 1")
    start = vae.prior.expand((len(x),)) if start is None else start
    if start.batch_shape != x.shape[:1]:
        raise ValueError(
            f"start is for {checks.sizes(start.batch_shape)} examples, and x has {len(x)}: give "
            "one distribution an example, as start.expand((len(x),)) does of one for all"
        )
    sizes = start.mean.new_full((len(betas) - 2, len(x)), 0.2)
    plan = Annealing(start, betas, sizes, leapfrogs)

    def adapt(at: int, accepted: Tensor) -> None:
        if at < len(sizes):  # with 16 walks, log sizes then go to and fro by about 0.05
            sizes[at] = sizes[at - 1] * (0.5 * (accepted.mean(0) - _ACCEPTANCE)).exp()

    with torch.no_grad():
        walk_temperatures(vae, x, start.rsample((chains,)), plan, range(len(betas) - 1), adapt)
    return plan


def walk_temperatures(
    vae: VAE,
    x: Tensor,
    z: Tensor,
    plan: Annealing,
    order: Sequence[int],
    adapt: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Collect log-weights, (C, B), over steps of temperature; step k joins betas k and k + 1.

    Rising, a move at the new temperature follows a step; falling, one at the lower of the two.
    At neither end is there a move: there, z comes from the very distribution, or is left alone.

    Args:
        vae: the model; its encoder isn't used.
        x: (B, pixels).
        z: where the walks begin, (C, B, D).
        plan: for these examples.
        order: the steps k, from the first to the last, rising or falling.
        adapt: called after each move with the number of its temperature and with the chances of
            acceptance, (C, B).
    """

    def log_densities(z: Tensor) -> tuple[Tensor, Tensor]:
        return plan.start.log_prob(z), vae.prior.log_prob(z) + vae.decoder(z).log_prob(x)

    betas, up = plan.betas.tolist(), order[0] <= order[-1]
    view = look(log_densities, z)
    log_w = torch.zeros_like(view.log_p)
    for k in order:  # in float32, a thousand terms are off by 5e-5 nats, where MPS has no float64
        log_w = log_w + (betas[k + 1] - betas[k]) * (view.log_p - view.log_q)
        at = k + 1 if up else k
        if 0 < at < len(betas) - 1:
            step = plan.step_sizes[at - 1, :, None] * plan.start.stddev  # (B, D)
            z, view, accepted = move(log_densities, z, view, betas[at], step, plan.leapfrogs)
            if adapt is not None:
                adapt(at, accepted)
    return log_w
