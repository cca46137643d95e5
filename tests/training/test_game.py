"""The loop for two players is the loop that one would write, and what `fit` promises holds."""

import math
import signal

import pytest
import torch
from torch import nn

from dgm_core.data import batches
from dgm_core.gan import Discriminator, Generator
from dgm_core.objectives import discriminator_loss, nonsaturating_generator_loss
from dgm_core.training import (
    CHECK_EVERY,
    CheckpointError,
    TrainingDiverged,
    constant,
    linear,
    play,
    warmup_cosine,
)

STEPS = 120


def players():
    """Networks with batch normalisation and dropout, whose numbers depend on every draw."""
    torch.manual_seed(0)
    return Generator(3, (8, 8), 5), Discriminator(5, (8,))


def plan():
    return batches(torch.rand(240, 5), 20, epochs=10)


def contest(before=lambda step: None, spoil=lambda losses, step: losses, **options):
    """Play for 120 steps; `before` runs before the first loss of a step, `spoil` changes it."""
    (G, D), seen = players(), []

    def of_discriminator(real):
        seen.append(None)
        before(len(seen))
        fake = G(G.prior.sample((len(real),))).detach()
        return spoil(discriminator_loss(D(real), D(fake)), len(seen))

    def of_generator(real):
        return nonsaturating_generator_loss(D(G(G.prior.sample((len(real),)))))

    data = plan()
    torch.manual_seed(1)
    both = (of_discriminator, D.parameters()), (of_generator, G.parameters())
    tensors = {"buffers": [*G.buffers(), *D.buffers()]}
    return G, D, play(*both, data, **(tensors | options))


def assert_same_game(one, two):
    for a, b in zip(one[:2], two[:2], strict=True):
        for name, value in a.state_dict().items():
            assert torch.equal(value, b.state_dict()[name]), name
    for what in ("step", "loss", "generator_loss", "learning_rate", "metrics"):
        assert getattr(one[2], what) == getattr(two[2], what)


def test_play_is_the_loop_that_one_would_write_to_the_last_bit():
    played = contest(learning_rates=(2e-3, 1e-3), schedule=linear)

    G, D = players()
    data = plan()
    torch.manual_seed(1)
    of_D, of_G = (
        torch.optim.Adam(net.parameters(), lr, betas=(0.5, 0.999), fused=True)
        for net, lr in ((D, 2e-3), (G, 1e-3))
    )
    losses = []
    for step, real in enumerate(data):
        for optimizer, lr in ((of_D, 2e-3), (of_G, 1e-3)):
            optimizer.param_groups[0]["lr"] = lr * (1 - step / STEPS)
        fake = G(G.prior.sample((20,))).detach()
        loss_d = discriminator_loss(D(real), D(fake)).mean()
        of_D.zero_grad()
        loss_d.backward()
        of_D.step()
        loss_g = nonsaturating_generator_loss(D(G(G.prior.sample((20,))))).mean()
        of_G.zero_grad()
        loss_g.backward()
        of_G.step()
        losses.append((loss_d.item(), loss_g.item()))
    for mine, theirs in zip(played[:2], (G, D), strict=True):
        for name, value in mine.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name
    history = played[2]
    assert list(zip(history.loss, history.generator_loss, strict=True)) == losses
    assert history.step == list(range(1, STEPS + 1))
    assert history.learning_rate[0] == 2e-3
    assert history.learning_rate[-1] == pytest.approx(2e-3 / STEPS)


@pytest.mark.parametrize("stop", [1, 49, 50, 77, STEPS])
def test_interrupted_and_resumed_is_the_same_as_uninterrupted(tmp_path, stop):
    def interrupt(step):
        if step == stop:
            signal.raise_signal(signal.SIGINT)

    options = {"callback": lambda step: {"noise": torch.rand(())}, "callback_every": 40}
    path = tmp_path / "game.pt"
    history = contest(interrupt, checkpoint=path, **options)[2]
    assert history.step[-1] == stop == len(history.generator_loss)
    resumed = contest(checkpoint=path, **options)
    assert_same_game(resumed, contest(**options))
    assert len(resumed[2].loss) == len(resumed[2].generator_loss) == STEPS


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"learning_rates": (1e-3, 1e-4)},
            "learning_rate: 0.001 and 0.001 there, 0.001 and 0.0001",
        ),
        ({"schedule": linear}, "schedule"),
        ({"schedule": lambda step, total: 0.5}, "schedule"),
    ],
)
def test_a_checkpoint_of_another_game_is_refused(tmp_path, change, named):
    path = tmp_path / "game.pt"
    contest(lambda step: step == 10 and signal.raise_signal(signal.SIGINT), checkpoint=path)
    with pytest.raises(CheckpointError, match=f"of another run.*{named}.*Delete"):
        contest(checkpoint=path, **change)


@pytest.mark.parametrize("bad", [1, 50, 51, 100, STEPS])
@pytest.mark.parametrize("whose", ["discriminator", "generator"])
def test_a_loss_that_is_not_finite_stops_both_and_restores_them(bad, whose):
    """By hand: two numbers that move by one a step, whose losses are NaN from a step on."""
    one, two = (nn.Parameter(torch.zeros(())) for _ in range(2))
    count = []

    def loss(name, weight):
        def of(batch):
            if name == "discriminator":
                count.append(None)
            gone = math.nan if name == whose and len(count) >= bad else 0.0
            return (weight + gone).expand(len(batch))

        return of

    with pytest.raises(
        TrainingDiverged, match=f"the {whose}'s loss is nan at step {bad};"
    ) as error:
        play(
            (loss("discriminator", one), [one]),
            (loss("generator", two), [two]),
            batches(torch.zeros(STEPS, 1), 1),
            learning_rates=(1.0, 1.0),
            optimizer=torch.optim.SGD,
        )
    history = error.value.history
    assert error.value.step == bad and history.step == list(range(1, bad))
    assert len(history.loss) == len(history.generator_loss) == bad - 1
    # A check is in the middle of a step, when only the discriminator's loss is known.
    checked = (bad - (whose == "discriminator")) // CHECK_EVERY * CHECK_EVERY
    kept = max(checked - 1, 0)
    assert one.item() == two.item() == -kept


def test_any_sequence_of_batches_will_do_but_not_to_go_on_from(tmp_path):
    weight, seen = nn.Parameter(torch.zeros(())), []
    draws = torch.arange(6.0).view(3, 2)
    players = [(lambda batch: seen.append(batch) or weight * batch, [weight])] * 2
    play(*players, draws)
    assert torch.equal(torch.stack(seen[::2]), draws) and torch.equal(seen[1], draws[0])
    with pytest.raises(TypeError, match=r"batches that data\.batches made"):
        play(*players, draws, checkpoint=tmp_path / "game.pt")


def test_each_schedule_is_what_its_name_says():
    assert [constant(step, 4) for step in (1, 4)] == [1, 1]
    assert [linear(step, 4) for step in (1, 2, 3, 4)] == [1, 0.75, 0.5, 0.25]
    rising = warmup_cosine(2)
    assert [rising(step, 5) for step in (1, 2)] == [0.5, 1]
    assert rising(4, 5) == pytest.approx(0.5) and rising(5, 5) == pytest.approx(
        (1 - math.sqrt(0.5)) / 2
    )


def test_a_games_history_plots_both_losses():
    import matplotlib.pyplot as plt

    ax = contest()[2].plot()
    labels = [line.get_label() for line in ax.lines]
    assert {"discriminator's loss, mean of 2 steps", "generator's loss, mean of 2 steps"} <= {
        *labels
    }
    plt.close(ax.figure)
