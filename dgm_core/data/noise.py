"""The noise models of pixels: grey values drawn as black and white, or spread over their bins."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from dgm_core import checks


def binarize(
    images: UInt8[Tensor, " n height width"], generator: torch.Generator | None = None
) -> Float[Tensor, " n pixels"]:
    """Draw every pixel as 0. or 1., with its grey value over 255 as the probability of 1.

    Drawn afresh for every batch, this is "dynamic binarisation": data for a Bernoulli decoder.

    Args:
        images: uint8, (N, H, W).
        generator: source of the draws, on the device of `images`; torch's default if None.

    Returns:
        (N, H * W), float, zeros and ones.

    Raises:
        TypeError: images of another type.
        ValueError: no batch of images.

    References:
        Salakhutdinov and Murray (2008), On the Quantitative Analysis of Deep Belief Networks;
        Burda et al. (2016), Importance Weighted Autoencoders, section 5.

    Example:
        >>> binarize(torch.tensor([[[0, 255]]], dtype=torch.uint8))
        tensor([[0., 1.]])
    """
    grey = _grey(images, "for grey values from 0 to 1 use torch.bernoulli")
    u = torch.rand(grey.shape, generator=generator, device=grey.device)
    return (255 * u < grey).to(u.dtype)  # black is never drawn, white always is: 0 <= u < 1


def binarize_once(
    images: UInt8[Tensor, " n height width"], seed: int = 0
) -> Float[Tensor, " n pixels"]:
    """Draw every pixel once, the same on every device, whatever was drawn before or will be after.

    Validation and test digits are binarised so: all who ask with one seed see the same pixels.
    The published "fixed" binarisation of Larochelle and Murray is another such draw, from a file
    of its own; a likelihood under it differs from one under this by the luck of one draw. Take
    the whole part first and then choose rows, for a row's draw depends on its place.

    Args:
        images: uint8, (N, H, W).
        seed: of the draw, 0 or more.

    Returns:
        (N, H * W), float, zeros and ones, on the device of `images`.

    Raises:
        TypeError: images of another type.
        ValueError: no batch of images.

    References:
        Larochelle and Murray (2011), The Neural Autoregressive Distribution Estimator.

    Example:
        >>> grey = torch.full((1, 2, 3), 128, dtype=torch.uint8)
        >>> torch.equal(binarize_once(grey), binarize_once(grey))
        True
        >>> torch.equal(binarize_once(grey), binarize_once(grey, seed=1))
        False
    """
    grey = _grey(images, "give grey values from 0 to 255, as mnist returns them, not divided")
    u = torch.rand(grey.shape, generator=torch.Generator().manual_seed(seed)).to(grey.device)
    return (255 * u < grey).to(u.dtype)


def dequantize(
    images: UInt8[Tensor, " n height width"], generator: torch.Generator | None = None
) -> Float[Tensor, " n pixels"]:
    """Spread every grey value evenly over its own bin: (images + u) / 256, u uniform on [0, 1).

    u is drawn from the midpoints of 2^15 equal cells. With these, every sum is exact in float32,
    so no draw is rounded up into the next bin or to 1: ``floor(256 * x)`` gives back the image.

    Args:
        images: uint8, (N, H, W).
        generator: source of the draws, on the device of `images`; torch's default if None.

    Returns:
        (N, H * W), float, in (0, 1).

    Raises:
        TypeError: images of another type.
        ValueError: no batch of images.

    References:
        Theis et al. (2016), A note on the evaluation of generative models, section 3.1.

    Example:
        >>> x = dequantize(torch.tensor([[[0, 255]]], dtype=torch.uint8))
        >>> (256 * x).floor()
        tensor([[  0., 255.]])
    """
    grey = _grey(images, "give grey values from 0 to 255, as mnist returns them, not divided")
    cell = torch.randint(2**15, grey.shape, generator=generator, device=grey.device)
    return (grey + (2 * cell + 1) / 2**16) / 256


def _grey(images: Tensor, cure: str) -> Tensor:
    """Return grey images as vectors, (N, H * W)."""
    checks.kind("images", images, torch.uint8, cure)
    if images.ndim != 3:
        raise ValueError(
            f"images is {checks.sizes(images.shape)}, but (N, H, W) is expected: a single image "
            "is images[:1], and vectors become images by unflatten(1, (28, 28))"
        )
    return images.flatten(1)
