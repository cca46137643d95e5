"""The weights that ship with the book are those of the log beside them."""

import math

import pytest

from dgm_core import data
from dgm_core.coarse_training import log_masses
from dgm_core.pretrained import DIGIT_FLOW, digit_flow, digit_flow_log


def test_the_flow_of_digits_is_as_good_as_its_log_says():
    images = data.mnist("test")[0][:500]
    bits = -log_masses(digit_flow(), images).mean().item() / 784 / math.log(2)
    recorded = digit_flow_log()["test"]
    assert bits == pytest.approx(recorded["bits per dimension of the first 500"], abs=1e-4)
    assert recorded["digits"] == 10_000
    assert recorded["bits per dimension"] + 2 * recorded["standard error"] < 0.95


def test_the_download_is_small():
    assert DIGIT_FLOW.stat().st_size < 4e6
