"""MADE: a network whose masks leave each output a function of the earlier inputs alone."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.autoregressive.noise import uniform_noise
from dgm_core.nets import full_precision, masked_mlp


class MADE(nn.Module):
    r"""A distribution of D bits, :math:`\prod_d p(x_d \mid \text{those before it in the order})`.

    Every unit has a number, and sees only units with smaller ones: an input its place in the
    order, a hidden unit a place to look back from. So all D conditionals come from one pass, and
    the probabilities of all 2^D vectors add up to 1 whatever the weights are.

    Attributes:
        order: which dimension is drawn first, second, and so on.

    References:
        Germain et al. (2015), MADE: Masked Autoencoder for Distribution Estimation, eq. 12 and 13.

    Example:
        >>> made = MADE(3, hidden=(8,), order=[2, 0, 1])
        >>> bits = torch.tensor([0.0, 1.0])
        >>> round(made.log_prob(torch.cartesian_prod(bits, bits, bits)).exp().sum().item(), 4)
        1.0
        >>> made.sample((5,)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        num_dims: int,
        hidden: Sequence[int] = (1024,),
        order: Sequence[int] | None = None,
    ):
        """Make the networks and their masks.

        Args:
            num_dims: D.
            hidden: sizes of the hidden layers, at least one.
            order: a permutation of the dimensions; None is 0, 1, ..., D - 1.

        Raises:
            ValueError: `order` is no permutation, or there is no hidden layer.
        """
        super().__init__()
        self.order = tuple(range(num_dims)) if order is None else tuple(int(d) for d in order)
        if sorted(self.order) != list(range(num_dims)):
            raise ValueError(f"order must hold each of 0 to {num_dims - 1} once")
        if not hidden:
            raise ValueError("hidden is empty: without a hidden layer use one `nets.MaskedLinear`")
        self.net = masked_mlp(self.order, hidden)

    def logits(self, x: Float[Tensor, " *batch event"]) -> Float[Tensor, " *batch event"]:
        """Return the logit of each bit being 1 given those before it, (..., D).

        Raises:
            ValueError: another number of bits.
        """
        checks.last("x", x, len(self.order), "one number for each bit of the model")
        return full_precision(self.net(x))

    def conditionals(self, x: Float[Tensor, " *batch event"]) -> Float[Tensor, " *batch event"]:
        """Return log p(x_d given those before it), (..., D), in nats: what each bit costs.

        Args:
            x: zeros and ones, (..., D).

        Raises:
            ValueError: another number of bits, or numbers that are no bits, where `checks` see it.
        """
        checks.whole("x", x, 0, 1, "draw bits, by data.binarize or torch.bernoulli")
        logits = self.logits(x)
        return F.logsigmoid(torch.where(x > 0.5, logits, -logits))

    def log_prob(self, x: Float[Tensor, " *batch event"]) -> Float[Tensor, " *batch"]:
        """Return the exact log P(x), (...), in nats.

        Args:
            x: zeros and ones, (..., D).

        Raises:
            ValueError: as for `conditionals`.
        """
        return self.conditionals(x).sum(-1)

    @torch.no_grad()
    def sample(
        self,
        sample_shape: Sequence[int] = (),
        noise: Float[Tensor, " *sample event"] | None = None,
    ) -> Float[Tensor, " *sample event"]:
        """Draw vectors, one bit after the other in the model's own order: D passes.

        Args:
            sample_shape: how many, in any arrangement.
            noise: uniform on [0, 1), (*sample_shape, D); drawn here if None.

        Returns:
            (*sample_shape, D), zeros and ones.

        Raises:
            ValueError: noise of another shape.
            TypeError: a number for the sample shape.
        """
        shape = (*checks.arranged(sample_shape), len(self.order))
        noise = uniform_noise(shape, noise, self.net[-1].bias, "bit")
        return self.complete(torch.zeros_like(noise), torch.zeros_like(noise), noise)

    @torch.no_grad()
    def complete(
        self,
        x: Float[Tensor, " *batch event"],
        known: Float[Tensor, " *batch event"],
        noise: Float[Tensor, " *batch event"],
    ) -> Float[Tensor, " *batch event"]:
        """Keep what is known and draw the rest, each bit given those before it in the order.

        A known bit that comes late in the order has no say in those drawn before it: this is the
        conditional distribution only where what is known comes first.

        Args:
            x: zeros and ones, (..., D); what is not known does not matter.
            known: 1. where x is kept, 0. where it is drawn, (..., D).
            noise: uniform on [0, 1), (..., D).

        Returns:
            (..., D), zeros and ones.

        Raises:
            ValueError: the three differ in shape.
        """
        checks.same_shape("one of each for a bit", x=x, known=known, noise=noise)
        x = x * known
        for d in self.order:
            drawn = (noise[..., d] < self.logits(x)[..., d].sigmoid()).to(x.dtype)
            column = torch.where(known[..., d] > 0.5, x[..., d], drawn)
            x = torch.cat([x[..., :d], column[..., None], x[..., d + 1 :]], -1)
        return x
