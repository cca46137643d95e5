"""What fit computes is the loop that one would write; it may be watched, and interrupted."""

import math
import signal
import threading
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from trainings import STEPS, assert_same_run, interrupt, train_vae

from dgm_core.data import batches, binarize
from dgm_core.objectives import elbo
from dgm_core.training import descend, fit, loop
from dgm_core.vae import mlp_vae


def test_fit_finds_the_least_squares_solution():
    torch.manual_seed(0)
    x, y = torch.randn(50, 4, dtype=torch.float64), torch.randn(50, 1, dtype=torch.float64)
    net = nn.Linear(4, 1, bias=False).double()
    plan = batches(torch.cat([x, y], 1), 50, epochs=800)
    fit(
        lambda b: (net(b[:, :4]) - b[:, 4:]).square().sum(1),
        net.parameters(),
        plan,
        learning_rate=0.05,
    )
    torch.testing.assert_close(net.weight.T, torch.linalg.lstsq(x, y).solution)


def test_fit_is_the_loop_that_one_would_write():
    vae, history = train_vae(learning_rate=0.01)

    torch.manual_seed(0)
    images = torch.randint(256, (240, 4, 4), dtype=torch.uint8)
    by_hand = mlp_vae(latent_dim=3, hidden=16, num_pixels=16)
    adam = torch.optim.Adam(by_hand.parameters(), lr=0.01)
    losses = []
    for step, x in enumerate(batches(images, 20, epochs=10, transform=binarize), 1):
        cosine = 0.5 * (1 + math.cos(math.pi * (step - 10) / (STEPS - 10 + 1)))
        adam.param_groups[0]["lr"] = 0.01 * (step / 10 if step <= 10 else cosine)
        loss = -elbo(by_hand, x).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    for a, b in zip(vae.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    assert history.loss == pytest.approx(losses)
    assert history.step == list(range(1, STEPS + 1))


def test_the_learning_rate_warms_up_then_falls_to_nearly_zero():
    rates = train_vae(learning_rate=0.5)[1].learning_rate
    assert rates[0] == pytest.approx(0.05) and rates[9] == 0.5 == max(rates)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    middle = 10 + (STEPS - 10 + 1) / 2
    assert (rates[int(middle) - 1] + rates[int(middle)]) / 2 == pytest.approx(0.25, rel=0.01)
    assert 0 < rates[-1] < 1e-3


@pytest.mark.parametrize("warmup_steps", [0, 3, 500])
def test_any_length_of_warm_up_will_do(warmup_steps):
    weight = nn.Parameter(torch.ones(1))
    history = fit(
        lambda x: weight * x,
        [weight],
        batches(torch.ones(30), 10),
        warmup_steps=warmup_steps,
        learning_rate=1.0,
    )
    assert all(0 < rate <= 1 for rate in history.learning_rate)


def test_another_schedule_takes_the_place_of_the_usual_one():
    history = train_vae(learning_rate=0.5, schedule=lambda step, total: 1 / step)[1]
    assert history.learning_rate == [0.5 / step for step in range(1, STEPS + 1)]


def test_a_step_forgets_old_gradients_and_shortens_long_ones():
    weight = nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    weight.grad = torch.ones(2)
    descend(torch.stack([weight[0], weight[1]]), optimizer)
    assert weight.tolist() == [2.5, 3.5]  # of the mean
    descend(weight @ torch.tensor([30.0, 40.0]), optimizer, clip_norm=1.0)
    torch.testing.assert_close(weight.data, torch.tensor([1.9, 2.7]))


def test_another_optimizer_gets_the_learning_rate():
    weight = nn.Parameter(torch.tensor([3.0]))
    plan = batches(torch.ones(1), 1)
    fit(
        lambda x: 5 * weight * x,
        [weight],
        plan,
        optimizer=torch.optim.SGD,
        learning_rate=0.1,
        warmup_steps=1,
    )
    torch.testing.assert_close(weight.data, torch.tensor([2.5]))


def test_the_same_seed_gives_the_same_numbers():
    assert_same_run(train_vae(), train_vae())


def test_a_long_gradient_is_shortened_and_a_short_one_is_not():
    for slope, moved in ((torch.tensor([30.0, 40.0]), 1.0), (torch.tensor([0.3, 0.4]), 0.5)):
        weight = nn.Parameter(torch.zeros(2))
        fit(
            lambda x, weight=weight: x @ weight,
            [weight],
            batches(slope[None], 1),
            optimizer=torch.optim.SGD,
            learning_rate=1.0,
            warmup_steps=1,
            clip_norm=1.0,
        )
        torch.testing.assert_close(weight.data, -moved * slope / slope.norm())


def test_after_a_step_an_average_can_be_updated():
    weight = nn.Parameter(torch.zeros(1))
    average, seen = torch.zeros(1), []

    def after():
        seen.append(weight.item())
        average.lerp_(weight.detach(), 0.25)

    fit(lambda x: (weight - 1) ** 2 * x, [weight], batches(torch.ones(40), 1), after_step=after)
    expected = 0.0
    for value in seen:
        expected += 0.25 * (value - expected)
    assert len(seen) == 40 and seen[-1] == weight.item() > average.item() > 0
    assert average.item() == pytest.approx(expected)


def test_watching_does_not_change_the_training():
    steps = []

    def watch(step):
        steps.append(step)
        assert not torch.is_grad_enabled()
        return {"noise": torch.randn(5).sum(), "step": step}

    watched = train_vae(callback=watch, callback_every=50)
    assert steps == [50, 100, 120]
    assert watched[1].metrics["step"] == [(50, 50.0), (100, 100.0), (120, 120.0)]
    assert len(watched[1].metrics["noise"]) == 3
    watched[1].metrics.clear()
    assert_same_run(watched, train_vae())


def test_a_callback_may_return_nothing():
    assert train_vae(callback=lambda step: None)[1].metrics == {}


def test_seconds_rise_and_leave_the_callback_out(monkeypatch):
    now = [100.0]
    clock = SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr(loop, "time", clock)

    def pass_by(seconds):
        now[0] += seconds

    _, history = train_vae(
        before=lambda step: pass_by(1), callback=lambda step: pass_by(50), callback_every=20
    )
    assert history.seconds == list(range(1, STEPS + 1))


@pytest.mark.parametrize(
    "wrong", [{"callback_every": 0}, {"checkpoint_every": 0}, {"clip_norm": 0.0}]
)
def test_a_number_that_would_stop_all_learning_is_refused(wrong):
    weight = torch.ones(5, requires_grad=True)
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is 0"):
        fit(lambda x: (weight - x).square(), [weight], torch.rand(4, 1, 5), **wrong)


def test_an_interruption_returns_the_history_so_far():
    before = signal.getsignal(signal.SIGINT)
    history = train_vae(before=interrupt(30))[1]
    assert history.step == list(range(1, 31)) and len(history.loss) == 30
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interruption_does_not_wait():
    def twice(step):
        if step == 5:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train_vae(before=twice)


def test_training_works_outside_the_main_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(train_vae()))
    thread.start()
    thread.join()
    assert_same_run(results[0], train_vae())
