"""Tweedie's formula: what the score of noised data says about the data."""

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.energy.matching import GRADIENT
from dgm_core.fields import Field


def tweedie_mean(
    score: Field, z: Float[Tensor, " batch event"], scale: float | Float[Tensor, ""]
) -> Float[Tensor, " batch event"]:
    r"""Return the mean of x given :math:`z = x + \sigma e`, :math:`z + \sigma^2 s(z)`.

    Args:
        score: of the noised density.
        z: noised points, (B, D).
        scale: standard deviation of the noise, in units of x.

    Returns:
        (B, D).

    Raises:
        ValueError: a score of another shape.

    References:
        Efron (2011), Tweedie's Formula and Selection Bias, eq. 1.4.

    Example:
        >>> tweedie_mean(lambda z: -z / 2, torch.tensor([[3.0]]), scale=1.0)  # data N(0, 1)
        tensor([[1.5000]])
    """
    found = score(z)
    checks.same_shape(GRADIENT, z=z, score=found)
    return z + scale**2 * found


def tweedie_covariance(
    score: Field, z: Float[Tensor, " batch event"], scale: float | Float[Tensor, ""]
) -> Float[Tensor, " batch event event"]:
    r"""Return the covariance of x given z, :math:`\sigma^2 (I + \sigma^2 \nabla s(z))`.

    Args:
        score: of the noised density.
        z: noised points, (B, D).
        scale: standard deviation of the noise, in units of x.

    Returns:
        (B, D, D), in squared units of x.

    Raises:
        ValueError: a score of another shape.

    References:
        Efron (2011), Tweedie's Formula and Selection Bias, section 2.

    Example:
        >>> tweedie_covariance(lambda z: -z / 2, torch.tensor([[3.0]]), scale=1.0)
        tensor([[[0.5000]]])
    """
    found, pull = torch.func.vjp(score, z)
    checks.same_shape(GRADIENT, z=z, score=found)
    rows = []
    for d in range(z.shape[1]):
        basis = torch.zeros_like(z)
        basis[:, d] = 1
        rows.append(pull(basis)[0] * scale**2 + basis)
    return scale**2 * torch.stack(rows, 1)
