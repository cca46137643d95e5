"""The script that makes the map of handwriting, on few digits; and loading what it made."""

import json
import os
import signal

import pytest
import torch

from dgm_core import data, pretrained
from dgm_core.evaluation import prior_gap
from dgm_core.objectives import elbo
from dgm_core.pretrained import make_map, shipped, untrained
from dgm_core.training import random_state_kept

FEW = 300  # test digits
FILES = ["mnist-map.json", "mnist-map.pt"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that runs the script on 120 digits, 20 a step, few to test; a small network."""
    monkeypatch.setattr(untrained, "DIGIT_MAP_ENCODER", (8,))
    monkeypatch.setattr(untrained, "DIGIT_MAP_DECODER", (8, 8))
    whole = data.mnist

    def with_few_to_test(split, device="cpu"):
        images, labels = whole(split, device)
        return (images, labels) if split == "train" else (images[:FEW], labels[:FEW])

    monkeypatch.setattr(data, "mnist", with_few_to_test)

    def run_in(folder, *words):
        os.makedirs(tmp_path / folder, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        words = ["--digits", "120", "--epochs", "2", "--batch-size", "20", "--out", "out", *words]
        return make_map.main([*words, "--precision", "float32"])

    return run_in


def weights(folder):
    return torch.load(folder / "out/mnist-map.pt", weights_only=True)


def test_it_leaves_weights_and_a_log_of_what_made_them(run, tmp_path, capsys):
    assert run("here") == 0
    folder = tmp_path / "here/out"
    assert sorted(os.listdir(folder)) == FILES
    log = json.loads((folder / "mnist-map.json").read_text(encoding="utf8"))
    assert (log["digits"], log["validation"]["digits"], log["test"]["digits"]) == (100, 20, FEW)
    assert log["steps"] == 10 == log["training curve"][-1]["step"]
    assert [point["step"] for point in log["validation curve"]] == list(range(1, 11))
    assert log["options"]["seed"] == 0 and log["torch"] == torch.__version__
    assert abs(log["lost by rounding to float16, in nats"]) < 0.1
    assert str(tmp_path) not in json.dumps(log)
    out = capsys.readouterr().out
    assert f"held out: ELBO {log['validation']['ELBO']:.2f} nats" in out
    assert f"test: ELBO {log['test']['ELBO']:.2f} nats" in out


def test_what_is_measured_is_the_bound_and_the_gap_of_digits_binarised_once(run):
    torch.manual_seed(1)
    vae, images = untrained.untrained_digit_map(), data.mnist("train")[0][:50]
    with random_state_kept(images.device), torch.no_grad():
        torch.manual_seed(0)
        x = data.binarize(images)
        bound, gap = elbo(vae, x), prior_gap(vae, x)
    before = torch.get_rng_state()
    found = make_map.evaluate(vae, images)
    assert torch.equal(torch.get_rng_state(), before)
    assert found["ELBO"] == pytest.approx(bound.mean().item(), rel=1e-6)
    assert found["standard error"] == pytest.approx(bound.std().item() / 50**0.5, rel=1e-5)
    assert found["gap between codes and prior"] == pytest.approx(gap.item(), rel=1e-5)


@pytest.mark.parametrize("step", [1, 7])
def test_stopped_and_started_again_is_the_same_as_never_stopped(run, tmp_path, monkeypatch, step):
    binarize, count = data.binarize, []

    def pressed(images):
        count.append(None)
        if len(count) == step:
            signal.raise_signal(signal.SIGINT)
        return binarize(images)

    with monkeypatch.context() as patch:
        patch.setattr(data, "binarize", pressed)
        assert run("stopped") == 1
    assert not list((tmp_path / "stopped/out").iterdir())
    assert run("stopped") == 0
    assert run("straight") == 0
    one, two = weights(tmp_path / "stopped"), weights(tmp_path / "straight")
    assert all(torch.equal(one[name], two[name]) for name in two)


def test_choosing_settings_never_sees_the_test_digits(run, tmp_path, monkeypatch, capsys):
    images, labels = data.mnist("train")

    def only_training(split, device="cpu"):
        assert split == "train"
        return images, labels

    monkeypatch.setattr(data, "mnist", only_training)
    assert run("here", "--validate") == 0
    assert not (tmp_path / "here/out").exists()
    assert "on 20 digits" in capsys.readouterr().out


# Loading what was made


@pytest.fixture
def made(run, tmp_path, monkeypatch):
    """Folder of a small map's weights, from which the package loads."""
    run("here")
    folder = tmp_path / "here/out"
    monkeypatch.setattr(shipped, "DIGIT_MAP", folder / "mnist-map.pt")
    return folder


def test_what_was_made_is_loaded_and_gives_the_recorded_numbers(made):
    vae, log = pretrained.digit_map(), pretrained.digit_map_log()
    assert not vae.training and not any(p.requires_grad for p in vae.parameters())
    found = make_map.evaluate(vae, data.mnist("test")[0])
    assert found == pytest.approx(log["test"], rel=1e-4)
    assert all(torch.equal(p, p.half().float()) for p in vae.parameters())


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_the_cure(made, name):
    (made / name).unlink()
    cure = rf"{name}: No such file.*git checkout.*pretrained map"
    with pytest.raises(data.DataError, match=cure):
        pretrained.digit_map()


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_with_the_cure(made, name):
    path = made / name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(data.DataError, match=rf"{name} is damaged.*git checkout"):
        pretrained.digit_map()
