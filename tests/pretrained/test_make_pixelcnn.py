"""The script of the PixelCNN, on a few digits with a small network."""

import json
import os
import signal

import pytest
import torch

from dgm_core import data, pretrained
from dgm_core.autoregressive import PixelCNN, log_probs
from dgm_core.autoregressive import training as its_training
from dgm_core.data import digits
from dgm_core.pretrained import make_pixelcnn, shipped, untrained

FILES = ["mnist-pixelcnn.json", "mnist-pixelcnn.png", "mnist-pixelcnn.pt"]


def small(dropout=0.0, **sizes):
    """A model like the one that is shipped, whatever size that has."""
    return PixelCNN(width=8, hidden=8, blocks=1, reach=1, dropout=dropout)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that runs the script on 60 digits, 50 of them to train on, 15 a step: 6 steps."""
    monkeypatch.setattr(untrained, "PixelCNN", small)

    def run_in(folder, *words):
        os.makedirs(tmp_path / folder, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        options = ["--digits", "60", "--epochs", "2", "--batch-size", "15", "--out", "out"]
        return make_pixelcnn.main([*options, "--precision", "float32", *words])

    return run_in


def weights(folder):
    return torch.load(folder / "out/mnist-pixelcnn.pt", weights_only=True)


def test_it_leaves_weights_a_log_and_a_picture_that_load(run, tmp_path, monkeypatch, capsys):
    assert run("here") == 0
    folder = tmp_path / "here/out"
    assert sorted(os.listdir(folder)) == FILES
    log = json.loads((folder / "mnist-pixelcnn.json").read_text("utf8"))
    assert log["steps"] == 6 == log["training curve"][-1]["step"]
    assert "seed 2026" in log["binarisation"] and str(tmp_path) not in json.dumps(log)
    monkeypatch.setattr(shipped, "DIGIT_PIXELCNN", folder / "mnist-pixelcnn.pt")
    model = pretrained.digit_pixelcnn()
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    x = make_pixelcnn.once_binarized(data.mnist("test")[0][:60])
    nats = -log_probs(model, x)
    found = pretrained.digit_pixelcnn_log()["test"]
    assert found["digits"] == 60
    assert found["nats"] == pytest.approx(nats.mean().item(), rel=1e-5)
    assert found["standard error"] == pytest.approx(nats.std().item() / 60**0.5, rel=1e-4)
    assert abs(log["lost by rounding to float16, in nats"]) < 0.1
    assert f"test: {found['nats']:.3f} nats" in capsys.readouterr().out


def test_the_test_s_binarisation_is_always_the_same_one():
    images = data.mnist("test")[0][:20]
    torch.manual_seed(1)
    one = make_pixelcnn.once_binarized(images)
    torch.manual_seed(2)
    assert one.equal(make_pixelcnn.once_binarized(images))
    assert ((one == 0) | (one == 1)).all() and not one.equal(data.binarize(images))


def test_stopped_and_started_again_is_the_same_as_never_stopped(run, tmp_path, monkeypatch):
    assert run("straight") == 0
    binarize, count = its_training.binarize, []

    def pressed(images):
        count.append(None)
        if len(count) == 3:
            signal.raise_signal(signal.SIGINT)
        return binarize(images)

    with monkeypatch.context() as patch:
        patch.setattr(its_training, "binarize", pressed)
        assert run("stopped") == 1
    assert not list((tmp_path / "stopped/out").iterdir())
    assert run("stopped") == 0
    one, two = weights(tmp_path / "stopped"), weights(tmp_path / "straight")
    assert all(torch.equal(one[name], two[name]) for name in two)


def test_choosing_settings_never_sees_the_test_digits(run, tmp_path, monkeypatch):
    images, labels = data.mnist("train")

    def only_training(folder, prefix):
        assert prefix == "train"
        return images, labels

    monkeypatch.setattr(digits, "_parse", only_training)  # all that reads MNIST goes through it
    assert run("here", "--validate") == 0
    folder = tmp_path / "here/out"
    assert os.listdir(folder) == ["mnist-pixelcnn-validation.json"]
    log = json.loads((folder / "mnist-pixelcnn-validation.json").read_text("utf8"))
    curve = log["validation curve"]
    assert [point["step"] for point in curve] == [3, 6]
    assert log["validation"]["digits"] == 10
    assert (
        curve[0]["nats"] > curve[1]["nats"] == pytest.approx(log["validation"]["nats"], abs=1e-3)
    )


def test_a_missing_file_is_named_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "DIGIT_PIXELCNN", tmp_path / "mnist-pixelcnn.pt")
    with pytest.raises(data.DataError, match=r"No such file.*dgm_core\.pretrained pixelcnn"):
        pretrained.digit_pixelcnn()


def test_the_shipped_size_is_below_two_megabytes():
    count = sum(p.numel() for p in pretrained.untrained_digit_pixelcnn().parameters())
    assert 2 * count < 2e6
