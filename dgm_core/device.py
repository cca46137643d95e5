"""Which device the book computes on; nothing else in the package chooses one."""

import os

import torch


def default_device() -> torch.device:
    """Return the fastest device at hand: CUDA, then Apple's MPS, then the CPU.

    The environment variable ``DGM_DEVICE`` ("cpu", "cuda", "cuda:1", "mps") overrides the choice.

    Raises:
        ValueError: ``DGM_DEVICE`` names no device, or one that this machine does not have.
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
