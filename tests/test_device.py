import pytest
import torch

from dgm_core.device import default_device


def machine(monkeypatch, cuda=0, mps=False, wanted=None):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    if wanted is None:
        monkeypatch.delenv("DGM_DEVICE", raising=False)
    else:
        monkeypatch.setenv("DGM_DEVICE", wanted)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda"), (2, True, "cuda")],
)
def test_cuda_is_preferred_to_mps_and_mps_to_the_cpu(monkeypatch, cuda, mps, expected):
    machine(monkeypatch, cuda, mps)
    assert default_device() == torch.device(expected)


@pytest.mark.parametrize("wanted", ["cpu", "cuda", "cuda:1", "mps"])
def test_the_environment_overrides(monkeypatch, wanted):
    machine(monkeypatch, cuda=2, mps=True, wanted=wanted)
    assert default_device() == torch.device(wanted)


def test_an_empty_variable_is_no_choice(monkeypatch):
    machine(monkeypatch, mps=True, wanted="")
    assert default_device().type == "mps"


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "meta"])
def test_a_name_that_is_no_device_of_the_book_is_refused(monkeypatch, wanted):
    machine(monkeypatch, cuda=1, mps=True, wanted=wanted)
    with pytest.raises(ValueError, match=f"DGM_DEVICE='{wanted}'.*Unset it"):
        default_device()


@pytest.mark.parametrize(("cuda", "wanted"), [(0, "cuda"), (1, "cuda:1"), (0, "mps")])
def test_a_device_that_is_not_there_is_refused(monkeypatch, cuda, wanted):
    machine(monkeypatch, cuda=cuda, wanted=wanted)
    with pytest.raises(ValueError, match="not available"):
        default_device()
