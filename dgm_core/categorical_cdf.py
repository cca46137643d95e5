"""The coupling of the coarse-to-fine flow: a distribution function with knots on the bin edges."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dgm_core.bijections import Bijection, Mapped


class CategoricalCDF(Bijection):
    r"""The distribution function of a number that is spread evenly over one of K equal bins.

    The bins cut [0, 1] into K parts and bin k has probability :math:`P_k`. With k the bin of x
    and :math:`C_k = P_0 + \dots + P_{k-1}`, latent and data are related by
    :math:`z = C_k + (Kx - k) P_k`: piecewise linear, onto [0, 1], with the slope :math:`K P_k`,
    constant on a bin. With uniform z, x is a dequantized draw of the categorical distribution.

    Args:
        log_probs: logarithms of the probabilities, (B, *event, K) or (*event, K), each K of them
            normalised.

    References:
        Müller et al. (2019), Neural Importance Sampling, section 4.2.
    """

    def __init__(self, log_probs: Tensor):
        """Take the probabilities of the bins, (..., K), as logarithms."""
        super().__init__()
        self.bins = log_probs.shape[-1]
        self.log_probs = log_probs
        probs = log_probs.exp()
        self.ends = probs.cumsum(-1)  # C_1 to C_K
        self.starts = self.ends - probs  # C_0 to C_(K-1)

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the quantiles at z in [0, 1): the data, each strictly inside the bin it is in."""
        k = (z[..., None] >= self.ends[..., :-1]).sum(-1)
        log_p, start = self._at(k)
        tiny = torch.finfo(z.dtype).tiny
        margin = 2 * self.bins * torch.finfo(z.dtype).eps  # k + inside is not to round to k + 1
        inside = ((z - start) / log_p.exp().clamp(min=tiny)).clamp(0.0, 1.0 - margin)
        return (k + inside) / self.bins, -self._log_slope(log_p)

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Return the distribution function at x in [0, 1), and the log-density there."""
        k = bin_of(x, self.bins)
        log_p, start = self._at(k)
        return start + (self.bins * x - k) * log_p.exp(), self._log_slope(log_p)

    def _at(self, k: Tensor) -> tuple[Tensor, Tensor]:
        """Return log P_k and C_k."""
        shape, index = (*k.shape, self.bins), k[..., None]
        log_p = self.log_probs.expand(shape).gather(-1, index)[..., 0]
        return log_p, self.starts.expand(shape).gather(-1, index)[..., 0]

    def _log_slope(self, log_p: Tensor) -> Tensor:
        """Add up log K P_k over the event."""
        scale = torch.tensor(self.bins, dtype=log_p.dtype, device=log_p.device).log()
        return (log_p + scale).flatten(1).sum(1)


def bin_of(x: Float[Tensor, " *shape"], bins: int) -> Int[Tensor, " *shape"]:
    """Return the number of the bin that each x in [0, 1) is in, from 0 to bins - 1.

    Args:
        x: numbers, (...).
        bins: how many bins of one width there are.
    """
    return (bins * x).long().clamp(0, bins - 1)
