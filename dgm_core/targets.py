"""Distributions on the plane whose densities are known exactly: data for small experiments."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Ring:
    """A mixture of equal round Gaussians whose centres are evenly spaced on a circle.

    Attributes:
        modes: number of Gaussians.
        radius: of the circle around the origin.
        scale: standard deviation of each Gaussian, in either direction.

    References:
        Metz et al. (2017), Unrolled Generative Adversarial Networks.
    """

    modes: int = 8
    radius: float = 2.0
    scale: float = 0.1

    def centres(self, device: torch.device | str = "cpu") -> Float[Tensor, " modes 2"]:
        """Return the centres, (modes, 2), from angle 0 anticlockwise; float32, on `device`."""
        angle = torch.arange(self.modes, device=device) * (2 * math.pi / self.modes)
        return self.radius * torch.stack([angle.cos(), angle.sin()], 1)

    def from_noise(
        self, which: Float[Tensor, " *batch"], spread: Float[Tensor, " *batch 2"]
    ) -> Float[Tensor, " *batch 2"]:
        """Make samples from noise, a pure function for a page that draws the noise itself.

        Args:
            which: uniform on [0, 1), chooses the Gaussian, (...).
            spread: standard normal, (..., 2).

        Returns:
            (..., 2).
        """
        angle = (self.modes * which).floor() * (2 * math.pi / self.modes)
        centre = self.radius * torch.stack([angle.cos(), angle.sin()], -1)
        return centre + self.scale * spread

    def sample(
        self,
        sample_shape: Sequence[int] = (),
        device: torch.device | str = "cpu",
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " *sample 2"]:
        """Draw points.

        Args:
            sample_shape: how many, in any arrangement.
            device: where they are drawn.
            generator: source of the draws, on `device`; torch's default if None.

        Returns:
            (*sample_shape, 2), float32.
        """
        options = {"device": device, "generator": generator}
        which = torch.rand(*sample_shape, **options)
        return self.from_noise(which, torch.randn(*sample_shape, 2, **options))

    def log_prob(self, x: Float[Tensor, " *batch 2"]) -> Float[Tensor, " *batch"]:
        """Return the exact log density at x, (...), in nats."""
        away = (
            x[..., None, :] - self.centres(x.device).to(x.dtype)
        ) / self.scale  # (..., modes, 2)
        constant = math.log(self.modes * 2 * math.pi * self.scale**2)
        return (-0.5 * away.square().sum(-1)).logsumexp(-1) - constant

    def nearest(
        self, x: Float[Tensor, " *batch 2"]
    ) -> tuple[Int[Tensor, " *batch"], Float[Tensor, " *batch"]]:
        """Return the nearest Gaussian of each point, (...), and how many sigmas away, (...)."""
        away = (x[..., None, :] - self.centres(x.device).to(x.dtype)) / self.scale
        distance, index = away.square().sum(-1).min(-1)
        return index, distance.sqrt()
