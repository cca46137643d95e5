"""A run that was stopped, in whatever way, goes on as if it had not been."""

import pytest
import torch
from torch import nn
from trainings import STEPS, assert_same_run, interrupt, train_vae, watched

from dgm_core.data import batches
from dgm_core.training import CHECK_EVERY, fit


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
