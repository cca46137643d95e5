r"""What a model says of a noised example: the data in it and the noise, each from the other.

A model here is a `Denoiser`: a function from z on the variance-preserving scale, (B, ...), and its
log-SNR, (B,), to a `Denoised`. Whichever of data, noise, their turn v, or score a network
predicts, the others follow, by :math:`z = a x + s e`.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.diffusion.clock import Path, log_snr_at, variance_preserving
from dgm_core.mixtures import Mixture

_PREDICTED = "a prediction has a number for each of z"


class Denoised(NamedTuple):
    """An estimate of both parts of z = a x + s e, on the variance-preserving scale.

    Attributes:
        data: of x, (B, ...).
        noise: of e, (B, ...).
    """

    data: Tensor
    noise: Tensor


#: From z, (B, ...), and its log-SNR, (B,), to the `Denoised` of it.
Denoiser = Callable[[Tensor, Tensor], Denoised]


def with_axes_of(numbers: Float[Tensor, " batch"], z: Float[Tensor, " batch *event"]) -> Tensor:
    """Give one number an example, (B,), as many axes as z, (B, 1, ...), to multiply it.

    Args:
        numbers: (B,).
        z: (B, ...).

    Raises:
        ValueError: numbers of another shape.
    """
    if numbers.shape not in ((), (1,), z.shape[:1]):
        raise ValueError(
            f"{checks.sizes(numbers.shape)} log-SNRs or times came for a batch of "
            f"{checks.sizes(z.shape)}: give one an example, (B,), as level.expand(len(z)) does"
        )
    return numbers.view(-1, *[1] * (z.ndim - 1))


def signal_and_noise(log_snr: Float[Tensor, " batch"], z: Float[Tensor, " batch *event"]) -> tuple:
    """Return signal and noise of the variance-preserving scale, each (B, 1, ...), to multiply z.

    Args:
        log_snr: (B,), in nats.
        z: (B, ...).

    Example:
        >>> signal_and_noise(torch.zeros(1), torch.ones(1, 2))
        (tensor([[0.7071]]), tensor([[0.7071]]))
    """
    signal, noise = variance_preserving(log_snr)
    return with_axes_of(signal, z), with_axes_of(noise, z)


def from_data(
    z: Float[Tensor, " batch *event"],
    data: Float[Tensor, " batch *event"],
    log_snr: Float[Tensor, " batch"],
) -> Denoised:
    r"""Take a prediction of x; the noise is :math:`(z - a x) / s`.

    Args:
        z: noised examples, variance preserving, (B, ...).
        data: the prediction, (B, ...).
        log_snr: (B,), in nats.

    Raises:
        ValueError: a prediction of another shape than z.

    Example:
        >>> from_data(torch.ones(1, 1), torch.zeros(1, 1), torch.zeros(1)).noise
        tensor([[1.4142]])
    """
    checks.same_shape(_PREDICTED, z=z, data=data)
    a, s = signal_and_noise(log_snr, z)
    return Denoised(data, (z - a * data) / s)


def from_noise(
    z: Float[Tensor, " batch *event"],
    noise: Float[Tensor, " batch *event"],
    log_snr: Float[Tensor, " batch"],
) -> Denoised:
    r"""Take a prediction of e; the data are :math:`(z - s e) / a`, uncertain where a is small.

    Args:
        z: noised examples, variance preserving, (B, ...).
        noise: the prediction, (B, ...).
        log_snr: (B,), in nats.

    Raises:
        ValueError: a prediction of another shape than z.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, eq. 15.

    Example:
        >>> from_noise(torch.ones(1, 1), torch.zeros(1, 1), torch.zeros(1)).data
        tensor([[1.4142]])
    """
    checks.same_shape(_PREDICTED, z=z, noise=noise)
    a, s = signal_and_noise(log_snr, z)
    return Denoised((z - s * noise) / a, noise)


def from_turn(
    z: Float[Tensor, " batch *event"],
    turn: Float[Tensor, " batch *event"],
    log_snr: Float[Tensor, " batch"],
) -> Denoised:
    r"""Take a prediction of :math:`v = a e - s x`.

    The data are :math:`a z - s v` and the noise is :math:`s z + a v`.
    v is what z would be a quarter of a turn further on the circle from data to noise. Nothing is
    divided by, so that a network that predicts it does well at both ends.

    Args:
        z: noised examples, variance preserving, (B, ...).
        turn: the prediction of v, (B, ...).
        log_snr: (B,), in nats.

    Raises:
        ValueError: a prediction of another shape than z.

    References:
        Salimans and Ho (2022), Progressive Distillation for Fast Sampling of Diffusion Models,
        section 4 and appendix D.

    Example:
        >>> x, noise = from_turn(torch.ones(1, 1), torch.zeros(1, 1), torch.zeros(1))
        >>> x, noise
        (tensor([[0.7071]]), tensor([[0.7071]]))
    """
    checks.same_shape(_PREDICTED, z=z, turn=turn)
    a, s = signal_and_noise(log_snr, z)
    return Denoised(a * z - s * turn, s * z + a * turn)


def from_score(
    z: Float[Tensor, " batch *event"],
    score: Float[Tensor, " batch *event"],
    log_snr: Float[Tensor, " batch"],
) -> Denoised:
    r"""Take the score of z: the noise is :math:`-s` times it, and the data follow.

    Args:
        z: noised examples, variance preserving, (B, ...).
        score: gradient of the log density of z, (B, ...).
        log_snr: (B,), in nats.

    Raises:
        ValueError: a score of another shape than z.

    References:
        Song et al. (2021), Score-Based Generative Modeling through Stochastic Differential
        Equations, section 3.3.

    Example:
        >>> z = torch.ones(1, 1)
        >>> from_score(z, -z, torch.zeros(1)).data  # data N(0, 1)
        tensor([[0.7071]])
    """
    checks.same_shape(_PREDICTED, z=z, score=score)
    _, s = signal_and_noise(log_snr, z)
    return from_noise(z, -s * score, log_snr)


def score_of_denoised(
    denoised: Denoised, log_snr: Float[Tensor, " batch"]
) -> Float[Tensor, " batch *event"]:
    r"""Return the score of z, :math:`-e / s`, from what a model says of it, (B, ...).

    Args:
        denoised: of z.
        log_snr: of z, (B,), in nats.

    Example:
        >>> score_of_denoised(Denoised(torch.zeros(1, 1), torch.ones(1, 1)), torch.zeros(1))
        tensor([[-1.4142]])
    """
    return -denoised.noise / signal_and_noise(log_snr, denoised.noise)[1]


def exact_denoiser(mixture: Mixture) -> Denoiser:
    """Return the best denoiser there is of data from a mixture of normals, in closed form.

    Args:
        mixture: of the data; z is (B, D).

    Example:
        >>> normal = Mixture(torch.zeros(1, 1), torch.ones(1), torch.ones(1))
        >>> exact_denoiser(normal)(torch.ones(1, 1), torch.zeros(1)).data
        tensor([[0.7071]])
    """

    def denoiser(z: Float[Tensor, " batch event"], log_snr: Float[Tensor, " batch"]) -> Denoised:
        return Denoised(*mixture.posterior_means(z, *variance_preserving(log_snr)))

    return denoiser


def velocity_on(path: Path, denoiser: Denoiser) -> Callable[[Tensor, Tensor], Tensor]:
    r"""Return the velocity that carries noise to data along a path, :math:`a' x + s' e`.

    The denoiser is asked at the path's log-SNR, with z brought to the scale that it knows. So one
    model serves every path; and where the model is exact, all paths end in the same points.

    Args:
        path: for instance `straight_path`.
        denoiser: the model.

    Returns:
        A function of z on the path, (B, ...), and of the time, (B,), to the velocity, (B, ...),
        in units of z over all of the time.

    References:
        Lipman et al. (2023), Flow Matching for Generative Modeling, theorem 3; Kingma and Gao
        (2023), Understanding Diffusion Objectives as the ELBO, section 2.

    Example:
        >>> normal = Mixture(torch.zeros(1, 1), torch.ones(1), torch.ones(1))
        >>> from dgm_core.diffusion.clock import straight_path
        >>> velocity_on(straight_path, exact_denoiser(normal))(torch.ones(1, 1), torch.zeros(1))
        tensor([[-1.0000]])
    """

    def velocity(
        z: Float[Tensor, " batch *event"], time: Float[Tensor, " batch"]
    ) -> Float[Tensor, " batch *event"]:
        point = path(time)
        scale = (point.signal**2 + point.noise**2).sqrt()
        denoised = denoiser(z / with_axes_of(scale, z), log_snr_at(path, time))
        return (
            with_axes_of(point.signal_rate, z) * denoised.data
            + with_axes_of(point.noise_rate, z) * denoised.noise
        )

    return velocity
