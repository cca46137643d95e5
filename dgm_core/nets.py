"""The networks of the models: plain modules from tensors to tensors, no distributions."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn


def mlp(sizes: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Build linear layers of the given sizes, with an activation between them, none at the end.

    Args:
        sizes: input size, hidden sizes, output size.
        activation: class of the activation.

    Returns:
        A module from (..., sizes[0]) to (..., sizes[-1]).

    Raises:
        ValueError: fewer than two sizes.

    Example:
        >>> decoder = mlp([2, 512, 784])
        >>> decoder(torch.zeros(5, 2)).shape, sum(p.numel() for p in decoder.parameters())
        (torch.Size([5, 784]), 403728)
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes is {list(sizes)}; an input and an output size are needed")
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def full_precision(x: Float[Tensor, " *shape"]) -> Float[Tensor, " *shape"]:
    """Return what a network computed in bfloat16 as float32, and anything else as it is.

    Under autocast a network's output has 8 significant bits. That is enough for a logit or a
    mean, but not for a sum over 784 pixels, so probabilities and losses begin with this.
    """
    return x.float() if x.dtype == torch.bfloat16 else x


class GaussianHead(nn.Module):
    """Hidden layers with ReLU, then two linear heads: the mean and the log-variance.

    References:
        Kingma and Welling (2014), Auto-Encoding Variational Bayes, appendix C.2.

    Example:
        >>> mean, log_var = GaussianHead(784, 64, 2)(torch.zeros(5, 784))
        >>> mean.shape, log_var.shape
        (torch.Size([5, 2]), torch.Size([5, 2]))
    """

    def __init__(self, in_features: int, hidden: int | Sequence[int], out_features: int):
        """Set up in_features -> hidden -> (out_features, out_features).

        Args:
            in_features: numbers of an input.
            hidden: units of the hidden layer, or of each of several.
            out_features: numbers of either output.
        """
        super().__init__()
        sizes = [hidden] if isinstance(hidden, int) else list(hidden)
        self.trunk = nn.Sequential(*mlp([in_features, *sizes]), nn.ReLU())
        self.mean = nn.Linear(sizes[-1], out_features)
        self.log_var = nn.Linear(sizes[-1], out_features)

    def forward(
        self, x: Float[Tensor, " *batch event"]
    ) -> tuple[Float[Tensor, " *batch latent"], Float[Tensor, " *batch latent"]]:
        """Return the mean and the logarithm of the variance, each (..., out_features)."""
        h = self.trunk(x)  # (..., hidden)
        return self.mean(h), self.log_var(h)
