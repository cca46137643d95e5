from itertools import combinations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from torch import nn

from dgm_core import palette, plotting
from dgm_core.distributions import BernoulliPixels, DiagonalNormal
from dgm_core.nets import GaussianHead
from dgm_core.vae import VAE, mlp_vae

DARK_PAGE = "#14181e"


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


# The palette


def linear_rgb(color):
    """Return sRGB without its gamma; IEC 61966-2-1."""
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


RGB_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
# Machado, Oliveira and Fernandes (2009), severity 1: what people without one cone type see.
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]
    ),
    "deuteranopia": np.array(
        [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]
    ),
    "tritanopia": np.array(
        [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]
    ),
}


def lab(rgb):
    """Return CIELAB coordinates (D65) of linear RGB."""
    xyz = RGB_TO_XYZ @ rgb / RGB_TO_XYZ.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, two):
    """Return the contrast ratio of WCAG 2, from 1 to 21."""
    dark, light = sorted(RGB_TO_XYZ[1] @ linear_rgb(c) for c in (one, two))
    return (light + 0.05) / (dark + 0.05)


def test_the_measures_of_colour_are_right():
    assert contrast("white", "black") == pytest.approx(21, abs=0.01)
    np.testing.assert_allclose(lab(linear_rgb("white")), [100, 0, 0], atol=0.02)
    np.testing.assert_allclose(lab(linear_rgb("red")), [53.24, 80.09, 67.20], atol=0.05)
    for matrix in EYES.values():  # grey looks grey to everybody
        np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-3)


@pytest.mark.parametrize("role", palette.LIGHT)
def test_colours_are_seen_on_a_light_and_on_a_dark_page(role):
    for colors, page in ((palette.LIGHT, "white"), (palette.DARK, DARK_PAGE)):
        assert contrast(colors[role], page) >= 4.5  # WCAG 2, 1.4.3: labels are in these colours


def test_a_figure_that_python_drew_stands_on_white_wherever_it_stands():
    assert plotting.COLORS is palette.LIGHT
    plotting.style()
    assert matplotlib.rcParams["figure.facecolor"] == "white"
    assert matplotlib.rcParams["savefig.facecolor"] in ("auto", "white")


@pytest.mark.parametrize(
    ("eye", "least"), [*[(e, 25) for e in list(EYES)[:3]], ("tritanopia", 15)]
)
def test_colours_stay_apart_for_the_colour_blind(eye, least):
    seen = {r: lab(np.clip(EYES[eye] @ linear_rgb(c), 0, 1)) for r, c in plotting.COLORS.items()}
    for one, two in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[two]) > least, f"{one} and {two}"


def test_style_makes_the_model_blue():
    with plt.rc_context():
        plotting.style()
        (line,) = plt.subplots()[1].plot([0, 1])
        assert line.get_color() == plotting.COLORS["model"]


# Images


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


def test_a_scatter_names_every_class_at_its_median(ax):
    torch.manual_seed(0)
    labels = torch.arange(60) % 3
    z = torch.randn(60, 2) + 5 * labels[:, None]
    assert plotting.latent_scatter(z, labels, ax) is ax
    assert len(ax.collections[0].get_offsets()) == 60
    assert [text.get_text() for text in ax.texts] == ["0", "1", "2"]
    for c, text in enumerate(ax.texts):
        median = np.median(z[labels == c].numpy(), axis=0)
        np.testing.assert_allclose(text.get_position(), median, rtol=1e-6)
    assert "z_1" in ax.get_xlabel() and "z_2" in ax.get_ylabel()


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


# Curves


def test_a_curve_has_its_role_s_colour_a_band_and_labels(ax):
    x = torch.arange(4.0)
    found = plotting.curve(
        x,
        x**2,
        ax,
        xlabel="samples",
        ylabel="ELBO (nats)",
        role="posterior",
        label="estimate",
        standard_error=torch.full((4,), 0.5),
    )
    assert found is ax
    assert ax.lines[0].get_color() == plotting.COLORS["posterior"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0, 1, 4, 9])
    band = ax.collections[0].get_paths()[0].get_extents()
    assert band.ymin == -1 and band.ymax == 10
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("samples", "ELBO (nats)")
    assert ax.get_legend().get_texts()[0].get_text() == "estimate"


def test_a_curve_needs_no_band_and_no_name(ax):
    plotting.curve(torch.ones(2), torch.ones(2), ax, xlabel="a", ylabel="b")
    assert not ax.collections and ax.get_legend() is None


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plotting.image_grid(numbered(3)),
        lambda: plotting.image_rows({"a": numbered(3)}),
        lambda: plotting.latent_scatter(torch.zeros(3, 2), torch.zeros(3, dtype=torch.long)),
        lambda: plotting.latent_plane(mlp_vae(latent_dim=2, hidden=4, num_pixels=4), num=3),
        lambda: plotting.curve(torch.ones(2), torch.ones(2), xlabel="a", ylabel="b"),
    ],
)
def test_every_figure_can_make_its_own_axes_and_be_drawn(draw):
    before = set(plt.get_fignums())
    ax = draw()
    assert ax.figure.number not in before
    ax.figure.canvas.draw()
