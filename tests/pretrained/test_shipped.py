"""The weights that ship with the book are those of the log beside them."""

import math

import pytest

from dgm_core import data
from dgm_core.flows import log_masses
from dgm_core.pretrained import (
    DIGIT_FLOW,
    DIGIT_JUDGE,
    DIGIT_MAP,
    digit_flow,
    digit_flow_log,
    digit_judge,
    digit_judge_log,
    digit_map,
    digit_map_log,
    make_flow,
    make_judge,
    shipped,
)
from dgm_core.pretrained.make_map import evaluate


def test_the_flow_of_digits_is_as_good_as_its_log_says():
    images = data.mnist("test")[0][:500]
    bits = -log_masses(digit_flow(), images).mean().item() / 784 / math.log(2)
    recorded = digit_flow_log()["test"]
    assert bits == pytest.approx(recorded["bits per dimension of the first 500"], abs=1e-4)
    assert recorded["digits"] == 10_000
    assert recorded["bits per dimension"] + 2 * recorded["standard error"] < 0.95


def test_the_judge_of_digits_is_as_good_as_its_log_says():
    images, labels = data.mnist("test")
    accuracy = (digit_judge("cpu").classify(images.flatten(1) / 255) == labels).double().mean()
    recorded = digit_judge_log()["test"]
    assert accuracy.item() == pytest.approx(recorded["accuracy"], abs=2e-4)  # two digits
    assert recorded["digits"] == 10_000
    assert recorded["accuracy"] - 2 * recorded["standard error"] > 0.98


def test_the_map_of_handwriting_is_as_good_and_as_full_as_its_log_says():
    recorded = digit_map_log()["test"]
    found = evaluate(digit_map(), data.mnist("test")[0])
    gap = "gap between codes and prior"
    assert found["ELBO"] == pytest.approx(recorded["ELBO"], abs=0.05)
    assert found[gap] == pytest.approx(recorded[gap], abs=0.01)
    assert recorded["digits"] == 10_000
    assert recorded["ELBO"] - 2 * recorded["standard error"] > -150 and recorded[gap] < 0.3


def test_the_download_is_small():
    assert DIGIT_MAP.stat().st_size < 1.3e6
    decoder = digit_map().decoder.parameters()
    assert 2 * sum(p.numel() for p in decoder) < 4e5  # bytes that a page loads, at most
    assert DIGIT_FLOW.stat().st_size < 4e6
    assert DIGIT_JUDGE.stat().st_size < 3e5


@pytest.mark.parametrize("log", ["[]", "{}", "7", "no JSON"])
def test_a_log_that_is_none_is_an_error_of_the_data(tmp_path, monkeypatch, log):
    weights = tmp_path / "mnist-flow.pt"
    weights.write_bytes(DIGIT_FLOW.read_bytes())
    weights.with_suffix(".json").write_text(log, encoding="utf8")
    monkeypatch.setattr(shipped, "DIGIT_FLOW", weights)
    for read in (digit_flow, digit_flow_log):
        with pytest.raises(data.DataError, match=r"mnist-flow\.json is damaged.*git checkout"):
            read()


@pytest.mark.parametrize("model", ["flow", "judge"])
def test_where_no_model_can_be_written_is_told_before_the_training(tmp_path, monkeypatch, model):
    monkeypatch.setattr(make_flow, "train_pyramid", None)  # neither is reached
    monkeypatch.setattr(make_judge, "digit_classifier", None)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(data.DataError, match=r"cannot write to .*--out"):
        {"flow": make_flow, "judge": make_judge}[model].main(["--out", str(tmp_path / "file/out")])
