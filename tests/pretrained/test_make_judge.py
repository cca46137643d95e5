"""The script that makes the classifier that ships, on few digits; and loading what it made."""

import json
import os

import pytest
import torch

from dgm_core import data, pretrained
from dgm_core.classifier import digit_classifier
from dgm_core.data import digits
from dgm_core.pretrained import make_judge, shipped


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of a classifier's weights, made of 2,000 digits."""
    folder = tmp_path_factory.mktemp("weights")
    make_judge.main(["--digits", "2000", "--epochs", "1", "--out", str(folder)])
    return folder


@pytest.fixture
def loaded(made, tmp_path, monkeypatch):
    """Folder of a copy of them, from which the package loads."""
    for path in made.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(shipped, "DIGIT_JUDGE", tmp_path / "mnist-judge.pt")
    return tmp_path


def test_it_leaves_weights_and_a_log_of_what_made_them(made):
    assert sorted(os.listdir(made)) == ["mnist-judge.json", "mnist-judge.pt"]
    log = json.loads((made / "mnist-judge.json").read_text(encoding="utf8"))
    settings = {"digits": 2000, "epochs": 1, "seed": 0, "torch": torch.__version__}
    assert {name: log[name] for name in settings} == settings
    assert str(made) not in json.dumps(log)


def test_what_was_made_is_loaded_and_gives_the_recorded_number(loaded):
    model, test = pretrained.digit_judge("cpu"), pretrained.digit_judge_log()["test"]
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    images, labels = data.mnist("test")
    right = (model.classify(images.flatten(1) / 255) == labels).double()
    assert test["digits"] == len(images)
    assert test["accuracy"] == pytest.approx(right.mean().item(), abs=2e-4)
    assert test["standard error"] == pytest.approx(right.std().item() / 100, rel=1e-2)


def test_the_weights_are_those_of_the_training_rounded_to_16_bits(loaded):
    images, labels = (part[:2000] for part in data.mnist("train"))
    trained = digit_classifier(images, labels, epochs=1, progress=False)
    for ours, theirs in zip(
        pretrained.digit_judge("cpu").parameters(), trained.parameters(), strict=True
    ):
        assert torch.equal(ours, ours.half().float())
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_choosing_epochs_never_sees_the_test_digits(tmp_path, monkeypatch, capsys):
    images, labels = data.mnist("train")

    def only_training(folder, prefix):
        assert prefix == "train"
        return images, labels

    monkeypatch.setattr(digits, "_parse", only_training)  # all that reads MNIST goes through it
    words = ["--validate", "--digits", "1200", "--epochs", "1", "--out", str(tmp_path)]
    make_judge.main(words)
    assert not os.listdir(tmp_path)
    assert "of 200 digits" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["mnist-judge.pt", "mnist-judge.json"])
def test_a_missing_file_is_named_with_the_cure(loaded, name):
    (loaded / name).unlink()
    cure = rf"{name}: No such file.*git checkout.*pretrained judge"
    with pytest.raises(data.DataError, match=cure):
        pretrained.digit_judge()


@pytest.mark.parametrize("name", ["mnist-judge.pt", "mnist-judge.json"])
def test_a_damaged_file_is_named_with_the_cure(loaded, name):
    path = loaded / name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(data.DataError, match=rf"{name} is damaged.*git checkout"):
        pretrained.digit_judge()
