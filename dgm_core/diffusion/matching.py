r"""What denoisers and velocities are trained on: squared errors, one value an example.

One pass gives the error of the data, of the noise and of v; they are the same error on three
scales. Which of them a loss takes, and which log-SNRs it asks for, is a weighting of one curve.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.diffusion.denoised import Denoiser, signal_and_noise, with_axes_of
from dgm_core.diffusion.samplers import Velocity


class SquaredErrors(NamedTuple):
    r"""The error of a denoiser on three scales, each summed over the dimensions, (B,).

    Attributes:
        data: :math:`|x - \hat x|^2`.
        noise: :math:`|e - \hat e|^2`, which is the data's times the signal-to-noise ratio; half
            of it, integrated over the log-SNR, is the diffusion term of the bound, in nats.
        turn: :math:`|v - \hat v|^2`, the data's over the square of the noise.
    """

    data: Tensor
    noise: Tensor
    turn: Tensor


def squared_errors(
    denoiser: Denoiser,
    x: Float[Tensor, " batch *event"],
    log_snr: Float[Tensor, " batch"],
    noise: Float[Tensor, " batch *event"] | None = None,
) -> SquaredErrors:
    """Noise examples, ask the denoiser, and return how wrong it is.

    ``.noise`` is the "simple" loss of DDPM where the log-SNRs are those of its steps; ``.turn`` is
    bounded at both ends.

    Args:
        denoiser: the model.
        x: data, (B, ...).
        log_snr: of each example, (B,), in nats.
        noise: standard normal numbers, (B, ...); drawn here if None. With it the function is
            pure, as a live figure has to be.

    Returns:
        The `SquaredErrors`, each (B,).

    Raises:
        ValueError: noise, or what the denoiser says, is of another shape than x.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 14; Salimans and Ho
        (2022), Progressive Distillation for Fast Sampling of Diffusion Models, appendix D.

    Example:
        >>> from dgm_core.diffusion.denoised import exact_denoiser
        >>> from dgm_core.mixtures import Mixture
        >>> nothing = exact_denoiser(Mixture(torch.zeros(1, 1), torch.zeros(1), torch.ones(1)))
        >>> errors = squared_errors(nothing, torch.full((1, 1), 2.0), torch.zeros(1))
        >>> [round(error.item(), 4) for error in errors]
        [4.0, 4.0, 8.0]
    """
    noise = torch.randn_like(x) if noise is None else noise
    checks.same_shape("noise for each number", x=x, noise=noise)
    a, s = signal_and_noise(log_snr, x)
    denoised = denoiser(a * x + s * noise, log_snr)
    cure = "a denoiser says of each number what it is"
    checks.same_shape(cure, x=x, data_of_denoiser=denoised.data, its_noise=denoised.noise)
    of_data, of_noise = x - denoised.data, noise - denoised.noise
    errors = of_data, of_noise, a * of_noise - s * of_data
    return SquaredErrors(*(error.flatten(1).square().sum(1) for error in errors))


def flow_matching_loss(
    velocity: Velocity,
    x: Float[Tensor, " batch *event"],
    time: Float[Tensor, " batch"] | None = None,
    noise: Float[Tensor, " batch *event"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Conditional flow matching on straight lines, :math:`|u(t x + (1 - t) e, t) - (x - e)|^2`.

    Its gradient is that of matching the velocity of all lines together. Its least value is not 0:
    lines cross, and where they do one velocity has to serve several.

    Args:
        velocity: u, of points and times.
        x: data, (B, ...).
        time: on [0, 1], 0 is noise, (B,); uniform if None.
        noise: standard normal e, (B, ...); drawn here if None.

    Returns:
        (B,), in squared units of x, summed over the dimensions.

    Raises:
        ValueError: noise or the velocity is of another shape than x, or not one time an example.

    References:
        Lipman et al. (2023), Flow Matching for Generative Modeling, eq. 23, and theorem 2.

    Example:
        >>> still = lambda z, time: torch.zeros_like(z)
        >>> one, half = torch.ones(1, 2), torch.full((1,), 0.5)
        >>> flow_matching_loss(still, one, half, noise=-one)  # each dimension is 2 away
        tensor([8.])
    """
    time = torch.rand_like(x.flatten(1)[:, 0]) if time is None else time
    noise = torch.randn_like(x) if noise is None else noise
    checks.same_shape("noise for each number", x=x, noise=noise)
    checks.within("time", time, 0, 1, "time goes from 0, noise, to 1, data")
    t = with_axes_of(time, x)
    found = velocity(t * x + (1 - t) * noise, time)
    checks.same_shape("a velocity for each number", x=x, velocity=found)
    wrong = found - (x - noise)
    return wrong.flatten(1).square().sum(1)
