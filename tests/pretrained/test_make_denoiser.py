"""The script of the denoiser, on a few digits with a small network."""

import json
import math
import os
import signal

import pytest
import torch

from dgm_core import data, pretrained
from dgm_core.data import digits
from dgm_core.diffusion import DigitDenoiser, GreyValues
from dgm_core.diffusion import training as its_training
from dgm_core.pretrained import make_denoiser, shipped, untrained

FILES = ["mnist-denoiser.json", "mnist-denoiser.png", "mnist-denoiser.pt"]


def small(dropout=0.0, **sizes):
    """A model like the one that is shipped, whatever size that has."""
    return DigitDenoiser((8, 8), (0, 1, 0), condition=8, dropout=dropout)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that runs the script on 60 digits, 50 of them to train on, 15 a step: 6 steps."""
    monkeypatch.setattr(untrained, "DigitDenoiser", small)

    def run_in(folder, *words):
        os.makedirs(tmp_path / folder, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        options = ["--digits", "60", "--epochs", "2", "--batch-size", "15", "--samples", "20"]
        return make_denoiser.main([*options, "--out", "out", "--precision", "float32", *words])

    return run_in


def weights(folder):
    return torch.load(folder / "out/mnist-denoiser.pt", weights_only=True)


def test_it_leaves_weights_a_log_and_a_picture_that_load(run, tmp_path, monkeypatch, capsys):
    assert run("here") == 0
    folder = tmp_path / "here/out"
    assert sorted(os.listdir(folder)) == FILES
    log = json.loads((folder / "mnist-denoiser.json").read_text("utf8"))
    assert log["steps"] == 6 == log["training curve"][-1]["step"]
    assert sum(log["histogram"]) == 50 * 784 and str(tmp_path) not in json.dumps(log)
    monkeypatch.setattr(shipped, "DIGIT_DENOISER", folder / "mnist-denoiser.pt")
    model, greys = pretrained.digit_denoiser()
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    test, train = data.mnist("test")[0][:60], data.mnist("train")[0][:50]
    again = make_denoiser.judged(model, greys, test, train, 20)
    assert again == pytest.approx(log["test"], rel=1e-3)
    assert log["test"]["samples"] == 20 and log["test"]["digits"] == 60
    assert f"Frechet distance {again['Frechet distance']:.2f}" in capsys.readouterr().out


def test_real_digits_would_be_judged_as_the_floor_is():
    """The distance of pictures that are digits is that of the floor, not that of noise."""
    train, test = data.mnist("train")[0][:400], data.mnist("test")[0][:400]
    greys = GreyValues(torch.bincount(train.flatten().long(), minlength=256))

    def drawn(pictures):
        def draw(denoiser, greys, count, steps, generator):
            return pictures[:count]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(make_denoiser, "draw_digits", draw)
            return make_denoiser.judged(greys, greys, test, train, 400)

    real = drawn(data.mnist("train")[0][1000:1400].flatten(1) / 255)
    noise = drawn(torch.rand(400, 784))
    floor = real["Frechet distance of real digits"]
    assert real["Frechet distance"] < 2 * floor < 0.1 * noise["Frechet distance"]
    assert real["rarest class"] > 0.03 and noise["rarest class"] == 0
    # the histogram's denoiser pays the histogram's cross-entropy
    log_shares = greys.log_shares[test.flatten().long()] / math.log(2)
    off = real["bits per dimension, bound"] + log_shares.mean().item()
    assert abs(off) < 4 * real["standard error"] < 0.4


def test_stopped_and_started_again_is_the_same_as_never_stopped(run, tmp_path, monkeypatch):
    assert run("straight") == 0
    stratified, count = its_training.stratified, []

    def pressed(uniform):
        count.append(None)
        if len(count) == 3:
            signal.raise_signal(signal.SIGINT)
        return stratified(uniform)

    with monkeypatch.context() as patch:
        patch.setattr(its_training, "stratified", pressed)
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
    assert os.listdir(folder) == ["mnist-denoiser-validation.json"]
    log = json.loads((folder / "mnist-denoiser-validation.json").read_text("utf8"))
    assert log["validation"]["digits"] == 10 and log["steps"] == 6


def test_a_missing_file_is_named_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "DIGIT_DENOISER", tmp_path / "mnist-denoiser.pt")
    with pytest.raises(data.DataError, match=r"No such file.*dgm_core\.pretrained denoiser"):
        pretrained.digit_denoiser()


def test_the_shipped_size_is_below_a_megabyte_in_eight_bits_and_two_in_sixteen():
    count = sum(p.numel() for p in pretrained.untrained_digit_denoiser().parameters())
    assert count < 1e6
