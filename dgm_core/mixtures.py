"""Mixtures of round normals: their noised densities, scores and posterior means in closed form."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks

_POINTS = "a number for each dimension of the means"


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""The density :math:`\sum_k w_k N(m_k, v_k I)`; with a variance of 0, points with masses.

    Whatever is added as normal noise leaves it a mixture, so that everything that a diffusion
    model learns is known here.

    Attributes:
        means: m, (K, D).
        variances: v, (K,), at least 0.
        weights: w, (K,), which sum to 1.

    Raises:
        ValueError: shapes that do not belong together, a variance below 0, or weights that are no
            shares, where `checks` see them.

    Example:
        >>> pair = Mixture(torch.tensor([[-1.0], [1.0]]), torch.zeros(2), torch.full((2,), 0.5))
        >>> blurred = pair.noised(signal=1.0, noise=0.5)
        >>> blurred.variances, blurred.log_prob(torch.zeros(1, 1))
        (tensor([0.2500, 0.2500]), tensor([-2.2258]))
    """

    means: Float[Tensor, " modes event"]
    variances: Float[Tensor, " modes"]
    weights: Float[Tensor, " modes"]

    def __post_init__(self) -> None:
        """Check what the density would be stretched or made wrong by."""
        checks.event("means", self.means, self.means.shape[-1:], "one row a mode, (K, D)")
        cure = "one for each mode, by expand if all are alike"
        each = {"variances": self.variances, "weights": self.weights}
        checks.same_shape(cure, **each, one_a_mode=self.means[..., 0])
        checks.within("variances", self.variances, 0, math.inf, "square standard deviations")
        checks.within("weights", self.weights, 0, 1, "divide them by their sum")
        checks.within("the sum of the weights", self.weights.sum(), 0.99, 1.01, "divide by it")

    def part(self, *modes: int) -> "Mixture":
        """Return the mixture given that one of some modes was drawn, as by a label.

        Args:
            modes: their numbers.
        """
        index = torch.tensor(modes, device=self.means.device)
        weights = self.weights[index]
        return Mixture(self.means[index], self.variances[index], weights / weights.sum())

    def from_noise(
        self, which: Float[Tensor, " *batch"], spread: Float[Tensor, " *batch event"]
    ) -> Float[Tensor, " *batch event"]:
        """Make samples from noise, a pure function for a page that draws the noise itself.

        Args:
            which: uniform on [0, 1), chooses the mode, (...).
            spread: standard normal, (..., D).

        Returns:
            (..., D).

        Raises:
            ValueError: noise of another number of dimensions, or not one choice a point.
        """
        checks.last("spread", spread, self.means.shape[1], _POINTS)
        checks.same_shape("one choice a point", which=which, points=spread[..., 0])
        edges = self.weights.cumsum(0)[:-1]
        mode = (which[..., None] >= edges).sum(-1)
        return self.means[mode] + self.variances[mode].sqrt()[..., None] * spread

    def sample(
        self, sample_shape: Sequence[int] = (), generator: torch.Generator | None = None
    ) -> Float[Tensor, " *sample event"]:
        """Draw points.

        Args:
            sample_shape: how many, in any arrangement.
            generator: source of the draws, on the mixture's device; torch's default if None.

        Returns:
            (*sample_shape, D).
        """
        options = {"device": self.means.device, "generator": generator, "dtype": self.means.dtype}
        shape = checks.arranged(sample_shape)
        which = torch.rand(shape, **options)
        return self.from_noise(which, torch.randn((*shape, self.means.shape[1]), **options))

    def log_prob(self, x: Float[Tensor, " *batch event"]) -> Float[Tensor, " *batch"]:
        """Return the exact log density at x, (...), in nats; all variances are above 0.

        Raises:
            ValueError: points of another number of dimensions, or a variance of 0, where there is
                no density.
        """
        return self._log_joint(x).logsumexp(-1)

    def score(self, x: Float[Tensor, " *batch event"]) -> Float[Tensor, " *batch event"]:
        """Return the gradient of the log density by x, (..., D), in nats a unit of x.

        Raises:
            ValueError: as for `log_prob`.
        """
        share = self._log_joint(x).softmax(-1)[..., None]  # (..., K, 1)
        away = self.means - x[..., None, :]  # (..., K, D)
        return (share * away / self.variances[:, None]).sum(-2)

    def noised(
        self, signal: float | Float[Tensor, ""], noise: float | Float[Tensor, ""]
    ) -> "Mixture":
        """Return the distribution of ``signal * x + noise * e``, e standard normal.

        Args:
            signal: factor on x.
            noise: standard deviation of what is added.
        """
        variances = signal**2 * self.variances + noise**2
        return Mixture(signal * self.means, variances, self.weights)

    def posterior_means(
        self,
        z: Float[Tensor, " *batch event"],
        signal: Float[Tensor, " *#batch"],
        noise: Float[Tensor, " *#batch"],
    ) -> tuple[Float[Tensor, " *batch event"], Float[Tensor, " *batch event"]]:
        r"""Return the means of x and of e given :math:`z = a x + s e`: the best denoiser.

        Neither divides by a or by s, so that both are right up to either end, where one of the
        two is 0.

        Args:
            z: noised points, (..., D).
            signal: a, (...), or one number for all, in a tensor.
            noise: s, likewise; above 0 where a variance is 0.

        Returns:
            The mean of x and that of e, each (..., D).

        Raises:
            ValueError: points of another number of dimensions, or a signal or noise that is not of
                their shape.

        References:
            Efron (2011), Tweedie's Formula and Selection Bias, eq. 1.4, for the mean of x.
        """
        checks.last("z", z, self.means.shape[1], _POINTS)
        for name, value in (("signal", signal), ("noise", noise)):
            if value.numel() != 1:
                cure = "one for each point, or one number for all"
                checks.same_shape(cure, **{name: value, "one_a_point": z[..., 0]})
        a, s = signal[..., None], noise[..., None]  # (..., 1)
        variance = a**2 * self.variances + s**2  # (..., K)
        away = z[..., None, :] - a[..., None] * self.means  # (..., K, D)
        fit = -0.5 * away.square().sum(-1) / variance
        spread = 0.5 * self.means.shape[1] * variance.log()
        share = (self.weights.log() + fit - spread).softmax(-1)[..., None]  # (..., K, 1)
        each = self.means + a[..., None] * (self.variances / variance)[..., None] * away
        residual = s[..., None] / variance[..., None] * away
        return (share * each).sum(-2), (share * residual).sum(-2)

    def _log_joint(self, x: Tensor) -> Tensor:
        """Return the log of weight and density of each mode at x, (..., K)."""
        checks.last("x", x, self.means.shape[1], _POINTS)
        cure = "points have masses, and no density: blur them, by noised(1.0, 0.1)"
        checks.above("variances", self.variances, 0, cure)
        away = x[..., None, :] - self.means
        spread = 0.5 * self.means.shape[1] * (2 * math.pi * self.variances).log()
        return self.weights.log() - spread - 0.5 * away.square().sum(-1) / self.variances
