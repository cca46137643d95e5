"""Scores and energies: learning a gradient where neither p nor its constant can be computed.

A score is a function from points, (B, D), to the gradient of log p there, (B, D).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core.fields import Field, divergence


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

    References:
        Hyvärinen (2005), Estimation of Non-Normalized Statistical Models by Score Matching, eq. 2.

    Example:
        >>> fisher_loss(lambda x: -x, lambda x: 1 - x, torch.zeros(3, 1))
        tensor([0.5000, 0.5000, 0.5000])
    """
    return 0.5 * (score(x) - truth(x)).square().sum(1)


def score_matching_loss(score: Field, x: Float[Tensor, " batch event"]) -> Float[Tensor, " batch"]:
    r"""Hyvärinen's loss :math:`\frac12 |s(x)|^2 + \mathrm{div}\, s(x)`, which needs no true score.

    Its mean is that of `fisher_loss` less half the mean of |s*|^2, where p s vanishes far out.

    Args:
        score: s.
        x: draws of the data, (B, D).

    Returns:
        (B,), in squared nats a unit of x; negative where s is good.

    References:
        Hyvärinen (2005), Estimation of Non-Normalized Statistical Models by Score Matching,
        theorem 1.

    Example:
        >>> score_matching_loss(lambda x: -x, torch.tensor([[2.0]]))  # 4 / 2 - 1
        tensor([1.])
    """
    return 0.5 * score(x).square().sum(1) + divergence(score, x)


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

    References:
        Vincent (2011), A Connection Between Score Matching and Denoising Autoencoders,
        section 4.

    Example:
        >>> denoising_score_loss(lambda z: -z, torch.zeros(1, 1), 0.1, torch.ones(1, 1))
        tensor([49.0050])
    """
    noise = torch.randn_like(x) if noise is None else noise
    return 0.5 * (score(x + scale * noise) + noise / scale).square().sum(1)


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

    References:
        Vincent (2011), A Connection Between Score Matching and Denoising Autoencoders, appendix.

    Example:
        >>> denoising_score_floor(lambda z: -z / 1.0001, torch.ones(1, 1), scale=0.01)
        tensor([4999.5000])
    """
    return 0.5 * (z.shape[1] / scale**2 - score(z).square().sum(1))


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

    References:
        Efron (2011), Tweedie's Formula and Selection Bias, eq. 1.4.

    Example:
        >>> tweedie_mean(lambda z: -z / 2, torch.tensor([[3.0]]), scale=1.0)  # data N(0, 1)
        tensor([[1.5000]])
    """
    return z + scale**2 * score(z)


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

    References:
        Efron (2011), Tweedie's Formula and Selection Bias, section 2.

    Example:
        >>> tweedie_covariance(lambda z: -z / 2, torch.tensor([[3.0]]), scale=1.0)
        tensor([[[0.5000]]])
    """
    _, pull = torch.func.vjp(score, z)
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

    References:
        Roberts and Tweedie (1996), Exponential convergence of Langevin distributions.

    Example:
        >>> langevin(lambda z: -z, torch.ones(1, 1), 0.5, torch.zeros(2, 1, 1))
        tensor([[0.5625]])
    """
    for e in noise:
        z = z + 0.5 * step_size * score(z) + step_size**0.5 * e
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
