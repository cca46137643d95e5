"""The still picture of a live figure shows what the widgets show."""

import bqplot
import numpy as np
import pytest
from matplotlib.figure import Figure

from dgm_core import live
from dgm_core.live import still


@pytest.mark.parametrize(
    ("scale", "name"), [(bqplot.LogScale, "log"), (bqplot.LinearScale, "linear")]
)
def test_a_plot_keeps_its_scales_limits_and_points(scale, name):
    scales = {"x": scale(min=0.5, max=1000), "y": bqplot.LinearScale(min=60, max=210)}
    x, y = np.array([1.0, 440.0]), np.array([183.0, 70.0])
    axes = [
        bqplot.Axis(scale=scales["x"], label="rate (nats)"),
        bqplot.Axis(scale=scales["y"], label="distortion (nats)", orientation="vertical"),
    ]
    plot = bqplot.Figure(marks=[bqplot.Scatter(x=x, y=y, scales=scales)], axes=axes)
    ax = Figure().subplots()
    still._bqplot(plot, ax)
    assert (ax.get_xscale(), ax.get_yscale()) == (name, "linear")
    assert (ax.get_xlim(), ax.get_ylim()) == ((0.5, 1000), (60, 210))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("rate (nats)", "distortion (nats)")
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), np.stack([x, y], 1))


def test_bars_stand_on_their_base_and_end_at_their_value():
    scales = {"x": bqplot.OrdinalScale(), "y": bqplot.LinearScale(min=-9, max=0)}
    bars = bqplot.Bars(x=["a", "b"], y=[-2.0, -5.0], base=-9, scales=scales)
    ax = Figure().add_subplot()
    still._bqplot(bqplot.Figure(marks=[bars]), ax)
    edges = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches]
    assert edges == [(-9, -2), (-9, -5)]


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
