"""One palette for figures, live figures and pages: dgm_core/palette.py."""

import re

import pytest
from browser import ROOT

from dgm_core import palette
from dgm_core.plotting import COLORS


def contrast(color: str, page: str) -> float:
    """Return the contrast of two colours, as WCAG 2.2 defines it."""

    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(color), luminance(page)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("colors", "page"), [(palette.LIGHT, "#ffffff"), (palette.DARK, "#121212")]
)
def test_words_in_a_roles_colour_can_be_read(colors, page):
    assert {role for role, color in colors.items() if contrast(color, page) < 4.5} == set()


@pytest.mark.parametrize(
    ("colors", "page"), [(palette.DIGITS, "#ffffff"), (palette.DIGITS_DARK, "#121212")]
)
def test_each_class_of_digits_has_a_colour_that_can_be_seen(colors, page):
    assert len(set(colors)) == 10
    assert {color for color in colors if contrast(color, page) < 3} == set()


def test_both_palettes_have_every_role_and_reach_the_page():
    assert palette.LIGHT.keys() == palette.DARK.keys() and COLORS == palette.LIGHT
    light, dark, printed = re.findall(r"{\n([^}]+)}", palette.css())
    read = lambda text: dict(re.findall(r"--dgm-(\w+): (#\w{6});", text))  # noqa: E731
    assert read(light) == read(printed) and palette.LIGHT.items() <= read(light).items()
    for k in range(10):
        assert read(light)[f"digit{k}"] == palette.DIGITS[k]
        assert read(dark)[f"digit{k}"] == palette.DIGITS_DARK[k]
    assert palette.DARK.items() <= read(dark).items() and read(dark).keys() == read(light).keys()


@pytest.mark.parametrize("path", ["book/_ext/web/dgm.css", "dgm_core/live/web/live.css"])
def test_style_sheets_take_the_roles_from_there(path):
    css = (ROOT / path).read_text(encoding="utf8")
    assert "var(--dgm-model)" in css or "var(--dgm-posterior)" in css
    assert not re.search(rf"--dgm-({'|'.join(COLORS)}):", css)


def test_the_logo_wears_them():
    for name in ("logo", "favicon"):
        svg = (ROOT / f"book/_ext/web/{name}.svg").read_text(encoding="utf8")
        assert set(re.findall(r"#\w{6}", svg)) <= set(COLORS.values())
