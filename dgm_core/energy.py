"""Scores and energies: learning a gradient where neither p nor its constant can be computed.

A score is a function from points, (B, D), to the gradient of log p there, (B, D).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.fields import Field, divergence

_GRADIENT = "a score has a number for each number of a point"
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
    checks.same_shape(_GRADIENT, x=x, score=found, truth=true)
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
    checks.same_shape(_GRADIENT, x=x, score=found)
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
    _check_scale(scale)
    noise = torch.randn_like(x) if noise is None else noise
    checks.same_shape("noise for each number", x=x, noise=noise)
    found = score(x + scale * noise)
    checks.same_shape(_GRADIENT, x=x, score=found)
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
    _check_scale(scale)
    found = score(z)
    checks.same_shape(_GRADIENT, z=z, score=found)
    return 0.5 * (z.shape[1] / scale**2 - found.square().sum(1))


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
    checks.same_shape(_GRADIENT, z=z, score=found)
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
    checks.same_shape(_GRADIENT, z=z, score=found)
    rows = []
    for d in range(z.shape[1]):
        basis = torch.zeros_like(z)
        basis[:, d] = 1
        rows.append(pull(basis)[0] * scale**2 + basis)
    return scale**2 * torch.stack(rows, 1)


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
    _check_scale(step_size, "step_size")
    checks.event("noise", noise, z.shape, "a set of its own for each step: (steps, B, D)")
    for e in noise:
        found = score(z)
        checks.same_shape(_GRADIENT, z=z, score=found)
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


def _check_scale(value: float | Tensor, name: str = "scale") -> None:
    """Refuse what is divided by, or a root of, where it is not above 0."""
    if isinstance(value, Tensor):
        checks.above(name, value, 0, _SIZE[name])
    else:
        checks.positive(_SIZE[name], **{name: value})
