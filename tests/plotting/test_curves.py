from itertools import combinations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from dgm_core import palette, plotting

DARK_PAGE = "#14181e"


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


# Points and curves


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
        lambda: plotting.latent_scatter(torch.zeros(3, 2), torch.zeros(3, dtype=torch.long)),
        lambda: plotting.curve(torch.ones(2), torch.ones(2), xlabel="a", ylabel="b"),
    ],
)
def test_every_figure_can_make_its_own_axes_and_be_drawn(draw):
    before = set(plt.get_fignums())
    ax = draw()
    assert ax.figure.number not in before
    ax.figure.canvas.draw()
