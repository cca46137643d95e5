"""The still picture of a live figure shows what the widgets show."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dgm_core import live
from dgm_core.live import still
from dgm_core.plotting import COLORS


@pytest.mark.parametrize(("log", "name"), [(True, "log"), (False, "linear")])
def test_a_chart_keeps_its_scales_limits_and_points(log, name):
    limits = {"xlim": (0.5, 1000), "ylim": (60, 210)}
    chart = live.Chart("rate (nats)", "distortion (nats)", xlog=log, **limits)
    x, y = np.array([1.0, 440.0]), np.array([183.0, 70.0])
    chart.points(x, y)
    ax = Figure().subplots()
    still._chart(chart, ax)
    assert (ax.get_xscale(), ax.get_yscale()) == (name, "linear")
    assert (ax.get_xlim(), ax.get_ylim()) == ((0.5, 1000), (60, 210))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("rate (nats)", "distortion (nats)")
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), np.stack([x, y], 1))


def test_bars_stand_on_their_base_and_end_at_their_value():
    chart = live.Chart("", "nats", categories=["a", "b"], ylim=(-9, 0))
    chart.bars([-2.0, -5.0], low=-9)
    ax = Figure().add_subplot()
    still._chart(chart, ax)
    edges = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches]
    assert edges == [(-9, -2), (-9, -5)]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]


def test_every_kind_of_series_leaves_its_mark():
    chart = live.Chart("x", "y", xlim=(0, 3), ylim=(0, None))
    chart.line([0, 1, 2], [1, 2, 3], dash="dashed", fill=True, label="line")
    chart.band([0, 1], [0, 1], [1, 2], role="data")
    chart.level(y=1.5)
    chart.level(x=0.5, dash="dotted")
    chart.dot(1, 2, hollow=True)
    chart.points([0, 1], [1, 1], shade=[0, 1], towards="posterior")
    ax = Figure().subplots()
    still._chart(chart, ax)
    line, across, up, dot = ax.lines
    assert [line.get_linestyle(), across.get_linestyle(), up.get_linestyle()] == ["--", "-", ":"]
    assert line.get_color() == COLORS["model"] and across.get_color() == COLORS["truth"]
    assert list(across.get_ydata()) == [1.5, 1.5] and list(up.get_xdata()) == [0.5, 0.5]
    assert (dot.get_xydata().tolist(), dot.get_fillstyle()) == ([[1, 2]], "none")
    _, band, points = ax.collections
    assert np.allclose(band.get_facecolor()[0][:3], to_rgb(COLORS["data"]))
    shown = points.to_rgba(points.get_array())[:, :3]
    assert np.allclose(shown, [to_rgb(COLORS["model"]), to_rgb(COLORS["posterior"])])


def test_a_cloud_shows_its_points_over_the_field():
    cloud = live.Cloud(points=3, size=2, alt="points", extent=2.0)
    cloud.data = np.float32([[0, 0], [1, 1], [-1, 1]])
    cloud.model = np.float32([[0.5, 0], [0, 0.5], [0, -0.5]])
    cloud.field = np.float32([0.1, 0.2, 0.3, 0.4])
    ax = Figure().subplots()
    still._cloud(cloud, ax)
    (image,), (data, model) = ax.images, ax.collections
    np.testing.assert_array_equal(image.get_array(), np.float32([[0.1, 0.2], [0.3, 0.4]]))
    np.testing.assert_array_equal(data.get_offsets(), cloud.data)
    np.testing.assert_array_equal(model.get_offsets(), cloud.model)
    assert ax.get_xlim() == ax.get_ylim() == (-2, 2)
    assert still.data_uri(cloud).startswith("data:image/png")
