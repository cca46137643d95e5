"""The record of a training run, and its one figure."""

from dataclasses import dataclass, field

import torch


@dataclass
class History:
    """What happened in training, step by step.

    Attributes:
        step: number of the step, from 1.
        loss: mean loss of the step's batch, in the units of the loss function (nats here).
        learning_rate: learning rate of the step.
        seconds: wall-clock time from the start to the step; callbacks and checkpoints not counted.
        metrics: for each name that a callback returned, a list of (step, value).
    """

    step: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def plot(self, ax=None):
        """Draw the loss of every step, its running mean, and the metrics; return the axes.

        Args:
            ax: matplotlib axes; new ones if None.
        """
        import matplotlib.pyplot as plt  # here, because training itself needs no figures

        ax = ax or plt.subplots()[1]
        width = 1 + len(self.loss) // 100
        losses = torch.tensor(self.loss, dtype=torch.float64)
        means = losses.unfold(0, width, 1).mean(1) if self.loss else losses
        (line,) = ax.plot(self.step, self.loss, linewidth=0.5, alpha=0.4)
        label = "training loss" + (f", mean of {width} steps" if width > 1 else "")
        ax.plot(self.step[width - 1 :], means, color=line.get_color(), label=label)
        for name, values in self.metrics.items():
            ax.plot(*zip(*values, strict=True), marker="o", markersize=3, label=name)
        if len(losses) > 20:  # the first few steps would flatten all the others
            low = min(self.loss + [v for pairs in self.metrics.values() for _, v in pairs])
            high = losses.quantile(0.9).item()
            spread = high - losses.quantile(0.1).item()
            ax.set_ylim(low - spread / 4, high + spread)
        ax.set(xlabel="training step", ylabel="loss per example (nats)")
        ax.legend()
        return ax
