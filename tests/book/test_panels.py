"""Panels of a still figure that stand side by side have rows of their own on a telephone."""

import re

import matplotlib.pyplot as plt
import numpy as np
import panels
import pytest
from PIL import Image

from dgm_core import plotting


def picture(file, *shape, wide=10.0, colorbar=False, labels=True):
    """Draw a figure of panels into ``file`` as notebooks do, and return it as (H, W)."""
    with plt.rc_context():
        plotting.style()
        fig, axes = plt.subplots(*shape, figsize=(wide, 3.3), squeeze=False)
        for ax in axes.flat:
            drawn = ax.imshow(np.eye(4)) if colorbar else ax.plot([0, 1], [0.5, 1000])
            if labels:
                ax.set(xlabel="x", ylabel="a value (nats)", title="a title")
        if colorbar:
            fig.colorbar(drawn, ax=axes)
        fig.savefig(file, bbox_inches="tight")
        plt.close(fig)
    with Image.open(file) as made:
        return np.asarray(made.convert("L"))


@pytest.mark.parametrize("shape", [(1, 2), (1, 3), (2, 3), (1, 4)])
def test_each_panel_is_found_with_its_labels_and_nothing_drawn_is_lost(tmp_path, shape):
    drawn = picture(tmp_path / "a.png", *shape)
    found = panels.columns(drawn)
    assert len(found) == shape[1]
    outside = np.ones(drawn.shape[1], bool)
    for start, end in found:
        outside[start:end] = False
    assert (drawn[:, outside] == 255).all()
    widths = [end - start for start, end in found]
    assert max(widths) < 1.2 * min(widths)  # no label went to its neighbour


def test_a_bar_of_colours_stays_with_the_last_panel(tmp_path):
    found = panels.columns(picture(tmp_path / "a.png", 1, 3, colorbar=True, wide=14))
    assert len(found) == 3
    assert found[-1][1] - found[-1][0] > found[0][1] - found[0][0]


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 10)])
def test_one_chart_one_column_and_a_grid_of_many_stay_whole(tmp_path, shape):
    assert panels.columns(picture(tmp_path / "a.png", *shape, labels=False)) == []


def test_a_blank_picture_has_no_panels():
    assert panels.columns(np.full((10, 100), 255, np.uint8)) == []


def test_the_panels_of_a_page_are_cut_where_they_begin_and_say_what_the_whole_says(tmp_path):
    drawn = picture(tmp_path / "a.png", 1, 3)
    page = '<img alt="Three &lt;curves&gt;." src="../../_images/a.png" />'
    split = panels.split(page, {"a.png": tmp_path / "a.png"})
    assert (
        '<img class="dgm-whole" alt="Three &lt;curves&gt;." src="../../_images/a.png" />' in split
    )
    assert 'role="img" aria-label="Three &lt;curves&gt;."' in split
    cuts = re.findall(
        r"url\(\.\./\.\./_images/a\.png\); aspect-ratio: (\d+) / (\d+); "
        r"background-size: ([\d.]+)% 100%; background-position-x: ([\d.]+)%",
        split,
    )
    high, wide = drawn.shape
    assert len(cuts) == 3
    for (width, height, size, position), (start, end) in zip(
        cuts, panels.columns(drawn), strict=True
    ):
        assert int(height) == high and float(size) == pytest.approx(100 * wide / int(width), 1e-4)
        left = float(position) / 100 * (wide - int(width))  # as CSS defines it
        assert start - 5 < left <= start and left + int(width) >= end


def test_a_picture_that_is_not_of_this_book_stays_as_it_is():
    page = '<img alt="a" src="_images/other.png" />'
    assert panels.split(page, {}) == page
