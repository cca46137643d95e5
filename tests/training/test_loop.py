import math
import os
import signal
import threading
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch
from kernels import PATIENCE
from torch import nn

from dgm_core.data import batches, binarize
from dgm_core.objectives import elbo
from dgm_core.training import (
    CHECK_EVERY,
    CheckpointError,
    History,
    TrainingDiverged,
    checkpoints,
    descend,
    fit,
    loop,
    play,
    progress_bar,
)
from dgm_core.vae import mlp_vae

STEPS = 120


def train_vae(steps_seen=None, before=lambda step: None, hidden=16, **options):
    """Train a small VAE for 120 steps on noise; `before` runs before the loss of each step."""
    torch.manual_seed(0)
    images = torch.randint(256, (240, 4, 4), dtype=torch.uint8)
    vae = mlp_vae(latent_dim=3, hidden=hidden, num_pixels=16)
    seen = [] if steps_seen is None else steps_seen

    def loss(x):
        seen.append(None)
        before(len(seen))
        return -elbo(vae, x)

    plan = batches(images, 20, epochs=10, transform=binarize)
    history = fit(loss, vae.parameters(), plan, warmup_steps=10, **options)
    return vae, history


def assert_same_run(one, two):
    for a, b in zip(one[0].parameters(), two[0].parameters(), strict=True):
        assert torch.equal(a, b)
    assert one[1].loss == two[1].loss and one[1].step == two[1].step
    assert one[1].learning_rate == two[1].learning_rate and one[1].metrics == two[1].metrics


def interrupt(step):
    return lambda now: signal.raise_signal(signal.SIGINT) if now == step else None


# What fit computes


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


# Callbacks


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


# Checkpoints


def watched(step):
    return {"noise": torch.randn(()), "step": step}


@pytest.mark.parametrize("stop", [1, 37, CHECK_EVERY, CHECK_EVERY + 1, STEPS - 1])
def test_interrupted_and_resumed_is_the_same_as_uninterrupted(tmp_path, stop):
    options = {"callback": watched, "callback_every": 30}
    path = tmp_path / "new folder" / "vae.pt"
    stopped = train_vae(before=interrupt(stop), checkpoint=path, **options)
    assert len(stopped[1].loss) == stop
    seen = []
    resumed = train_vae(steps_seen=seen, checkpoint=path, **options)
    assert len(seen) == STEPS - stop
    assert_same_run(resumed, train_vae(**options))
    assert resumed[1].seconds == sorted(resumed[1].seconds)
    assert resumed[1].seconds[: stop - 1] == stopped[1].seconds[: stop - 1]


def test_a_run_that_crashed_resumes_from_the_last_file(tmp_path):
    def crash(step):
        if step == 75:
            raise OSError("the power is gone")

    path = tmp_path / "vae.pt"
    with pytest.raises(OSError, match="power"):
        train_vae(before=crash, checkpoint=path, checkpoint_every=20)
    seen = []
    resumed = train_vae(steps_seen=seen, checkpoint=path, checkpoint_every=20)
    assert len(seen) == STEPS - 60
    assert_same_run(resumed, train_vae())


def test_a_finished_run_is_loaded_without_a_step(tmp_path):
    path = tmp_path / "vae.pt"
    first = train_vae(checkpoint=path)
    seen = []
    again = train_vae(steps_seen=seen, checkpoint=path)
    assert seen == []
    assert_same_run(first, again)


def test_buffers_are_part_of_the_run(tmp_path):
    def run(stop=None, **options):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        count = []

        def loss(x):
            count.append(None)
            interrupt(stop)(len(count))
            return net(x).square().sum(1)

        plan = batches(torch.randn(40, 3), 8, epochs=4)
        fit(loss, net.parameters(), plan, buffers=net.buffers(), **options)
        return net.state_dict()

    run(stop=7, checkpoint=tmp_path / "net.pt")
    resumed, straight = run(checkpoint=tmp_path / "net.pt"), run()
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


def test_an_average_in_the_buffers_is_part_of_the_run(tmp_path):
    def run(stop=None, **options):
        torch.manual_seed(0)
        net = nn.Linear(3, 1)
        average, count = torch.optim.swa_utils.AveragedModel(net), []

        def loss(x):
            count.append(None)
            interrupt(stop)(len(count))
            return net(x).square().sum(1)

        fit(
            loss,
            net.parameters(),
            batches(torch.randn(40, 3), 8, epochs=4),
            clip_norm=0.1,
            after_step=lambda: average.update_parameters(net),
            buffers=average.state_dict().values(),
            **options,
        )
        return average.state_dict()

    run(stop=7, checkpoint=tmp_path / "net.pt")
    resumed, straight = run(checkpoint=tmp_path / "net.pt"), run()
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)
    assert straight["n_averaged"] == 20


def test_a_failure_while_saving_leaves_the_file_before(tmp_path, monkeypatch):
    path = tmp_path / "vae.pt"
    train_vae(before=interrupt(10), checkpoint=path)
    before = path.read_bytes()

    def disk_full(contents, file):
        file.write_bytes(b"half a check")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match="no space"):
        train_vae(checkpoint=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("keep", [0, 10, 1000, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, keep):
    path = tmp_path / "vae.pt"
    train_vae(checkpoint=path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"vae\.pt is truncated, damaged.*Delete"):
        train_vae(checkpoint=path)


def test_a_flipped_bit_is_refused_whichever_it_is(tmp_path):
    path = tmp_path / "w.pt"
    weight = torch.ones(5, requires_grad=True)

    def train():
        fit(lambda x: (weight - x).square(), [weight], batches(torch.rand(4, 5), 1), **options)

    options = {"checkpoint": path, "progress": False}
    train()
    contents, left = path.read_bytes(), weight.detach().clone()
    at = contents.index(weight.detach().numpy().tobytes())
    for bit in (7, 8 * 3 + 6, 8 * 19 + 5):  # of the first number, and of the last
        damaged = bytearray(contents)
        damaged[at + bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"w\.pt is .*damaged.*Delete"):
            train()
        assert torch.equal(weight, left)
    path.write_bytes(contents)
    train()


def test_a_checkpoint_of_a_device_that_is_not_here_changes_nothing(tmp_path):
    path = tmp_path / "w.pt"

    def train(weight):
        data = batches(torch.rand(4, 5), 1)
        fit(lambda x: (weight - x).square(), [weight], data, checkpoint=path, progress=False)

    train(torch.ones(5, requires_grad=True))
    saved = torch.load(path)
    del saved["sha256"]
    saved["random"]["cuda"] = saved["random"]["cpu"]
    torch.save({**saved, "sha256": checkpoints.digest(saved)}, path)
    weight = torch.zeros(5, requires_grad=True)
    with pytest.raises(CheckpointError, match="was written on cuda, and this run is on cpu"):
        train(weight)
    assert not weight.any()
    del saved["random"]["cuda"]
    saved["random"]["cpu"] = saved["random"]["cpu"][:9]  # what only the last part of a load sees
    torch.save({**saved, "sha256": checkpoints.digest(saved)}, path)
    with pytest.raises(CheckpointError, match=r"does not fit.*Nothing was changed"):
        train(weight)
    assert not weight.any()


@pytest.mark.parametrize("there", ["a file", "a folder"])
def test_where_nothing_can_be_saved_is_told_before_the_first_step(tmp_path, there):
    path = tmp_path / "there"
    if there == "a file":
        path.write_bytes(b"")
        path = path / "w.pt"  # a folder of that name cannot be made
    else:
        path.mkdir()
    weight, seen = torch.ones(5, requires_grad=True), []

    def loss(x):
        seen.append(x)
        return (weight - x).square()

    data = batches(torch.rand(4, 5), 1)
    with pytest.raises(CheckpointError, match=r"cannot write .*Give a checkpoint in a folder"):
        fit(loss, [weight], data, checkpoint=path)
    with pytest.raises(CheckpointError, match="cannot write"):
        play((loss, [weight]), (loss, [weight]), data, checkpoint=path)
    assert seen == []


@pytest.mark.parametrize(
    "wrong", [{"callback_every": 0}, {"checkpoint_every": 0}, {"clip_norm": 0.0}]
)
def test_a_number_that_would_stop_all_learning_is_refused(wrong):
    weight = torch.ones(5, requires_grad=True)
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is 0"):
        fit(lambda x: (weight - x).square(), [weight], torch.rand(4, 1, 5), **wrong)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path, legacy):
    path, trace = tmp_path / "vae.pt", tmp_path / "was here"

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(trace),)

    contents = {"identity": Malicious()}
    torch.save(contents, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        train_vae(checkpoint=path)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # the file does what the test believes it would do
    assert trace.exists()


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "vae.pt"
    torch.save(mlp_vae(latent_dim=3, hidden=16, num_pixels=16).state_dict(), path)
    with pytest.raises(CheckpointError, match=r"not a checkpoint of training\.fit.*Delete"):
        train_vae(checkpoint=path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hidden": 17}, "tensors"),
        ({"learning_rate": 1e-4}, "learning_rate: 0.002 there, 0.0001 here"),
        ({"optimizer": torch.optim.SGD}, "optimizer: Adam there, SGD here"),
        ({"clip_norm": 1.0}, "clip_norm: None there, 1.0 here"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, named):
    path = tmp_path / "vae.pt"
    train_vae(before=interrupt(10), checkpoint=path)
    with pytest.raises(CheckpointError, match=f"of another run.*{named}.*Delete"):
        train_vae(checkpoint=path, **change)


@pytest.mark.parametrize("plan", [{"epochs": 3}, {"seed": 1}, {"batch_size": 5}])
def test_a_checkpoint_of_other_batches_is_refused(tmp_path, plan):
    def run(**changes):
        weight = nn.Parameter(torch.ones(1))
        loader = batches(torch.ones(60), **{"batch_size": 10, "epochs": 2} | changes)
        fit(lambda x: weight * x, [weight], loader, checkpoint=tmp_path / "w.pt")

    run()
    with pytest.raises(CheckpointError, match=r"batches: .*there.*here"):
        run(**plan)


# Divergence


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [1, 2, CHECK_EVERY, CHECK_EVERY + 1, STEPS])
def test_a_loss_that_is_not_finite_stops_and_restores(bad, step):
    weight, after = nn.Parameter(torch.ones(3)), []

    def loss(x):
        after.append(weight.detach().clone())  # after[s] is the weight after step s
        return (weight * x).sum(1) * (bad if len(after) == step else 1)

    with pytest.raises(TrainingDiverged, match=f"the loss is {bad} at step {step}") as caught:
        fit(loss, [weight], batches(torch.ones(STEPS, 3), 1), warmup_steps=1)
    assert caught.value.step == step
    assert caught.value.history.step == list(range(1, step))
    good_step = max(0, (step - 1) // CHECK_EVERY * CHECK_EVERY - 1)
    assert f"after step {good_step}." in str(caught.value)
    torch.testing.assert_close(weight.data, after[good_step], rtol=0, atol=0)


def test_an_update_that_ruins_the_parameters_is_never_kept():
    weight, seen = nn.Parameter(torch.ones(1)), []

    def loss(x):
        seen.append(weight.item())
        wrong_way = -1e6 if len(seen) == CHECK_EVERY else 1
        return wrong_way * (weight * x).exp()  # finite here, infinite in the next step

    with pytest.raises(TrainingDiverged) as caught:
        fit(
            loss,
            [weight],
            batches(torch.ones(STEPS), 1),
            optimizer=torch.optim.SGD,
            learning_rate=1e-3,
        )
    assert caught.value.step == CHECK_EVERY + 1
    assert weight.item() == seen[CHECK_EVERY - 1] and weight.exp().isfinite()


def test_a_last_update_that_ruins_the_parameters_is_found():
    weight, count = nn.Parameter(torch.ones(1)), []

    def loss(x):
        count.append(None)
        return (weight - 1).abs().sqrt() * x if len(count) == 3 else weight * x * 0

    with pytest.raises(TrainingDiverged, match="a parameter is NaN or infinite after step 3"):
        fit(loss, [weight], batches(torch.ones(3), 1))
    assert weight.item() == 1


def test_a_checkpoint_is_never_written_over_by_a_ruined_run(tmp_path):
    path = tmp_path / "w.pt"
    weight, count = nn.Parameter(torch.ones(1)), []

    def loss(x):
        count.append(None)
        return weight * x * (math.nan if len(count) == 15 else 1)

    with pytest.raises(TrainingDiverged):
        fit(loss, [weight], batches(torch.ones(40), 1), checkpoint=path, checkpoint_every=10)
    assert torch.load(path, weights_only=True)["step"] == 10


# Interruption


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


# Progress


def test_nobody_watches_nothing_is_shown(capfd):
    train_vae()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("variable", ["CI", "DGM_QUIET"])
def test_a_terminal_shows_progress_unless_it_is_asked_not_to(monkeypatch, variable):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("DGM_QUIET", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert not progress_bar(10, 0, None).disable
    monkeypatch.setenv(variable, "1")
    assert progress_bar(10, 0, None).disable


def test_progress_goes_to_standard_output(capsys):
    train_vae(progress=True)
    out, err = capsys.readouterr()
    assert "120/120" in out and "loss" in out and err == ""


@pytest.mark.book
def test_an_executed_notebook_shows_no_progress(monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("DGM_QUIET", raising=False)
    code = """
import torch
from dgm_core import data, training
from dgm_core.training import console
w = torch.nn.Parameter(torch.ones(1))
training.fit(lambda x: w * x, [w], data.batches(torch.ones(60), 1));
"""
    shown = "get_ipython().kernel._allow_stdin = True\nassert console._someone_waits()"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell(shown)]
    )
    NotebookClient(notebook, **PATIENCE).execute()
    assert [cell.outputs for cell in notebook.cells] == [[], []]


# History


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
