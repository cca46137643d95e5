"""Likelihoods in bits a dimension, in which densities of pixels and masses can be compared."""

import math

from jaxtyping import Float
from torch import Tensor

from dgm_core import checks


def bits_per_dim(
    log_prob: Float[Tensor, " *batch"], num_dims: int, bins: int = 1
) -> Float[Tensor, " *batch"]:
    r"""Negative log-likelihood in bits a dimension, :math:`-\log_2 p(x) / D + \log_2` bins.

    Args:
        log_prob: log density of each example, in nats, (B,).
        num_dims: D, numbers in an example.
        bins: how many values of the data share an interval of length 1: 256 for pixels that
            `data.dequantize` made. The second term is the Jacobian of that scaling.

    Returns:
        (B,), in bits, to minimise.

    Raises:
        ValueError: `num_dims` or `bins` is less than 1.

    References:
        Theis et al. (2016), A note on the evaluation of generative models, section 3.1.

    Example:
        >>> bits_per_dim(torch.tensor([0.0]), num_dims=784, bins=256)  # all grey values alike
        tensor([8.])
    """
    checks.at_least(1, "the numbers in an example, and 256 bins for grey", D=num_dims, bins=bins)
    return -log_prob / (num_dims * math.log(2)) + math.log2(bins)
