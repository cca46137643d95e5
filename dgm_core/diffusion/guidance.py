r"""Guidance by a label: what the mixed score is, and what three ways to sample make of it."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core.diffusion.denoised import Denoised, Denoiser


def guided(unconditional: Denoiser, conditional: Denoiser, weight: float | Tensor) -> Denoiser:
    r"""Return the denoiser whose score is :math:`(1 - w) s_0 + w s_y`.

    With w = 0 it knows no label, with w = 1 it is the conditional, and above 1 it goes beyond.
    (Where others write :math:`(1 + w) s_y - w s_0`, their w is this one less 1.)

    Args:
        unconditional: the model without the label.
        conditional: the model with it.
        weight: w, one number, or one for each example, (B, 1, ...).

    References:
        Ho and Salimans (2022), Classifier-Free Diffusion Guidance, eq. 6.

    Example:
        >>> from dgm_core.diffusion.denoised import exact_denoiser
        >>> from dgm_core.mixtures import Mixture
        >>> pair = Mixture(torch.tensor([[-1.0], [1.0]]), torch.zeros(2), torch.full((2,), 0.5))
        >>> model = guided(exact_denoiser(pair), exact_denoiser(pair.part(1)), weight=3.0)
        >>> model(torch.zeros(1, 1), torch.zeros(1)).data
        tensor([[3.]])
    """

    def denoiser(z: Float[Tensor, " batch *event"], log_snr: Float[Tensor, " batch"]) -> Denoised:
        without, given = unconditional(z, log_snr), conditional(z, log_snr)
        pairs = zip(without, given, strict=True)
        return Denoised(*(torch.lerp(one, two, weight) for one, two in pairs))

    return denoiser


class GuidedVariances(NamedTuple):
    """What is sampled from when a guided score is followed, for normals: three variances.

    Attributes:
        tilted: of the distribution proportional to p(x)^(1 - w) p(x|y)^w.
        ode: of what the probability-flow ODE ends in.
        sde: of what the reverse SDE ends in.
    """

    tilted: float
    ode: float
    sde: float


def guided_normal(
    weight: float, variance: float = 2.0, conditional: float = 1.0
) -> GuidedVariances:
    r"""Return the three answers for p(x) = N(0, V) and p(x|y) = N(0, c), noised without end.

    The guided score is at every level that of a tilted marginal, but these are not the noised
    versions of one distribution: so ODE and SDE, which agree for true scores, part. With
    :math:`r = c / V` they are :math:`1 / ((1 - w) / V + w / c)`, :math:`V^{1 - w} c^w`, and
    :math:`V^2 r^{2w} (1 - r^{1 - 2w}) / ((V - c)(1 - 2w))`.

    Args:
        weight: w; 1 is the conditional.
        variance: V, above the conditional's.
        conditional: c, positive.

    Raises:
        ValueError: V is not above c, or the tilted density has no finite integral.

    References:
        After Bradley and Nakkiran (2024), Classifier-Free Guidance is a Predictor-Corrector, who
        have the counterexample with V = 2 and c = 1.

    Example:
        >>> [round(answer, 4) for answer in guided_normal(3.0)]
        [0.5, 0.25, 0.3875]
    """
    if not 0 < conditional < variance:
        raise ValueError(
            f"the variances are {variance} and {conditional}: the label has to tell "
            "something, so the first is larger"
        )
    precision = (1 - weight) / variance + weight / conditional
    if not precision > 0:
        raise ValueError(f"with weight {weight} the tilted density is no density")
    ratio, power = conditional / variance, 1 - 2 * weight
    area = (1 - ratio**power) / power if power else -math.log(ratio)
    sde = variance**2 * ratio ** (2 * weight) * area / (variance - conditional)
    return GuidedVariances(1 / precision, variance ** (1 - weight) * conditional**weight, sde)
