"""The quantile of the standard normal distribution, of arithmetic that a browser has."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

# Polynomials of erf's inverse over x, in the middle and in the tails: Giles (2012), table 1.
_MIDDLE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_TAILS = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
    -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip


def normal_quantile(u: Float[Tensor, " *shape"]) -> Float[Tensor, " *shape"]:
    r"""Return :math:`\Phi^{-1}(u)`, the value below which a standard normal variable is with u.

    It turns even coordinates into a normal prior's: equal areas of the square have equal
    probability. Of plain arithmetic, so that a browser can do it; `torch.special.ndtri`, which it
    agrees with to 2e-6, cannot be exported.

    Args:
        u: probabilities, between 0 and 1.

    Returns:
        Of the shape of `u`; no number at 0 and 1 themselves.

    References:
        Kingma and Welling (2014), Auto-Encoding Variational Bayes, appendix A, for the use;
        Giles (2012), Approximating the erfinv function, for the computation.

    Example:
        >>> normal_quantile(torch.tensor([0.5, 0.975]))
        tensor([0.0000, 1.9600])
    """
    w = -(4 * u * (1 - u)).log()
    middle, tails = torch.zeros_like(u), torch.zeros_like(u)
    near, far = w - 2.5, w.clamp(min=0).sqrt() - 3
    for a, b in zip(_MIDDLE, _TAILS, strict=True):
        middle, tails = a + middle * near, b + tails * far
    return math.sqrt(2) * (2 * u - 1) * torch.where(w < 5, middle, tails)
