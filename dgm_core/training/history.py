"""The record of a training run, and its one figure."""

from dataclasses import dataclass, field

import torch


@dataclass
class History:
    """What happened in training, step by step.

    Attributes:
        step: number of the step, from 1.
        loss: mean loss of the step's batch, in the units of the loss function (nats here); in a
            game, the discriminator's.
        learning_rate: learning rate of the step; in a game, the discriminator's.
        seconds: wall-clock time from the start to the step; callbacks and checkpoints not counted.
        metrics: for each name that a callback returned, a list of (step, value).
        generator_loss: in a game, the generator's; otherwise empty.
    """

    step: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    generator_loss: list[float] = field(default_factory=list)

    def plot(self, ax=None):
        """Draw the losses of every step, their running means, and the metrics; return the axes.

        Args:
            ax: matplotlib axes; new ones if None.
        """
        import matplotlib.pyplot as plt  # here, because training itself needs no figures

        ax = ax or plt.subplots()[1]
        width = 1 + len(self.loss) // 100
        names = ("discriminator's loss", "generator's loss")
        kinds = zip(names, (self.loss, self.generator_loss), strict=True)
        if not self.generator_loss:
            kinds = [("training loss", self.loss)]
        for name, values in kinds:
            losses = torch.tensor(values, dtype=torch.float64)
            means = losses.unfold(0, width, 1).mean(1) if values else losses
            (line,) = ax.plot(self.step, values, linewidth=0.5, alpha=0.4)
            label = name + (f", mean of {width} steps" if width > 1 else "")
            ax.plot(self.step[width - 1 :], means, color=line.get_color(), label=label)
        for name, values in self.metrics.items():
            ax.plot(*zip(*values, strict=True), marker="o", markersize=3, label=name)
        losses = torch.tensor(self.loss + self.generator_loss, dtype=torch.float64)
        if len(self.loss) > 20:  # the first few steps would flatten all the others
            low = min(
                [*losses.tolist(), *(v for pairs in self.metrics.values() for _, v in pairs)]
            )
            high = losses.quantile(0.9).item()
            spread = high - losses.quantile(0.1).item()
            ax.set_ylim(low - spread / 4, high + spread)
        ax.set(xlabel="training step", ylabel="loss per example (nats)")
        ax.legend()
        return ax
