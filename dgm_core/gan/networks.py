"""A generator and a discriminator of linear layers, and the normalisations between them."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.gan.noise import FromNoise
from dgm_core.nets import full_precision


class VirtualBatchNorm1d(nn.Module):
    r"""Batch normalisation that no example of the batch can see: by a fixed reference batch.

    The first rows of the input are the reference, normalised by their own mean and variance. Every
    other row is normalised by the statistics of the reference and of itself, as if it were the one
    row added to it. Training and evaluation are the same; there are no running statistics.

    Attributes:
        weight: scale of each feature, (features,).
        bias: shift of each feature, (features,).
        reference_size: rows at the front of every input that are the reference.

    References:
        Salimans et al. (2016), Improved Techniques for Training GANs, section 3.5.

    Example:
        >>> norm, x = VirtualBatchNorm1d(4, reference_size=8), torch.randn(10, 4)
        >>> torch.allclose(norm(x)[8], norm(x[:9])[8])  # no example sees the others of its batch
        True
    """

    def __init__(self, num_features: int, reference_size: int, eps: float = 1e-5):
        """Start as the identity on normalised features, as ``nn.BatchNorm1d`` does.

        Args:
            num_features: columns of the input.
            reference_size: rows of the reference batch.
            eps: added to the variance.

        Raises:
            ValueError: the reference has fewer than two rows.
        """
        super().__init__()
        if reference_size < 2:
            raise ValueError(f"reference_size is {reference_size}; a variance needs two rows")
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.reference_size = reference_size
        self.eps = eps

    def forward(self, x: Float[Tensor, " rows features"]) -> Float[Tensor, " rows features"]:
        """Normalise the reference rows, and each row behind them, (rows, features).

        Raises:
            ValueError: fewer rows than the reference has, or another number of features.
        """
        size, x = self.reference_size, full_precision(x)
        checks.at_least(size, "the reference goes first, the examples behind it", rows=len(x))
        checks.features("x", x, len(self.weight), "the normalisation")
        mean, variance = x[:size].mean(0), x[:size].var(0, correction=0)  # (features,)
        # How a mean and a variance of `size` rows move when one row joins them.
        share = 1 / (size + 1)
        away = x[size:] - mean  # (B, features)
        own = (1 - share) * (variance + share * away**2)
        reference = (x[:size] - mean) / (variance + self.eps).sqrt()
        examples = (1 - share) * away / (own + self.eps).sqrt()
        return self.weight * torch.cat([reference, examples]) + self.bias


class Generator(FromNoise):
    """A network from latent vectors z ~ N(0, I) to examples; by default these are in [-1, 1].

    Each hidden module is linear, batch normalisation, leaky ReLU, dropout. In training mode an
    example depends on its companions in the batch, and on chance; call ``eval()`` before sampling.

    Attributes:
        net: the layers.
        latent_dim: number of dimensions of z.
        reference: latents that virtual batch normalisation sends along, (R, latent_dim), or None.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets; Radford et al. (2016),
        Unsupervised Representation Learning with DCGANs, for normalisation and tanh.

    Example:
        >>> generator = Generator(latent_dim=32).eval()
        >>> generator(torch.zeros(5, 32)).shape, generator.sample((2, 3)).shape
        (torch.Size([5, 784]), torch.Size([2, 3, 784]))
    """

    def __init__(
        self,
        latent_dim: int = 32,
        hidden: Sequence[int] = (128, 256, 512, 1024),
        num_outputs: int = 784,
        *,
        batch_norm: bool = True,
        reference: Float[Tensor, " reference latent"] | None = None,
        dropout: float = 0.1,
        bounded: bool = True,
    ):
        """Build the network; the defaults are the book's generator of digits.

        Args:
            latent_dim: number of dimensions of z.
            hidden: sizes of the hidden modules.
            num_outputs: numbers in an example.
            batch_norm: whether each hidden module normalises.
            reference: (R, latent_dim), fixed latents; they make the normalisation virtual.
            dropout: share of the hidden units that are dropped; none if 0.
            bounded: whether a tanh is the last layer.

        Raises:
            ValueError: a `reference` without normalisation, or of another latent space.
        """
        super().__init__(latent_dim)
        if reference is not None and not batch_norm:
            raise ValueError(
                "a reference is for virtual batch normalisation: leave it out, or batch_norm on"
            )
        if reference is not None:
            checks.event("reference", reference, (latent_dim,), "draw it from the prior")
        layers = []
        for inputs, outputs in pairwise([latent_dim, *hidden]):
            layers.append(nn.Linear(inputs, outputs))
            if reference is not None:
                layers.append(VirtualBatchNorm1d(outputs, len(reference)))
            elif batch_norm:
                layers.append(nn.BatchNorm1d(outputs))
            layers += [nn.LeakyReLU(0.2), *_dropout(dropout)]
        layers += [
            nn.Linear([latent_dim, *hidden][-1], num_outputs),
            *([nn.Tanh()] if bounded else []),
        ]
        self.net = nn.Sequential(*layers)
        self.register_buffer("reference", reference)

    def forward(self, z: Float[Tensor, " batch latent"]) -> Float[Tensor, " batch event"]:
        """Return one example for each z, (B, num_outputs)."""
        if self.reference is None:
            return full_precision(self.net(z))
        return full_precision(self.net(torch.cat([self.reference, z]))[len(self.reference) :])


class Discriminator(nn.Module):
    """A network that tells examples of the data from generated ones; its sigmoid is D(x).

    Each hidden module is linear, leaky ReLU, dropout.

    Attributes:
        net: the layers.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets.

    Example:
        >>> Discriminator()(torch.zeros(5, 784)).shape
        torch.Size([5])
    """

    def __init__(
        self,
        num_inputs: int = 784,
        hidden: Sequence[int] = (512, 256),
        *,
        batch_norm: bool = False,
        dropout: float = 0.3,
    ):
        """Build the network; the defaults are the book's discriminator of digits.

        Args:
            num_inputs: numbers in an example.
            hidden: sizes of the hidden modules.
            batch_norm: whether each hidden module normalises; it then matters whether real and
                generated examples come in one batch or in two.
            dropout: share of the hidden units that are dropped; none if 0.
        """
        super().__init__()
        layers = []
        for inputs, outputs in pairwise([num_inputs, *hidden]):
            layers.append(nn.Linear(inputs, outputs))
            layers += [nn.BatchNorm1d(outputs)] if batch_norm else []
            layers += [nn.LeakyReLU(0.2), *_dropout(dropout)]
        self.net = nn.Sequential(*layers, nn.Linear([num_inputs, *hidden][-1], 1))

    def forward(self, x: Float[Tensor, " batch event"]) -> Float[Tensor, " batch"]:
        """Return the logit of D(x) for each example, (B,); above 0 means data.

        Raises:
            ValueError: x is no batch of vectors.
        """
        if x.ndim != 2:
            raise ValueError(
                f"x is {checks.sizes(x.shape)}, but (B, numbers) is expected: flatten(1) makes "
                "vectors of images, flatten(0, -2) one batch of many"
            )
        return full_precision(self.net(x).squeeze(1))


def _dropout(share: float) -> list[nn.Module]:
    return [nn.Dropout(share)] if share else []
