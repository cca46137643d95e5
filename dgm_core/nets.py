"""The networks of the models: plain modules from tensors to tensors, no distributions."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
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


class MaskedLinear(nn.Linear):
    """A linear layer of which some weights are 0 and stay so.

    Attributes:
        mask: 1. where a weight is kept, (outputs, inputs).

    Example:
        >>> layer = MaskedLinear(torch.tensor([[True, False]]))
        >>> layer(torch.tensor([[0.0, 1.0]])).equal(layer(torch.tensor([[0.0, 9.0]])))
        True
    """

    def __init__(self, mask: Bool[Tensor, " outputs inputs"]):
        """Take which inputs each output may see."""
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.float(), persistent=False)

    def forward(self, x: Float[Tensor, " *batch inputs"]) -> Float[Tensor, " *batch outputs"]:
        """Return what the masked weights and the bias make of x, (..., outputs)."""
        return F.linear(x, self.weight * self.mask, self.bias)


def masked_mlp(
    order: Sequence[int],
    hidden: Sequence[int],
    outputs: int = 1,
    activation: type[nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Build MADE's network: numbers for each input, which see only those earlier in an order.

    Every unit has a number, and sees only units with smaller ones: an input its place in the
    order, a hidden unit a place to look back from.

    Args:
        order: which of the D inputs comes first, second, and so on; a permutation.
        hidden: sizes of the hidden layers.
        outputs: how many numbers for each input.
        activation: class of the activation.

    Returns:
        A module from (..., D) to (..., D * outputs), those of one input side by side.

    References:
        Germain et al. (2015), MADE: Masked Autoencoder for Distribution Estimation, eq. 12 and 13.

    Example:
        >>> net = masked_mlp([0, 1, 2], hidden=[8], outputs=2)
        >>> one, other = net(torch.tensor([[3.0, 4.0, 5.0], [3.0, 9.0, 9.0]]))
        >>> one[:4].equal(other[:4])  # of the first two inputs
        True
    """
    place = torch.empty(len(order), dtype=torch.long)
    place[list(order)] = torch.arange(1, len(order) + 1)
    # Each place to look back from as often as the others, and none that sees everything.
    numbers = [place, *(1 + torch.arange(size) % max(len(order) - 1, 1) for size in hidden)]
    layers = []
    for seen, seeing in pairwise(numbers):
        layers += [MaskedLinear(seeing[:, None] >= seen), activation()]
    last = place.repeat_interleave(outputs)[:, None] > numbers[-1]
    return nn.Sequential(*layers, MaskedLinear(last))
