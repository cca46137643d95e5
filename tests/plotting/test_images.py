import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from dgm_core import plotting
from dgm_core.distributions import BernoulliPixels, DiagonalNormal
from dgm_core.nets import GaussianHead
from dgm_core.vae import VAE, mlp_vae


def numbered(n, height=2, width=3):
    """Return n images, each filled with a grey of its own."""
    return (torch.arange(n) / max(n, 2))[:, None, None].expand(n, height, width)


def test_a_grid_is_filled_row_by_row(ax):
    assert plotting.image_grid(numbered(5), ax, ncols=3) is ax
    picture = ax.images[0].get_array().filled(np.nan)
    assert picture.shape == (4, 9)
    for i in range(5):
        row, column = divmod(i, 3)
        tile = picture[2 * row : 2 * row + 2, 3 * column : 3 * column + 3]
        np.testing.assert_allclose(tile, i / 5, rtol=1e-6)
    assert np.isnan(picture[2:, 6:]).all()
    assert ax.images[0].get_clim() == (0, 1)
    assert len(ax.get_xticks()) == 0


def test_images_are_grey_whatever_their_type(ax):
    grey = torch.full((1, 4, 4), 51, dtype=torch.uint8)
    for images in (grey, grey / 255, (grey / 255).flatten(1).requires_grad_()):
        picture = plotting.image_grid(images, ax).images[-1].get_array()
        np.testing.assert_allclose(picture, np.full((4, 4), 0.2), rtol=1e-6)


def test_a_grid_is_as_square_as_can_be(ax):
    assert plotting.image_grid(numbered(7), ax).images[0].get_array().shape == (3 * 2, 3 * 3)


def test_pixels_that_make_no_square_are_refused(ax):
    with pytest.raises(ValueError, match="12 pixels"):
        plotting.image_grid(torch.zeros(3, 12), ax)


def test_rows_have_names(ax):
    rows = {"digit": numbered(4), "reconstruction": 1 - numbered(4)}
    assert plotting.image_rows(rows, ax) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == list(rows)
    assert list(ax.get_yticks()) == [1, 3]
    np.testing.assert_allclose(ax.images[0].get_array()[[0, 2], 0], [0, 1])
    assert ax.images[0].get_array().shape == (2 * 2, 4 * 3)


def test_rows_of_different_lengths_are_refused(ax):
    with pytest.raises(ValueError, match="differ in shape"):
        plotting.image_rows({"one": numbered(4), "two": numbered(3)}, ax)


# The latent plane


class FirstOverSecond(nn.Module):
    """Logits of a 2 x 2 image: z_1 in the upper two pixels, z_2 in the lower two."""

    def forward(self, z):
        return z[..., [0, 0, 1, 1]]


def test_the_plane_shows_the_decoder_mean_where_it_belongs(ax):
    vae = VAE(DiagonalNormal(GaussianHead(4, 2, 2)), BernoulliPixels(FirstOverSecond()), 2)
    assert plotting.latent_plane(vae, ax, num=5, limit=2.0) is ax
    image = ax.images[0]
    left, right, bottom, top = image.get_extent()
    assert (left, right, bottom, top) == (-2.5, 2.5, -2.5, 2.5)
    picture = image.get_array()
    assert picture.shape == (10, 10)
    for z_1, z_2 in [(-2, -2), (-2, 1), (2, 0), (2, 2)]:
        column = int((z_1 - left) / (right - left) * 10)  # of the middle of the image
        row = int((top - z_2) / (top - bottom) * 10)  # rows run downwards
        expected = torch.tensor([z_1, z_2]).float().sigmoid()
        np.testing.assert_allclose(picture[row - 1 : row + 1, column], expected, rtol=1e-6)
    assert image.origin == "upper"
    assert "z_1" in ax.get_xlabel() and "z_2" in ax.get_ylabel()


def test_a_plane_has_two_dimensions(ax):
    with pytest.raises(ValueError, match="this model has 3"):
        plotting.latent_plane(mlp_vae(latent_dim=3, hidden=4, num_pixels=4), ax)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plotting.image_grid(numbered(3)),
        lambda: plotting.image_rows({"a": numbered(3)}),
        lambda: plotting.latent_plane(mlp_vae(latent_dim=2, hidden=4, num_pixels=4), num=3),
    ],
)
def test_every_figure_can_make_its_own_axes_and_be_drawn(draw):
    before = set(plt.get_fignums())
    ax = draw()
    assert ax.figure.number not in before
    ax.figure.canvas.draw()
