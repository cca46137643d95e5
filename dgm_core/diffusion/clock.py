r"""The clock of all noise: the logarithm of the signal-to-noise ratio, and what else is a time.

A noised example is :math:`z = a x + s e` with standard normal e. Only :math:`a / s` matters to
what can be known of x, so that models here are asked at :math:`\lambda = \log (a^2 / s^2)`, the
"log-SNR", in nats. Where a time is meant, it runs from 0, noise, to 1, data.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks

#: Beyond it in either direction, a float32 does not tell z from e, or from x.
LOG_SNR_LIMIT = 30.0


_TIME = "time goes from 0, noise, to 1, data: divide the number of a step by that of all"


class PathPoint(NamedTuple):
    """Where a path is at a time: z = signal * x + noise * e; and how fast the two change.

    Attributes:
        signal: factor on the data, (...).
        noise: factor on the standard normal noise, (...).
        signal_rate: derivative of the signal by time, (...).
        noise_rate: derivative of the noise by time, (...).
    """

    signal: Tensor
    noise: Tensor
    signal_rate: Tensor
    noise_rate: Tensor


#: From times in [0, 1], (B,), to a `PathPoint`: (0, 1) at time 0 and (1, 0) at time 1.
Path = Callable[[Tensor], PathPoint]


def straight_path(time: Float[Tensor, " *batch"]) -> PathPoint:
    """Go from noise to data in a straight line at constant speed: (t, 1 - t).

    Args:
        time: from 0, noise, to 1, data, (...).

    Returns:
        Each of the four, (...).

    Raises:
        ValueError: a time out of [0, 1], where `checks` see it.

    References:
        Lipman et al. (2023), Flow Matching for Generative Modeling, eq. 20, with a last noise of
        0; Liu et al. (2023), Flow Straight and Fast, eq. 1.

    Example:
        >>> straight_path(torch.tensor(0.25))[:2]
        (tensor(0.2500), tensor(0.7500))
    """
    checks.within("time", time, 0, 1, _TIME)
    return PathPoint(time, 1 - time, torch.ones_like(time), -torch.ones_like(time))


def cosine_path(time: Float[Tensor, " *batch"]) -> PathPoint:
    """Go from noise to data on a circle, signal^2 + noise^2 = 1: the variance is preserved.

    Args:
        time: from 0, noise, to 1, data, (...).

    Returns:
        Each of the four, (...).

    Raises:
        ValueError: a time out of [0, 1], where `checks` see it.

    References:
        Nichol and Dhariwal (2021), Improved Denoising Diffusion Probabilistic Models, eq. 17,
        without its offset.

    Example:
        >>> cosine_path(torch.tensor(0.5))[:2]
        (tensor(0.7071), tensor(0.7071))
    """
    checks.within("time", time, 0, 1, _TIME)
    angle = 0.5 * math.pi * time
    sine, cosine = angle.sin(), angle.cos()
    return PathPoint(sine, cosine, 0.5 * math.pi * cosine, -0.5 * math.pi * sine)


def mixed_path(first: Path, second: Path, share: float | Float[Tensor, ""]) -> Path:
    """Mix two paths, for a slider that bends one into the other; the ends stay.

    Args:
        first: the path at share 0.
        second: the path at share 1.
        share: from 0 to 1.

    Example:
        >>> mixed_path(straight_path, cosine_path, 0.5)(torch.tensor(0.0))[:2]
        (tensor(0.), tensor(1.))
    """

    def path(time: Float[Tensor, " *batch"]) -> PathPoint:
        pairs = zip(first(time), second(time), strict=True)
        return PathPoint(*((1 - share) * one + share * two for one, two in pairs))

    return path


def variance_preserving(
    log_snr: Float[Tensor, " *batch"],
) -> tuple[Float[Tensor, " *batch"], Float[Tensor, " *batch"]]:
    r"""Return signal and noise, whose squares are the sigmoids of the log-SNR and of its negative.

    The squares sum to 1, so that data of variance 1 keep it. Models here see z on this scale.

    Args:
        log_snr: (...), in nats.

    Returns:
        a and s, each (...).

    References:
        Kingma et al. (2021), Variational Diffusion Models, section 3.1.

    Example:
        >>> variance_preserving(torch.tensor(0.0))
        (tensor(0.7071), tensor(0.7071))
    """
    return (0.5 * F.logsigmoid(log_snr)).exp(), (0.5 * F.logsigmoid(-log_snr)).exp()


def log_snr_at(path: Path, time: Float[Tensor, " *batch"]) -> Float[Tensor, " *batch"]:
    """Return the log-SNR of a path at a time, (...), in nats; at most `LOG_SNR_LIMIT` either way.

    Args:
        path: for instance `straight_path`.
        time: from 0, noise, to 1, data, (...).

    Example:
        >>> log_snr_at(straight_path, torch.tensor([0.0, 0.5, 1.0]))
        tensor([-30.,   0.,  30.])
    """
    point = path(time)
    least = torch.finfo(time.dtype).tiny
    log_ratio = point.signal.clamp(min=least).log() - point.noise.clamp(min=least).log()
    return (2 * log_ratio).clamp(-LOG_SNR_LIMIT, LOG_SNR_LIMIT)


def linear_betas(num_steps: int, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """Return the shares of variance that each of T steps replaces by noise, (T,), float64.

    The defaults were made for T = 1000; with far fewer steps the signal never drowns.

    Args:
        num_steps: T.
        first: of the step next to the data.
        last: of the step next to the noise.

    Raises:
        ValueError: no step, or shares that are not between 0 and 1.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, section 4.

    Example:
        >>> betas = linear_betas(1000)
        >>> f"{(1 - betas).prod().item():.0e}", round((1 - linear_betas(100)).prod().item(), 3)
        ('4e-05', 0.364)
    """
    checks.at_least(1, "a chain needs a step", num_steps=num_steps)
    if not (0 < first < 1 and 0 < last < 1):
        raise ValueError(f"first is {first} and last is {last}; shares are between 0 and 1")
    return torch.linspace(first, last, num_steps, dtype=torch.float64)


def log_snr_of_betas(betas: Float[Tensor, " steps"]) -> Float[Tensor, " steps"]:
    r"""Return the log-SNR after each step of a chain, :math:`\log \bar a_t / (1 - \bar a_t)`.

    :math:`\bar a_t = \prod_{i \le t} (1 - b_i)`: after step t, and so with its own factor in it.

    Args:
        betas: b, (T,), from the data to the noise.

    Returns:
        (T,), falling, in nats.

    Raises:
        ValueError: shares out of [0, 1], or in more than one row.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 4.

    Example:
        >>> log_snr_of_betas(torch.tensor([0.5, 0.5]))  # log 1, log 1/3
        tensor([ 0.0000, -1.0986])
    """
    checks.event("betas", betas, (), "one share for each step, (T,)")
    checks.within("betas", betas, 0, 1, "a share of the variance is replaced by noise")
    log_signal = torch.log1p(-betas).cumsum(0)
    return log_signal - torch.log(-torch.expm1(log_signal))


def stratified(uniform: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """Spread uniform numbers over [0, 1) evenly, so that their mean varies less.

    Args:
        uniform: on [0, 1), independent, (B,).

    Returns:
        (B,), the i-th of them in [i / B, (i + 1) / B).

    References:
        Owen (2013), Monte Carlo theory, methods and examples, section 8.4.

    Example:
        >>> stratified(torch.tensor([0.0, 0.5]))
        tensor([0.0000, 0.7500])
    """
    return (torch.arange(len(uniform), device=uniform.device) + uniform) / len(uniform)
