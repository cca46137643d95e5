"""A map of a decoder: names that never overlap, outlines of classes, a picture like the figure."""

import json
import re
import subprocess
from itertools import combinations

import numpy as np
import pytest
import torch
from browser import ROOT
from matplotlib.path import Path as Outline

from dgm_core import live
from dgm_core.live import cartography, still
from dgm_core.live.atlas import walk

HEAP = np.random.default_rng(0).normal(0.5, 0.02, (400, 2)).clip(0, 1)


def spread(n=600, seed=0):
    """Return codes of ten classes, each about a place of its own, and their labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    centres = np.stack([(np.arange(10) % 5 + 0.5) / 5, (np.arange(10) // 5 + 0.5) / 2], 1)
    return (centres[labels] + random.normal(0, 0.05, (n, 2))).clip(0, 1), labels, centres


def overlapping(places) -> list[tuple[int, int]]:
    """Return the pairs of names whose boxes overlap."""
    width, height = 2 * np.array(cartography.NAME) - 1e-9
    return [
        (i, j)
        for (i, a), (j, b) in combinations(enumerate(places), 2)
        if abs(a[0] - b[0]) < width and abs(a[1] - b[1]) < height
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["one heap", "one line", "everywhere", "one class missing"])
def test_names_never_overlap_and_stay_on_the_map(kind, seed):
    random = np.random.default_rng(seed)
    labels = np.arange(400) % (9 if kind == "one class missing" else 10)
    codes = {"one heap": HEAP, "one line": HEAP * [1, 0]}.get(kind, random.random((400, 2)))
    places = cartography.name_places(cartography.votes(codes, labels))
    assert overlapping(places) == []
    assert (places >= cartography.NAME).all() and (places <= 1 - np.array(cartography.NAME)).all()


def test_a_name_stands_where_its_class_is_densest():
    codes, labels, centres = spread()
    places = cartography.name_places(cartography.votes(codes, labels))
    assert np.abs(places - centres).max() < 0.05


def classes_at(points, paths, size) -> np.ndarray:
    """Return which outlines hold each point of the square, (10, N)."""
    held = np.zeros((10, len(points)), int)
    for k, path in enumerate(paths):
        for part in path.split("M")[1:]:
            corners = [[float(v) for v in p.split()] for p in part.rstrip("Z").split("L")]
            held[k] += Outline(corners).contains_points(size * (points * [1, -1] + [0, 1]))
    return held % 2  # a hole is held twice


def test_outlines_hold_the_codes_of_their_class_and_cover_the_map():
    codes, labels, centres = spread()
    paths = cartography.territories(cartography.votes(codes, labels), size=1000)
    assert (classes_at(centres, paths, 1000) == np.eye(10)).all()
    everywhere = np.random.default_rng(1).random((2000, 2))
    held = classes_at(everywhere, paths, 1000).sum(0)
    assert (held == 0).mean() < 0.002  # but for a corner where four classes meet
    assert held.mean() < 1.05  # they overlap by a hair


def test_the_ground_has_the_top_of_the_square_at_its_top():
    def draw(places):  # ink where across is small and up is large
        shade = 20 * (places[:, 1] - places[:, 0]) - 10
        return np.repeat(shade[:, None], 784, 1)

    picture = cartography.ground(draw, tiles=4)
    assert picture.shape == (176, 176) and picture.dtype == np.uint8
    assert picture[:44, :44].max() < 30  # the upper left corner is black
    assert picture[:44, -44:].min() > 250 and picture[-44:, :44].min() > 250


def test_a_picture_is_enlarged_through_all_its_pixels():
    logits = torch.randn(3, 49, generator=torch.Generator().manual_seed(0)).numpy()
    large = cartography.ink(logits, 5)
    assert large.shape == (3, 35, 35)
    middles = large[:, 2::5, 2::5].reshape(3, 49)
    np.testing.assert_allclose(middles, 1 / (1 + np.exp(-logits)), rtol=1e-6)
    line = np.linspace(-2, 3, 9)
    inner = cartography.enlarging(9, 4) @ line
    np.testing.assert_allclose(np.diff(inner[8:-8]), 5 / 8 / 4)  # a straight line stays straight
    np.testing.assert_allclose(cartography.enlarging(6, 3).sum(1), 1)


def test_the_page_enlarges_as_python_does():
    logits = (5 * torch.randn(784, generator=torch.Generator().manual_seed(0))).numpy()
    script = (
        'import { inkOf } from "./dgm_core/live/web/atlas.js";'
        'process.stdin.on("data", (text) => (all += text)).on("end", () => {'
        "  const ink = inkOf(JSON.parse(all), 4);"
        "  console.log(JSON.stringify([...ink]));"
        '}); let all = "";'
    )
    command = ["node", "--input-type=module", "-e", script]
    try:
        run = subprocess.run(
            command,
            input=json.dumps(logits.tolist()),
            cwd=ROOT,
            capture_output=True,
            encoding="utf8",
        )
    except FileNotFoundError:
        pytest.skip("no node on this machine")
    assert run.returncode == 0, run.stderr
    colors = np.array(json.loads(run.stdout)).reshape(112, 112, 4)
    assert not colors[..., :3].any()  # black, more or less of it
    np.testing.assert_allclose(colors[..., 3] / 255, cartography.ink(logits, 4), atol=0.003)


@pytest.fixture(scope="module")
def atlas():
    codes, labels, _ = spread()
    graph = live.Graph(lambda x, y: {"logits": (x - y) * torch.ones(784)}, {"x": 0.1, "y": 0.2})
    black = lambda places: np.full((len(places), 784), 9.0)  # noqa: E731
    view = live.Atlas(graph, codes, labels, black, alt='A "map".', dots="Codes", title="Drawn")
    return graph.drive(view, logits="logits", words="x is {x:.1f}, y {y:.1f}") and view


def test_the_still_picture_is_the_figure_but_for_what_only_scripts_can_do(atlas):
    images = re.compile(r'<canvas class="dgm-digit[^>]*></canvas>|<img class="dgm-digit[^>]*>')
    shown, kept = (images.sub("", text) for text in (atlas._markup, atlas.still()))
    start = f'<style>{atlas._css}</style><div class="dgm-view dgm-view-atlas">'
    assert kept.startswith(start)  # it is seen before any widget has brought its style
    kept = kept.removeprefix(start).removesuffix("</div>")
    kept = kept.replace("dgm-still", "")
    numbers = '<p class="dgm-numbers">'
    assert kept.replace(f"{numbers}x is 0.1, y 0.2", numbers) == shown
    assert "A &quot;map&quot;." in shown and kept.count("<img") == shown.count("<img") == 1


def test_a_figures_still_picture_is_the_atlas_and_no_drawing_of_it(atlas, monkeypatch):
    shown = []
    monkeypatch.setattr("dgm_core.live.layout.display", shown.append)
    live.figure(atlas, caption="A map.", name="fig-map")
    picture, box, caption = shown
    assert still.markup(box) in picture.data and 'class="dgm-late"' in picture.data
    assert caption.data == '<div class="dgm-caption" id="fig-map"><p>A map.</p></div>'
    assert still.markup(live.again(live.Graph(lambda: {"a": torch.zeros(1)}, {}))) == ""


def test_codes_travel_as_16_bits_and_the_ring_begins_at_the_sixes(atlas):
    codes, labels, centres = spread()
    sent = np.frombuffer(atlas._codes, "<u2").reshape(-1, 2) / 65535
    assert np.abs(sent - codes).max() < 1e-5
    assert np.frombuffer(atlas._labels, np.uint8).tolist() == labels.tolist()
    assert (atlas.x, atlas.y) == tuple(atlas.places[6])
    assert np.abs(np.array(walk(atlas.places)) - centres[[6, 0, 8]]).max() < 0.05


def test_an_atlas_wants_as_many_labels_as_codes(atlas):
    graph = live.Graph(lambda x: {"logits": x * torch.ones(784)}, {"x": 0.0})
    with pytest.raises(ValueError, match=r"codes must be \(N, 2\)"):
        live.Atlas(graph, np.zeros((3, 2)), np.zeros(4), np.zeros_like, alt="", dots="")
