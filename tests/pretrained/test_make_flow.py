import json
import os
import signal
import subprocess
import sys

import pytest
import torch

from dgm_core import data, pretrained
from dgm_core.data import digits
from dgm_core.flows import CoarseToFine, pyramid_training, train_pyramid
from dgm_core.pretrained import make_flow, shipped, untrained

LEVELS = ((4, (0, 0, 0)), (4, (0, 0, 0)), (4, (0, 0, 0)), (4, (1, 0, 0)), (4, (0, 1, 0)))
FILES = ["mnist-flow.json", "mnist-flow.png", "mnist-flow.pt"]


def small(levels=None, **options):
    """A flow like the one that is shipped, whatever levels that has."""
    return CoarseToFine(levels=LEVELS, hidden=4, **options)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that runs the script on 90 digits: 10 steps of 15 of the first 75, a small flow."""
    monkeypatch.setattr(untrained, "CoarseToFine", small)

    def run_in(folder, *words, out="out"):
        os.makedirs(tmp_path / folder, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        words = ["--digits", "90", "--epochs", "2", "--batch-size", "15", "--out", out, *words]
        return make_flow.main(words)

    return run_in


def stop_at(monkeypatch, step):
    """Press Ctrl-C in a step of the next run."""
    forward, count = pyramid_training.Loss.forward, []

    def pressed(self, images):
        count.append(None)
        if len(count) == step:
            signal.raise_signal(signal.SIGINT)
        return forward(self, images)

    monkeypatch.setattr(pyramid_training.Loss, "forward", pressed)


def weights(folder):
    return torch.load(folder / "out/mnist-flow.pt", weights_only=True)


def test_it_leaves_weights_a_log_and_a_picture(run, tmp_path, capsys):
    assert run("here") == 0
    folder = tmp_path / "here/out"
    assert sorted(os.listdir(folder)) == FILES
    log = json.loads((folder / "mnist-flow.json").read_text(encoding="utf8"))
    assert log["steps"] == 10 == log["training curve"][-1]["step"]
    assert log["options"]["seed"] == 0 and log["torch"] == torch.__version__
    assert str(tmp_path) not in json.dumps(log)
    model = small()
    model.load_state_dict(weights(tmp_path / "here"))
    images = data.mnist("test")[0][:90]
    bits = -model.log_mass(images) / 784 / torch.tensor(2.0).log()
    assert log["test"]["digits"] == 90
    assert log["test"]["bits per dimension"] == pytest.approx(bits.mean().item(), rel=1e-5)
    assert log["test"]["standard error"] == pytest.approx(bits.std().item() / 90**0.5, rel=1e-4)
    assert abs(log["lost by rounding to float16, in bits per dimension"]) < 1e-3
    out = capsys.readouterr().out
    assert "10/10" in out and f"test: {bits.mean():.4f}" in out


@pytest.mark.parametrize("step", [1, 7])
def test_stopped_and_started_again_is_the_same_as_never_stopped(run, tmp_path, monkeypatch, step):
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        assert run("stopped") == 1
    assert not any((tmp_path / "stopped/out").iterdir())
    assert run("stopped") == 0
    assert run("straight") == 0
    one, two = weights(tmp_path / "stopped"), weights(tmp_path / "straight")
    assert all(torch.equal(one[name], two[name]) for name in two)


def test_choosing_settings_never_sees_the_test_digits(run, tmp_path, monkeypatch, capsys):
    images, labels = data.mnist("train")

    def only_training(folder, prefix):
        assert prefix == "train"
        return images, labels

    monkeypatch.setattr(digits, "_parse", only_training)  # all that reads MNIST goes through it
    assert run("here", "--validate") == 0
    folder = tmp_path / "here/out"
    assert os.listdir(folder) == ["mnist-flow-validation.json"]
    log = json.loads((folder / "mnist-flow-validation.json").read_text(encoding="utf8"))
    assert [point["step"] for point in log["held out"]] == [5, 10]
    assert log["held out"][1]["bits per dimension"] < log["held out"][0]["bits per dimension"]


# What torchrun does, for three runs: once alone, and twice in two processes. They are forks of one
# process that has computed nothing yet, so that PyTorch is imported once and not seven times.
SCRIPT = """
import sys
import torch._dynamo
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from dgm_core.flows import CoarseToFine
from dgm_core.pretrained import make_flow, untrained
small = {{"levels": {levels}, "hidden": 4}}
untrained.CoarseToFine = lambda **options: CoarseToFine(**options | small).double()
for processes, out in ((1, "alone"), (2, "together"), (2, "again")):
    launch = LaunchConfig(1, 1, processes, rdzv_backend="c10d", rdzv_endpoint="localhost:0",
                          run_id=out, max_restarts=0, start_method="fork")
    words = ["--out", out + "/out", "--checkpoint", str(processes) + "/run.pt"]
    elastic_launch(launch, make_flow.main)([*sys.argv[1:], *words])
"""


def test_two_processes_make_the_weights_that_one_makes(tmp_path):
    """Half of every batch each, in double precision; the last run begins at a checkpoint."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(levels=LEVELS), encoding="utf8")
    options = ["--digits", "90", "--batch-size", "18", "--precision", "float32"]
    options += ["--dropout", "0"]  # each process would leave out the same channels in its half
    options += ["--threads", "1", "--epochs", "2"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "DGM_DEVICE": "cpu"}
    words = [sys.executable, script, *options]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf8"
    )
    assert done.returncode == 0, done.stderr

    one, two, again = (weights(tmp_path / run) for run in ("alone", "together", "again"))
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=2e-3, atol=1e-6)
    assert os.listdir(tmp_path / "2") == ["run.pt"]
    assert all(torch.equal(again[name], two[name]) for name in two)


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    images = torch.zeros(64, 28, 28, dtype=torch.uint8)
    with pytest.raises(ValueError, match="64 images a step do not share out among 3 processes"):
        train_pyramid(small(), images, epochs=1)


# Loading what was made


@pytest.fixture
def made(run, tmp_path, monkeypatch):
    """Folder of a small flow's weights, from which the package loads."""
    run("here")
    folder = tmp_path / "here/out"
    monkeypatch.setattr(shipped, "DIGIT_FLOW", folder / "mnist-flow.pt")
    return folder


def test_what_was_made_is_loaded_and_gives_the_recorded_number(made):
    model, log = pretrained.digit_flow(), pretrained.digit_flow_log()
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    nats = -model.log_mass(data.mnist("test")[0][:90]).mean()
    bits = nats / 784 / torch.tensor(2.0).log()
    assert bits.item() == pytest.approx(log["test"]["bits per dimension"], rel=1e-5)


@pytest.mark.parametrize("name", ["mnist-flow.pt", "mnist-flow.json"])
def test_a_missing_file_is_named_with_the_cure(made, name):
    (made / name).unlink()
    cure = r"git checkout -- dgm_core/pretrained/weights.*dgm_core\.pretrained flow"
    with pytest.raises(data.DataError, match=rf"{name}: No such file.*{cure}"):
        pretrained.digit_flow()


@pytest.mark.parametrize("name", ["mnist-flow.pt", "mnist-flow.json"])
def test_a_damaged_file_is_named_with_the_cure(made, name):
    path = made / name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(data.DataError, match=rf"{name} is damaged.*git checkout"):
        pretrained.digit_flow()
