"""What generators have in common: from noise to examples, whose density nobody knows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks
from dgm_core.distributions import LatentPrior


class FromNoise(LatentPrior, ABC):
    """Base of the generators: a network from z ~ N(0, I) to examples.

    Attributes:
        latent_dim: number of dimensions of z.
    """

    @abstractmethod
    def forward(self, z: Float[Tensor, " batch latent"]) -> Float[Tensor, " batch event"]:
        """Return one example for each z, (B, numbers)."""

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = ()) -> Float[Tensor, " *sample event"]:
        """Draw examples: z from the prior, then G(z), in the mode that the module is in.

        Args:
            sample_shape: how many, in any arrangement.

        Returns:
            (*sample_shape, numbers).

        Raises:
            TypeError: a number for the sample shape.
        """
        shape = checks.arranged(sample_shape)
        made = self(self.prior.sample((shape.numel(),)))
        return made.reshape(*shape, made.shape[-1])
