"""Images as one picture: in a grid, in rows with names, or over a latent plane."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from dgm_core import checks
from dgm_core.vae import VAE


def image_grid(images: Tensor, ax: Axes | None = None, ncols: int | None = None) -> Axes:
    """Draw images as one picture, row by row; ink is black, as in the live figures.

    Args:
        images: (N, pixels) of a square image, (N, H, W) or (N, 1, H, W); uint8 in 0 to 255, or
            float in 0 to 1.
        ax: matplotlib axes; new ones if None.
        ncols: images in a row; as square as can be if None.

    Raises:
        ValueError: no images, pixels that make no square image, floats far out of range, or less
            than one in a row.
        TypeError: another type.

    Example:
        >>> ax = image_grid(torch.zeros(6, 784), ncols=3)
        >>> ax.images[0].get_array().shape
        (56, 84)
    """
    images = _pictures(images)
    n, height, width = images.shape
    checks.at_least(1, "there is nothing to draw", number__images=n)
    ncols = int(np.ceil(np.sqrt(n))) if ncols is None else ncols
    checks.at_least(1, "images in a row", ncols=ncols)
    nrows = -(-n // ncols)
    grid = np.full((nrows * ncols, height, width), np.nan)  # what is left over stays transparent
    grid[:n] = images
    grid = grid.reshape(nrows, ncols, height, width).swapaxes(1, 2)
    ax = ax or plt.subplots(figsize=(0.6 * ncols, 0.6 * nrows))[1]
    ax.imshow(grid.reshape(nrows * height, ncols * width), cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def image_rows(rows: Mapping[str, Tensor], ax: Axes | None = None) -> Axes:
    """Draw rows of images, each with its name at the left: digits above their reconstructions.

    Args:
        rows: name -> images, as for `image_grid`; every row has the same number and size.
        ax: matplotlib axes; new ones if None.

    Raises:
        ValueError: as for `image_grid`, no rows, or rows that differ in shape.
        TypeError: as for `image_grid`.

    Example:
        >>> ax = image_rows({"data": torch.zeros(4, 784), "model": torch.ones(4, 784)})
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['data', 'model']
    """
    checks.at_least(1, "there is nothing to draw", number__rows=len(rows))
    pictures = [_pictures(images) for images in rows.values()]
    if len({p.shape for p in pictures}) != 1:
        raise ValueError(f"the rows differ in shape: {[p.shape for p in pictures]}")
    ncols, height, _ = pictures[0].shape
    ax = ax or plt.subplots(figsize=(0.6 * ncols + 1.2, 0.6 * len(rows)))[1]
    image_grid(torch.from_numpy(np.concatenate(pictures)), ax, ncols)
    ax.set_yticks(height * (np.arange(len(rows)) + 0.5), labels=list(rows))
    ax.tick_params(left=False)
    return ax


@torch.no_grad()
def latent_plane(
    vae: VAE,
    ax: Axes | None = None,
    num: int = 20,
    limit: float = 3.0,
) -> Axes:
    """Draw the decoder's mean at the nodes of a square grid over a two-dimensional latent space.

    Args:
        vae: a model with ``latent_dim`` 2 and square images.
        ax: matplotlib axes; new ones if None.
        num: nodes on a side.
        limit: the grid goes from -limit to limit, in standard deviations of the prior.

    Raises:
        ValueError: the latent space has not two dimensions, or there are no nodes.

    Example:
        >>> from dgm_core.vae import mlp_vae
        >>> ax = latent_plane(mlp_vae(latent_dim=2), num=3)
        >>> ax.images[0].get_array().shape
        (84, 84)
    """
    if vae.latent_dim != 2:
        raise ValueError(f"a latent plane has 2 dimensions; this model has {vae.latent_dim}")
    checks.at_least(1, "nodes on a side", num=num)
    nodes = torch.linspace(-limit, limit, num).to(vae.prior_mean)
    z = torch.cartesian_prod(nodes.flip(0), nodes).flip(1)  # rows from the top: z_2 falls
    ax = ax or plt.subplots(figsize=(5.5, 5.5))[1]
    image_grid(vae.decoder(z).mean, ax, num)
    edge = limit * num / max(num - 1, 1)  # each node is the middle of its image
    ax.images[-1].set_extent((-edge, edge, -edge, edge))
    ticks = np.arange(-int(limit), int(limit) + 1)
    ax.set(xticks=ticks, yticks=ticks, xlabel="latent $z_1$", ylabel="latent $z_2$")
    return ax


def _pictures(images: Tensor) -> np.ndarray:
    """Return images as floats in 0 to 1, (N, H, W)."""
    if not isinstance(images, Tensor):
        raise TypeError(
            f"images are a {type(images).__name__}, but a tensor is expected: torch.as_tensor"
        )
    images = images.detach().cpu()
    if images.dtype == torch.uint8:
        images = images / 255
    elif not images.is_floating_point():
        raise TypeError(f"images are {images.dtype}, but uint8, or floats in 0 to 1, are expected")
    images = images.float()
    if images.numel() and not (images.min() >= -0.1 and images.max() <= 1.1):  # NaN, too
        raise ValueError(
            f"images have values from {images.min():g} to {images.max():g}, but 0 to 1 is "
            "expected: divide grey values by 255, and bring [-1, 1] to [0, 1] by (x + 1) / 2"
        )
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim == 2:
        side = round(images.shape[1] ** 0.5)
        if side**2 != images.shape[1]:
            raise ValueError(
                f"{images.shape[1]} pixels make no square image: reshape to (N, H, W)"
            )
        images = images.unflatten(1, (side, side))
    if images.ndim != 3:
        raise ValueError(
            f"images are {checks.sizes(images.shape)}, but (N, pixels), (N, H, W) or (N, 1, H, W) "
            "is expected: a single image is images[:1], colours are drawn one by one"
        )
    return images.numpy()
