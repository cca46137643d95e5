"""A history plots itself."""

import matplotlib.pyplot as plt
import pytest
from trainings import STEPS, train_vae, watched

from dgm_core.training import History


def test_a_history_plots_itself():
    history = train_vae(callback=watched, callback_every=30)[1]
    figure, ax = plt.subplots()
    assert history.plot(ax) is ax
    assert ax.get_xlabel() == "training step" and "nats" in ax.get_ylabel()
    labels = [line.get_label() for line in ax.lines]
    assert {"training loss, mean of 2 steps", "noise", "step"} <= set(labels)
    mean = ax.lines[1]
    assert mean.get_ydata()[-1] == pytest.approx((history.loss[-1] + history.loss[-2]) / 2)
    assert mean.get_xdata()[-1] == STEPS
    plt.close(figure)


@pytest.mark.parametrize("steps", [0, 1, 30])
def test_a_short_history_plots_too(steps):
    numbers = [float(step) for step in range(steps)]
    history = History(list(range(steps)), numbers, numbers, numbers)
    ax = history.plot()
    assert len(ax.lines[0].get_xdata()) == steps
    plt.close(ax.figure)
