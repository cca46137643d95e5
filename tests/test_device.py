import pytest
import torch

from dgm_core.device import bfloat16_pays, default_device


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


def processor(monkeypatch, **capabilities):
    monkeypatch.delenv("DGM_BFLOAT16", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    return bfloat16_pays(torch.device("cpu"))


@pytest.mark.parametrize("has", [{"avx512_bf16": True}, {"amx_bf16": True, "avx512_bf16": False}])
def test_bfloat16_pays_on_a_processor_that_multiplies_it(monkeypatch, has):
    assert processor(monkeypatch, architecture="x86_64", **has)


def test_bfloat16_does_not_pay_on_any_other_processor(monkeypatch):
    assert not processor(monkeypatch, avx2=True, avx512_f=True, avx512_bf16=False, amx_bf16=False)
    assert not processor(monkeypatch, architecture="aarch64", neon=True, bf16=True)


@pytest.mark.parametrize("name", ["_is_avx512_bf16_supported", "_is_amx_tile_supported"])
def test_an_older_torch_is_asked_in_its_own_way(monkeypatch, name):
    """And one that knows neither function has no bfloat16."""
    monkeypatch.delenv("DGM_BFLOAT16", raising=False)
    for gone in ("get_capabilities", "_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, gone, raising=False)
    assert not bfloat16_pays(torch.device("cpu"))
    monkeypatch.setattr(torch.cpu, name, lambda: True, raising=False)
    assert bfloat16_pays(torch.device("cpu"))


@pytest.mark.parametrize(("capability", "pays"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_bfloat16_pays_on_a_gpu_that_has_it(monkeypatch, capability, pays):
    monkeypatch.delenv("DGM_BFLOAT16", raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert bfloat16_pays(torch.device("cuda:1")) is pays


def test_bfloat16_does_not_pay_elsewhere(monkeypatch):
    monkeypatch.delenv("DGM_BFLOAT16", raising=False)
    assert not bfloat16_pays(torch.device("mps")) and not bfloat16_pays(torch.device("meta"))


def test_the_environment_decides_about_bfloat16(monkeypatch):
    assert processor(monkeypatch, avx512_bf16=True)
    monkeypatch.setenv("DGM_BFLOAT16", "0")
    assert not bfloat16_pays(torch.device("cpu"))
    monkeypatch.setenv("DGM_BFLOAT16", "1")
    assert bfloat16_pays(torch.device("mps"))
    monkeypatch.setenv("DGM_BFLOAT16", "yes")
    with pytest.raises(ValueError, match="DGM_BFLOAT16='yes'; use 1"):
        bfloat16_pays(torch.device("cpu"))
