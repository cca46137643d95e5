r"""The smallest game of two: the data are one point, the generator another, D one slope.

Data are always 0, the generator always makes :math:`\theta`, and
:math:`D(x) = \sigma(\psi x)`. The game of two numbers, :math:`(\theta, \psi)`, shows what steps of
descent do near an equilibrium, here (0, 0). All functions are pure, and may run in a page.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(12)  # the mean over a standard normal
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def dirac_pull(
    place: Float[Tensor, " *batch 2"],
    penalty: Float[Tensor, ""] | float = 0.0,
    noise: Float[Tensor, ""] | float = 0.0,
) -> tuple[Float[Tensor, " *batch"], Float[Tensor, " *batch"]]:
    r"""Return how each player's descent moves it: the generator down V, the discriminator up.

    :math:`V = E[\log \sigma(\psi u) + \log(1 - \sigma(\psi (\theta + u)))]`, with u the instance
    noise that both kinds of examples get; the discriminator also pays
    :math:`\frac12 \gamma \psi^2`, the R1 penalty on its slope at the data.

    Args:
        place: the generator's :math:`\theta` and the discriminator's :math:`\psi`, (..., 2).
        penalty: :math:`\gamma` of R1.
        noise: standard deviation of u; the mean over it is a quadrature.

    Returns:
        :math:`-\partial V / \partial \theta` and
        :math:`\partial V / \partial \psi - \gamma \psi`, each (...).

    Raises:
        ValueError: places that are not two numbers.

    References:
        Mescheder et al. (2018), Which Training Methods for GANs do actually Converge?, section 2,
        for the game; lemmas 3.3 and 3.4 for noise and penalty.

    Example:
        >>> generator, discriminator = dirac_pull(torch.tensor([2.0, 0.0]))
        >>> generator.item(), discriminator.item()  # D says 1/2, and would do well to say less
        (0.0, -1.0)
    """
    checks.last("place", place, 2, "the generator's theta and the discriminator's psi")
    theta, psi = place[..., 0, None], place[..., 1, None]
    u = noise * torch.as_tensor(_NODES, dtype=place.dtype, device=place.device)
    weights = torch.as_tensor(_WEIGHTS, dtype=place.dtype, device=place.device)
    fooled = (psi * (theta + u)).sigmoid()  # D on generated examples, (..., nodes)
    missed = (-psi * u).sigmoid()  # 1 - D on data
    generator = (weights * fooled).sum(-1) * psi[..., 0]
    slope = (weights * (missed * u - fooled * (theta + u))).sum(-1)
    return generator, slope - penalty * psi[..., 0]


def dirac_step(
    place: Float[Tensor, " *batch 2"],
    rate: Float[Tensor, ""] | float,
    *,
    penalty: Float[Tensor, ""] | float = 0.0,
    noise: Float[Tensor, ""] | float = 0.0,
    alternating: Float[Tensor, ""] | float = 0.0,
) -> Float[Tensor, " *batch 2"]:
    r"""Return where one step of descent takes both players, (..., 2).

    Args:
        place: the generator's :math:`\theta` and the discriminator's :math:`\psi`, (..., 2).
        rate: learning rate of both.
        penalty: of R1; see `dirac_pull`.
        noise: instance noise.
        alternating: 1 if the generator moves after the discriminator, and sees its new slope; 0 if
            both move at once.

    Raises:
        ValueError: as `dirac_pull`.

    References:
        Mescheder et al. (2018), Which Training Methods for GANs do actually Converge?, appendix A.

    Example:
        >>> place = torch.tensor([1.0, 0.0])
        >>> dirac_step(place, 0.5)  # the generator sees no slope yet
        tensor([ 1.0000, -0.2500])
        >>> dirac_step(place, 0.5, alternating=1.0)
        tensor([ 0.9453, -0.2500])
    """
    _, of_discriminator = dirac_pull(place, penalty, noise)
    theta, psi = place[..., 0], place[..., 1]
    moved = psi + rate * of_discriminator
    seen = psi + alternating * (moved - psi)
    of_generator, _ = dirac_pull(torch.stack([theta, seen], -1), penalty, noise)
    return torch.stack([theta + rate * of_generator, moved], -1)


def dirac_growth(
    rate: Float[Tensor, " *shape"],
    *,
    penalty: Float[Tensor, " *shape"] | float = 0.0,
    noise: Float[Tensor, " *shape"] | float = 0.0,
    alternating: Float[Tensor, " *shape"] | float = 0.0,
) -> Float[Tensor, " *shape"]:
    r"""Return the largest absolute value of the eigenvalues of a step at the equilibrium.

    By it, in the long run, the distance to (0, 0) is multiplied in each step: below 1 the game
    ends, above 1 it does not. From trace t and determinant d of the step's matrix: with
    :math:`c = \gamma + \frac12 s^2`, :math:`d = 1 - hc` if the players take turns, and
    :math:`\frac14 h^2` more if they move at once.

    Args:
        rate: learning rate h.
        penalty: :math:`\gamma` of R1.
        noise: standard deviation s of the instance noise.
        alternating: 1 if the players take turns, 0 if they move at once.

    References:
        Mescheder et al. (2018), Which Training Methods for GANs do actually Converge?, lemmas A.1
        to A.10, for the flow and steps of either kind.

    Example:
        >>> h = torch.tensor(1.0)
        >>> dirac_growth(h), dirac_growth(h, alternating=1.0)  # away, and round and round
        (tensor(1.1180), tensor(1.))
    """
    damping = rate * (penalty + noise**2 / 2)
    turn = rate**2 / 4
    determinant = 1 - damping + (1 - alternating) * turn
    trace = 2 - damping - alternating * turn
    square = trace**2 - 4 * determinant
    real = (trace.abs() + square.clamp(min=0).sqrt()) / 2
    return torch.where(square > 0, real, determinant.clamp(min=0).sqrt())
