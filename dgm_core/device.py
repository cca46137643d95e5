"""Which device the book computes on, and in which precision; nothing else here chooses."""

import os

import torch


def default_device() -> torch.device:
    """Return the fastest device at hand: CUDA, then Apple's MPS, then the CPU.

    The environment variable ``DGM_DEVICE`` ("cpu", "cuda", "cuda:1", "mps") overrides the choice.

    Raises:
        ValueError: ``DGM_DEVICE`` names no device, or one that this machine does not have.

    Example:
        >>> torch.ones(3, device=default_device()).sum().item()
        3.0
    """
    name = os.environ.get("DGM_DEVICE")
    if name:
        return _named_device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _named_device(name: str) -> torch.device:
    """Return the device called `name`, once it is known to be there."""
    cure = "Unset it to let the book choose, or use one of: cpu, cuda, cuda:0, mps."
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"DGM_DEVICE={name!r} is not a device that torch knows. {cure}") from None
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise ValueError(f"DGM_DEVICE={name!r} is not available on this machine. {cure}")
    return device


def bfloat16_pays(device: torch.device) -> bool:
    """Whether training is faster on a device when its matrix products are in bfloat16.

    On CUDA from compute capability 8, and on a processor that multiplies bfloat16 itself: with
    AVX512-BF16 or AMX. Any other processor emulates it, and is slower than with float32. The
    environment variable ``DGM_BFLOAT16`` ("1" or "0") overrides the choice.

    Args:
        device: where the training runs.

    Raises:
        ValueError: ``DGM_BFLOAT16`` is neither "1" nor "0".

    Example:
        >>> bfloat16_pays(default_device()) in (True, False)
        True
    """
    wanted = os.environ.get("DGM_BFLOAT16")
    if wanted:
        if wanted not in ("0", "1"):
            raise ValueError(f"DGM_BFLOAT16={wanted!r}; use 1 for bfloat16, 0 for float32")
        return wanted == "1"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and _processor_has_bfloat16()


def _processor_has_bfloat16() -> bool:
    """Whether this is an x86 processor with AVX512-BF16 or AMX, as far as torch can tell."""
    # torch's public list of capabilities is new; older ones answer by private functions. What a
    # version does not know counts as absent.
    if hasattr(torch.cpu, "get_capabilities"):
        known = torch.cpu.get_capabilities()
        return bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name)() for name in asked if hasattr(torch.cpu, name))
