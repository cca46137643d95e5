"""Vector fields on a batch of points: their divergence, exact and estimated."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks

#: From points to a vector at each, (B, D) to (B, D); what it says of a point may not depend on
#: the others.
Field = Callable[[Tensor], Tensor]


_VECTORS = "a vector at each point, with a number for each of its dimensions"


def divergence(field: Field, x: Float[Tensor, " batch event"]) -> Float[Tensor, " batch"]:
    r"""Return :math:`\sum_d \partial f_d / \partial x_d`, the trace of the Jacobian, exactly.

    It takes D vector-Jacobian products, and may itself be differentiated.

    Args:
        field: f, a `Field`.
        x: where, (B, D).

    Returns:
        (B,), in units of the field over those of x.

    Raises:
        ValueError: the field's vectors are of another shape than the points.

    Example:
        >>> divergence(lambda x: x * torch.tensor([2.0, 3.0]), torch.zeros(1, 2))
        tensor([5.])
    """
    value, pull = torch.func.vjp(field, x)
    checks.same_shape(_VECTORS, points=x, field=value)
    total = torch.zeros_like(x[:, 0])
    for d in range(x.shape[1]):
        basis = torch.zeros_like(value)
        basis[:, d] = 1
        total = total + pull(basis)[0][:, d]
    return total


def estimated_divergence(
    field: Field, x: Float[Tensor, " batch event"], probes: Float[Tensor, " samples batch event"]
) -> Float[Tensor, " batch"]:
    r"""Estimate the divergence by :math:`e \cdot (J e)`, one vector-Jacobian product a probe.

    Unbiased where the numbers of a probe are independent, of mean 0 and variance 1. With signs,
    +1 or -1, the variance is that of the elements off the diagonal alone.

    Args:
        field: f, a `Field`.
        x: where, (B, D).
        probes: e, (S, B, D).

    Returns:
        (B,), the mean over the probes.

    Raises:
        ValueError: no probe, one of another shape than the points, or such a field.

    References:
        Hutchinson (1989), A stochastic estimator of the trace of the influence matrix;
        Grathwohl et al. (2019), FFJORD, section 3.1.

    Example:
        >>> signs = torch.tensor([[[1.0, -1.0]]])
        >>> estimated_divergence(lambda x: x * torch.tensor([2.0, 3.0]), torch.zeros(1, 2), signs)
        tensor([5.])
    """
    checks.event("probes", probes, x.shape, "one vector a point, several times: (S, B, D)")
    checks.at_least(1, "an estimate needs a probe", number__probes=len(probes))
    value, pull = torch.func.vjp(field, x)
    checks.same_shape(_VECTORS, points=x, field=value)
    return sum((pull(probe)[0] * probe).sum(1) for probe in probes) / len(probes)
