"""Training with a running average: shared by processes, resumed, and over the last steps alone."""

import signal

import pytest
import torch
from torch import nn

from dgm_core.training import fit_average

X = torch.linspace(-1, 1, 60)[:, None]


def run(model, *, noise=True, **options):
    def prepare(batch):
        return batch, torch.randn_like(batch) if noise else torch.zeros_like(batch)

    def loss(model, x, e):
        return (model(x) - 2 * x - 0.1 * e).square().sum(1)

    options = {"epochs": 10, "batch_size": 12, "learning_rate": 0.05, "half": False} | options
    return fit_average(model, loss, X, prepare, **options)


def line():
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def test_the_average_is_the_one_that_was_asked_for():
    """Against the recursion by hand over the weights after each step."""
    model, weights = line(), []
    step = torch.optim.AdamW.step

    def watched(self, *arguments, **options):
        result = step(self, *arguments, **options)
        weights.append(model.weight.item())
        return result

    torch.optim.AdamW.step, kept = watched, torch.optim.AdamW.step
    try:
        average, history = run(model)
    finally:
        torch.optim.AdamW.step = kept
    decay, expected = 1 - 1 / (1 + 50 // 10), weights[0]
    for weight in weights[1:]:
        expected = decay * expected + (1 - decay) * weight
    assert len(history.loss) == 50
    assert average.weight.item() == pytest.approx(expected, rel=1e-5)
    assert average.weight.item() != model.weight.item()


def test_two_processes_take_turns_in_one_draw_of_the_noise(monkeypatch):
    """The two shares of a batch, put together, are what one process computes with."""
    seen = {}
    for rank, world in ((0, 1), (0, 2), (1, 2)):
        parts = []
        with monkeypatch.context() as patch:
            patch.setattr(torch.distributed, "is_initialized", lambda: True)
            patch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
            patch.setattr(torch.distributed, "get_world_size", lambda world=world: world)
            patch.setattr(
                "dgm_core.training.averaging.DistributedDataParallel", lambda module: module
            )
            torch.manual_seed(3)
            model = nn.Linear(1, 1)

            def loss(model, x, e, parts=parts):
                parts.append(torch.cat([x, e], 1))
                return (model(x) - e).square().sum(1)

            fit_average(
                model,
                loss,
                X,
                lambda batch: (batch, torch.randn_like(batch)),
                epochs=2,
                batch_size=12,
                half=False,
            )
        seen[rank, world] = parts
    for whole, one, two in zip(seen[0, 1], seen[0, 2], seen[1, 2], strict=True):
        assert torch.stack([one, two], 1).flatten(0, 1).equal(whole)


@pytest.mark.parametrize("at", [1, 20])
def test_stopped_and_started_again_is_the_same_as_never_stopped(tmp_path, at):
    torch.manual_seed(5)
    straight, _ = run(line())
    torch.manual_seed(5)
    model, count = line(), []

    class Stopping(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, x):
            count.append(None)
            if len(count) == at:
                signal.raise_signal(signal.SIGINT)
            return self.inner(x)

    stopped = Stopping()
    average, history = run(stopped, checkpoint=tmp_path / "run.pt")
    assert len(history.loss) == at
    average, history = run(stopped, checkpoint=tmp_path / "run.pt")
    assert len(history.loss) == 50
    assert average.inner.weight.equal(straight.weight)


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 5)
    with pytest.raises(ValueError, match="12 examples a step do not share out among 5 processes"):
        run(line())


def test_a_long_average_remembers_where_a_short_training_began():
    """Of the first weights .9999^1000 = 90 % are left; a tenth of the steps leaves 5e-5."""
    assert pytest.approx(0.905, abs=5e-4) == 0.9999**1000
    line = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        line.weight.fill_(-5.0)
    x = torch.linspace(-1, 1, 100)[:, None]
    average, _ = fit_average(
        line,
        lambda model, x: (model(x) - x).square().sum(1),
        x,
        lambda batch: (batch,),
        epochs=100,
        batch_size=10,
        learning_rate=0.05,
        half=False,
    )
    assert average.weight.item() == pytest.approx(1.0, abs=0.02)
