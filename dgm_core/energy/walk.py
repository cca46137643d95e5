"""Langevin's walk along a score, and the variance at which it settles."""

from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.energy.matching import GRADIENT, check_scale
from dgm_core.fields import Field


def langevin(
    score: Field,
    z: Float[Tensor, " batch event"],
    step_size: float | Float[Tensor, ""],
    noise: Float[Tensor, " steps batch event"],
) -> Float[Tensor, " batch event"]:
    r"""Walk by :math:`z + \frac\eta2 s(z) + \sqrt\eta\, e`, once for each set of noise.

    Without a test of acceptance what it settles at is not quite p: see `langevin_variance`.

    Args:
        score: s, the gradient of log p.
        z: where the walkers stand, (B, D).
        step_size: eta, in squared units of z.
        noise: standard normal e of each step, (steps, B, D).

    Returns:
        Where they are after the last step, (B, D).

    Raises:
        ValueError: a step that is not positive, or noise or a score of another shape.

    References:
        Roberts and Tweedie (1996), Exponential convergence of Langevin distributions.

    Example:
        >>> langevin(lambda z: -z, torch.ones(1, 1), 0.5, torch.zeros(2, 1, 1))
        tensor([[0.5625]])
    """
    check_scale(step_size, "step_size")
    checks.event("noise", noise, z.shape, "a set of its own for each step: (steps, B, D)")
    for e in noise:
        found = score(z)
        checks.same_shape(GRADIENT, z=z, score=found)
        z = z + 0.5 * step_size * found + step_size**0.5 * e
    return z


def langevin_variance(variance: float, step_size: float) -> float:
    r"""Return the variance at which Langevin's walk on a normal settles, which is too large.

    On N(0, v) a step multiplies z by :math:`1 - \eta / 2v` and adds :math:`\eta`, so the variance
    settles at :math:`v / (1 - \eta / 4v)`.

    Args:
        variance: v, of the normal.
        step_size: eta, below 4 v.

    Raises:
        ValueError: the step is so large that the walk never settles.

    Example:
        >>> round(langevin_variance(1.0, step_size=0.5), 3)
        1.143
    """
    if not 0 < step_size < 4 * variance:
        raise ValueError(f"step_size is {step_size}; the walk settles below {4 * variance} only")
    return variance / (1 - step_size / (4 * variance))
