"""Scores and what they are trained on: explicit, Hyvärinen's and denoising score matching."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.fields import Field, divergence

GRADIENT = "a score has a number for each number of a point"
_SIZE = {"scale": "a standard deviation", "step_size": "how far a step of the walk goes"}


def score_of(energy: Callable[[Tensor], Tensor]) -> Field:
    r"""Return the score of :math:`p(x) = e^{-E(x)} / Z`, which is -grad E: Z drops out.

    Args:
        energy: E, from points (B, D) to (B,), in nats; each value depends on its own point alone.

    Returns:
        A function from (B, D) to (B, D).

    Example:
        >>> score = score_of(lambda x: 0.5 * x.square().sum(1) + 100.0)
        >>> score(torch.tensor([[1.0, -2.0]]))
        tensor([[-1.,  2.]])
    """

    def score(x: Float[Tensor, " batch event"]) -> Float[Tensor, " batch event"]:
        return -torch.func.grad(lambda points: energy(points).sum())(x)

    return score


def fisher_loss(
    score: Field, truth: Field, x: Float[Tensor, " batch event"]
) -> Float[Tensor, " batch"]:
    r"""Half the squared distance of two scores, :math:`\frac12 |s(x) - s^*(x)|^2`.

    Its mean over x of the distribution whose score is `truth` is half the Fisher divergence:
    explicit score matching, for tests and figures, where the true score is known.

    Args:
        score: s.
        truth: s*.
        x: draws of the distribution with score s*, (B, D).

    Returns:
        (B,), in squared nats a unit of x.

    Raises:
        ValueError: a score of another shape than the points.

    References:
        Hyvärinen (2005), Estimation of Non-Normalized Statistical Models by Score Matching, eq. 2.

    Example:
        >>> fisher_loss(lambda x: -x, lambda x: 1 - x, torch.zeros(3, 1))
        tensor([0.5000, 0.5000, 0.5000])
    """
    found, true = score(x), truth(x)
    checks.same_shape(GRADIENT, x=x, score=found, truth=true)
    return 0.5 * (found - true).square().sum(1)


def score_matching_loss(score: Field, x: Float[Tensor, " batch event"]) -> Float[Tensor, " batch"]:
    r"""Hyvärinen's loss :math:`\frac12 |s(x)|^2 + \mathrm{div}\, s(x)`, which needs no true score.

    Its mean is that of `fisher_loss` less half the mean of |s*|^2, where p s vanishes far out.

    Args:
        score: s.
        x: draws of the data, (B, D).

    Returns:
        (B,), in squared nats a unit of x; negative where s is good.

    Raises:
        ValueError: a score of another shape than the points.

    References:
        Hyvärinen (2005), Estimation of Non-Normalized Statistical Models by Score Matching,
        theorem 1.

    Example:
        >>> score_matching_loss(lambda x: -x, torch.tensor([[2.0]]))  # 4 / 2 - 1
        tensor([1.])
    """
    found = score(x)
    checks.same_shape(GRADIENT, x=x, score=found)
    return 0.5 * found.square().sum(1) + divergence(score, x)


def denoising_score_loss(
    score: Field,
    x: Float[Tensor, " batch event"],
    scale: float | Float[Tensor, ""],
    noise: Float[Tensor, " batch event"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Denoising score matching at one level, :math:`\frac12 |s(x + \sigma e) + e / \sigma|^2`.

    Its mean is that of `fisher_loss` for the noised density, plus a constant that no score can
    lower: the mean of `denoising_score_floor`. So this loss does not fall to 0.

    Args:
        score: s, of the density of x + scale * e.
        x: draws of the data, (B, D).
        scale: standard deviation of the noise, in units of x.
        noise: standard normal e, (B, D); drawn here if None. It is drawn once: the same e is
            added and aimed at.

    Returns:
        (B,), in squared nats a unit of x.

    Raises:
        ValueError: a scale that is not positive, or noise or a score of another shape.

    References:
        Vincent (2011), A Connection Between Score Matching and Denoising Autoencoders,
        section 4.

    Example:
        >>> denoising_score_loss(lambda z: -z, torch.zeros(1, 1), 0.1, torch.ones(1, 1))
        tensor([49.0050])
    """
    check_scale(scale)
    noise = torch.randn_like(x) if noise is None else noise
    checks.same_shape("noise for each number", x=x, noise=noise)
    found = score(x + scale * noise)
    checks.same_shape(GRADIENT, x=x, score=found)
    return 0.5 * (found + noise / scale).square().sum(1)


def denoising_score_floor(
    score: Field, z: Float[Tensor, " batch event"], scale: float | Float[Tensor, ""]
) -> Float[Tensor, " batch"]:
    r"""What is left of the loss at the true score, :math:`\frac12 (D / \sigma^2 - |s(z)|^2)`.

    Its mean over noised points is the least that `denoising_score_loss` can be.

    Args:
        score: of the noised density, exact.
        z: noised points, (B, D).
        scale: standard deviation of the noise.

    Returns:
        (B,), in squared nats a unit of x.

    Raises:
        ValueError: a scale that is not positive, or a score of another shape.

    References:
        Vincent (2011), A Connection Between Score Matching and Denoising Autoencoders, appendix.

    Example:
        >>> denoising_score_floor(lambda z: -z / 1.0001, torch.ones(1, 1), scale=0.01)
        tensor([4999.5000])
    """
    check_scale(scale)
    found = score(z)
    checks.same_shape(GRADIENT, z=z, score=found)
    return 0.5 * (z.shape[1] / scale**2 - found.square().sum(1))


def check_scale(value: float | Tensor, name: str = "scale") -> None:
    """Refuse what is divided by, or a root of, where it is not above 0.

    Args:
        value: a number, or a tensor of any shape.
        name: of the argument, "scale" or "step_size".

    Raises:
        ValueError: a value that is not above 0.
    """
    if isinstance(value, Tensor):
        checks.above(name, value, 0, _SIZE[name])
    else:
        checks.positive(_SIZE[name], **{name: value})
