"""From noise to data in a number of steps: small pure functions, which a page can run as well.

Those that follow a velocity know nothing but it and the time, from 0, noise, to 1, data. Those
that follow a denoiser walk up a list of log-SNRs, on the variance-preserving scale.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.diffusion.chain import step_posterior
from dgm_core.diffusion.clock import variance_preserving
from dgm_core.diffusion.denoised import Denoiser

#: From points, (B, ...), and times, (B,), to what the points move by in a unit of time, (B, ...).
Velocity = Callable[[Tensor, Tensor], Tensor]


def euler(
    velocity: Velocity,
    z: Float[Tensor, " batch *event"],
    num_steps: int,
    start: float = 0.0,
    end: float = 1.0,
) -> Float[Tensor, " batch *event"]:
    """Follow a velocity in equal steps, each straight on; one evaluation a step.

    Args:
        velocity: of points and times.
        z: where to begin, (B, ...).
        num_steps: at least 1.
        start: the time to begin at; 0 is noise.
        end: the time to end at; 1 is data, and less than `start` goes backwards.

    Returns:
        Where the points are at the end, (B, ...).

    Raises:
        ValueError: no step, or a velocity of another shape than the points.

    Example:
        >>> euler(lambda z, time: z, torch.ones(1, 1), num_steps=2)  # (1 + 1/2)^2, towards e
        tensor([[2.2500]])
    """
    velocity, step = _checked(velocity), _step(start, end, num_steps)
    for i in range(num_steps):
        z = z + step * velocity(z, _time(z, start + i * step))
    return z


def heun(
    velocity: Velocity,
    z: Float[Tensor, " batch *event"],
    num_steps: int,
    start: float = 0.0,
    end: float = 1.0,
) -> Float[Tensor, " batch *event"]:
    """Follow a velocity in equal steps, each by the mean of its two ends; two evaluations a step.

    Args:
        velocity: of points and times, also at the end itself.
        z: where to begin, (B, ...).
        num_steps: at least 1.
        start: the time to begin at; 0 is noise.
        end: the time to end at; 1 is data.

    Returns:
        Where the points are at the end, (B, ...).

    Raises:
        ValueError: as for `euler`.

    References:
        Karras et al. (2022), Elucidating the Design Space of Diffusion-Based Generative Models,
        algorithm 1.

    Example:
        >>> heun(lambda z, time: z, torch.ones(1, 1), num_steps=2)  # (1 + 1/2 + 1/8)^2
        tensor([[2.6406]])
    """
    velocity, step = _checked(velocity), _step(start, end, num_steps)
    for i in range(num_steps):
        first = velocity(z, _time(z, start + i * step))
        second = velocity(z + step * first, _time(z, start + (i + 1) * step))
        z = z + 0.5 * step * (first + second)
    return z


def rk4(
    velocity: Velocity,
    z: Float[Tensor, " batch *event"],
    num_steps: int,
    start: float = 0.0,
    end: float = 1.0,
) -> Float[Tensor, " batch *event"]:
    """Follow a velocity by the classical Runge-Kutta method; four evaluations a step.

    Args:
        velocity: of points and times, also at the end itself.
        z: where to begin, (B, ...).
        num_steps: at least 1.
        start: the time to begin at; 0 is noise.
        end: the time to end at; 1 is data.

    Returns:
        Where the points are at the end, (B, ...); the error falls with the fourth power of steps.

    Raises:
        ValueError: as for `euler`.

    References:
        Hairer, Nørsett and Wanner (1993), Solving Ordinary Differential Equations I, section II.1.

    Example:
        >>> rk4(lambda z, time: z, torch.ones(1, 1), num_steps=2)  # e is 2.7183
        tensor([[2.7173]])
    """
    velocity, step = _checked(velocity), _step(start, end, num_steps)
    for i in range(num_steps):
        begin, middle, until = (_time(z, start + (i + k) * step) for k in (0, 0.5, 1))
        first = velocity(z, begin)
        second = velocity(z + 0.5 * step * first, middle)
        third = velocity(z + 0.5 * step * second, middle)
        fourth = velocity(z + step * third, until)
        z = z + step / 6 * (first + 2 * second + 2 * third + fourth)
    return z


def ddim(
    denoiser: Denoiser,
    z: Float[Tensor, " batch *event"],
    log_snrs: Sequence[float] | Float[Tensor, " points"],
) -> Float[Tensor, " batch *event"]:
    r"""Walk up a list of log-SNRs without new noise: :math:`z' = a' x + s' e` from one estimate.

    It is Euler's method for the ratio of noise to signal, along the same ODE that all paths share.

    Args:
        denoiser: the model.
        z: noised examples at the first log-SNR, (B, ...); nearly standard normal if it is low.
        log_snrs: rising, in nats, (T + 1,).

    Returns:
        z at the last log-SNR, (B, ...), on the variance-preserving scale.

    Raises:
        ValueError: fewer than two log-SNRs, or some that do not rise.

    References:
        Song et al. (2021), Denoising Diffusion Implicit Models, eq. 12 with sigma = 0.

    Example:
        >>> from dgm_core.diffusion.denoised import exact_denoiser
        >>> from dgm_core.mixtures import Mixture
        >>> point = exact_denoiser(Mixture(torch.ones(1, 1), torch.zeros(1), torch.ones(1)))
        >>> ddim(point, torch.randn(1, 1), [-20.0, 20.0])  # one step is enough
        tensor([[1.0000]])
    """
    for low, high in pairwise(_numbers(log_snrs, z)):
        denoised = denoiser(z, low.expand(len(z)))
        signal, noise = variance_preserving(high)
        z = signal * denoised.data + noise * denoised.noise
    return z


def ancestral(
    denoiser: Denoiser,
    z: Float[Tensor, " batch *event"],
    log_snrs: Sequence[float] | Float[Tensor, " points"],
    noise: Float[Tensor, " steps batch *event"],
    variance: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Float[Tensor, " batch *event"]:
    r"""Walk up a list of log-SNRs as the noising chain backwards, with new noise in each step.

    Each step draws from the posterior of the chain, with the model's estimate in place of x.

    Args:
        denoiser: the model.
        z: noised examples at the first log-SNR, (B, ...).
        log_snrs: rising, in nats, (T + 1,).
        noise: standard normal numbers, (T, B, ...).
        variance: of a step's draw, from the two log-SNRs; None is the posterior's own,
            :math:`\tilde b`. See `forward_variance`.

    Returns:
        z at the last log-SNR, (B, ...), on the variance-preserving scale.

    Raises:
        ValueError: there is not a set of noise for each step, or as for `ddim`.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, algorithm 2; Kingma et al.
        (2021), Variational Diffusion Models, appendix A, for any two levels.

    Example:
        >>> from dgm_core.diffusion.denoised import exact_denoiser
        >>> from dgm_core.mixtures import Mixture
        >>> point = exact_denoiser(Mixture(torch.ones(1, 1), torch.zeros(1), torch.ones(1)))
        >>> ancestral(point, torch.randn(1, 1), [-20.0, 0.0, 40.0], torch.randn(2, 1, 1))
        tensor([[1.0000]])
    """
    rungs = _numbers(log_snrs, z)
    if len(noise) != len(rungs) - 1:
        raise ValueError(
            f"{len(rungs)} log-SNRs make {len(rungs) - 1} steps; {len(noise)} sets of noise came"
        )
    checks.event("noise", noise, z.shape, "a set of its own for each step: (T, B, ...)")
    for (low, high), e in zip(pairwise(rungs), noise, strict=True):
        data = denoiser(z, low.expand(len(z))).data
        mean, own = step_posterior(z, data, low.expand(len(z)), high.expand(len(z)))
        chosen = own[0] if variance is None else variance(low, high)
        z = mean + chosen.sqrt() * e
    return z


def _time(z: Tensor, time: float) -> Tensor:
    return torch.full_like(z.flatten(1)[:, 0], time)


def _step(start: float, end: float, num_steps: int) -> float:
    checks.at_least(1, "there is a way to go", num_steps=num_steps)
    return (end - start) / num_steps


def _checked(velocity: Velocity) -> Velocity:
    """Return the same velocity, held to the shape of the points that it moves."""

    def moved(z: Tensor, time: Tensor) -> Tensor:
        found = velocity(z, time)
        checks.same_shape("a velocity for each number of a point", z=z, velocity=found)
        return found

    return moved


def _numbers(log_snrs: Sequence[float] | Tensor, z: Tensor) -> Tensor:
    rungs = torch.as_tensor(log_snrs, dtype=z.dtype, device=z.device)
    checks.rising("log_snrs", rungs, "they lead from noise to data")
    return rungs
