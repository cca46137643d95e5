"""MNIST from the files of the package, and its parts: to train on, to choose by, to report."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

MNIST_FOLDER = Path(__file__).parents[1] / "mnist"
_MNIST_PREFIX = {"train": "train", "test": "t10k"}
_VALIDATION = 10_000  # of the training digits, the last in the file


class DataError(RuntimeError):
    """A data file of the package is missing or damaged."""


def mnist(
    split: str, device: torch.device | str = "cpu"
) -> tuple[UInt8[Tensor, " n 28 28"], Int[Tensor, " n"]]:
    """Return the images and labels of MNIST, from the files that ship with the package.

    The files are checked against their SHA-256 sums and parsed once in a process; every call
    returns tensors of its own, so that changing one in place harms nobody else.

    Args:
        split: "train" (60,000 digits) or "test" (10,000 digits).
        device: where both tensors are put, whole.

    Returns:
        Images, uint8, (N, 28, 28), 0 is background and 255 is ink; labels, int64, (N,).

    Raises:
        ValueError: `split` is neither "train" nor "test".
        DataError: a file is missing or damaged; the message names it and the cure.

    References:
        LeCun, Cortes and Burges, The MNIST database of handwritten digits.

    Example:
        >>> images, labels = mnist("test")
        >>> images.shape, images.dtype, labels[:5].tolist()
        (torch.Size([10000, 28, 28]), torch.uint8, [7, 2, 1, 0, 4])
    """
    if split not in _MNIST_PREFIX:
        raise ValueError(f"split is {split!r}; MNIST has 'train' and 'test'")
    images, labels = _parse(MNIST_FOLDER, _MNIST_PREFIX[split])
    return images.to(device, copy=True), labels.to(device, copy=True)


class Digits(NamedTuple):
    """Images and their labels: one of the parts that `mnist_splits` returns.

    Attributes:
        images: uint8, (N, 28, 28), 0 is background and 255 is ink.
        labels: int64, (N,), from 0 to 9.
    """

    images: UInt8[Tensor, " n 28 28"]
    labels: Int[Tensor, " n"]


def mnist_splits(device: torch.device | str = "cpu") -> tuple[Digits, Digits, Digits]:
    """Return MNIST in three parts: to train on, to choose by, and to report once, at the end.

    The last 10,000 of the 60,000 training digits, in the order of the file, are for validation:
    rates, sizes and the moment to stop are chosen by them. They are not stratified: among so many
    digits no class's share differs from that of the other 50,000 by more than 0.8 per cent of all.

    Args:
        device: where all tensors are put, whole.

    Returns:
        Training (50,000), validation (10,000) and test digits (10,000), each as `Digits`.

    Raises:
        DataError: a file is missing or damaged; the message names it and the cure.

    References:
        LeCun, Cortes and Burges, The MNIST database of handwritten digits, for training and test
        digits; Larochelle and Murray (2011), The Neural Autoregressive Distribution Estimator,
        for the 10,000 validation digits.

    Example:
        >>> train, validation, test = mnist_splits()
        >>> [len(part.images) for part in (train, validation, test)]
        [50000, 10000, 10000]
        >>> images, labels = validation
        >>> images.shape, labels.shape
        (torch.Size([10000, 28, 28]), torch.Size([10000]))
    """
    images, labels = mnist("train", device)
    size = len(images) - _VALIDATION
    train = Digits(images[:size], labels[:size])
    return train, Digits(images[size:], labels[size:]), Digits(*mnist("test", device))


@lru_cache(maxsize=2)
def _parse(folder: Path, prefix: str) -> tuple[Tensor, Tensor]:
    """Read one split from its two IDX files; the sums make a look at their headers needless."""
    images = _read_checked(folder, f"{prefix}-images-idx3-ubyte.gz")
    labels = _read_checked(folder, f"{prefix}-labels-idx1-ubyte.gz")
    return (
        torch.frombuffer(images, dtype=torch.uint8, offset=16).view(-1, 28, 28),
        torch.frombuffer(labels, dtype=torch.uint8, offset=8).long(),
    )


def _read_checked(folder: Path, name: str) -> bytearray:
    """Return the decompressed bytes of a file that has the sum that SHA256SUMS gives for it."""
    cure = "Reinstall dgm_core, or in a clone: git checkout -- dgm_core/mnist"
    try:
        compressed = (folder / name).read_bytes()
        sums = (folder / "SHA256SUMS").read_bytes()  # damaged, it need not be text
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}. {cure}") from None
    if f"{hashlib.sha256(compressed).hexdigest()}  {name}".encode() not in sums.splitlines():
        raise DataError(f"{folder / name} is damaged: its SHA-256 sum is wrong. {cure}")
    return bytearray(gzip.decompress(compressed))
