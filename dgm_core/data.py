"""MNIST on one device as one tensor, its two noise models, and batches that are an index."""

import gzip
import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from dgm_core import checks

MNIST_FOLDER = Path(__file__).parent / "mnist"
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


def binarize(
    images: UInt8[Tensor, " n height width"], generator: torch.Generator | None = None
) -> Float[Tensor, " n pixels"]:
    """Draw every pixel as 0. or 1., with its grey value over 255 as the probability of 1.

    Drawn afresh for every batch, this is "dynamic binarisation": data for a Bernoulli decoder.

    Args:
        images: uint8, (N, H, W).
        generator: source of the draws, on the device of `images`; torch's default if None.

    Returns:
        (N, H * W), float, zeros and ones.

    Raises:
        TypeError: images of another type.
        ValueError: no batch of images.

    References:
        Salakhutdinov and Murray (2008), On the Quantitative Analysis of Deep Belief Networks;
        Burda et al. (2016), Importance Weighted Autoencoders, section 5.

    Example:
        >>> binarize(torch.tensor([[[0, 255]]], dtype=torch.uint8))
        tensor([[0., 1.]])
    """
    grey = _grey(images, "for grey values from 0 to 1 use torch.bernoulli")
    u = torch.rand(grey.shape, generator=generator, device=grey.device)
    return (255 * u < grey).to(u.dtype)  # black is never drawn, white always is: 0 <= u < 1


def binarize_once(
    images: UInt8[Tensor, " n height width"], seed: int = 0
) -> Float[Tensor, " n pixels"]:
    """Draw every pixel once, the same on every device, whatever was drawn before or will be after.

    Validation and test digits are binarised so: all who ask with one seed see the same pixels.
    The published "fixed" binarisation of Larochelle and Murray is another such draw, from a file
    of its own; a likelihood under it differs from one under this by the luck of one draw. Take
    the whole part first and then choose rows, for a row's draw depends on its place.

    Args:
        images: uint8, (N, H, W).
        seed: of the draw, 0 or more.

    Returns:
        (N, H * W), float, zeros and ones, on the device of `images`.

    Raises:
        TypeError: images of another type.
        ValueError: no batch of images.

    References:
        Larochelle and Murray (2011), The Neural Autoregressive Distribution Estimator.

    Example:
        >>> grey = torch.full((1, 2, 3), 128, dtype=torch.uint8)
        >>> torch.equal(binarize_once(grey), binarize_once(grey))
        True
        >>> torch.equal(binarize_once(grey), binarize_once(grey, seed=1))
        False
    """
    grey = _grey(images, "give grey values from 0 to 255, as mnist returns them, not divided")
    u = torch.rand(grey.shape, generator=torch.Generator().manual_seed(seed)).to(grey.device)
    return (255 * u < grey).to(u.dtype)


def dequantize(
    images: UInt8[Tensor, " n height width"], generator: torch.Generator | None = None
) -> Float[Tensor, " n pixels"]:
    """Spread every grey value evenly over its own bin: (images + u) / 256, u uniform on [0, 1).

    u is drawn from the midpoints of 2^15 equal cells. With these, every sum is exact in float32,
    so no draw is rounded up into the next bin or to 1: ``floor(256 * x)`` gives back the image.

    Args:
        images: uint8, (N, H, W).
        generator: source of the draws, on the device of `images`; torch's default if None.

    Returns:
        (N, H * W), float, in (0, 1).

    Raises:
        TypeError: images of another type.
        ValueError: no batch of images.

    References:
        Theis et al. (2016), A note on the evaluation of generative models, section 3.1.

    Example:
        >>> x = dequantize(torch.tensor([[[0, 255]]], dtype=torch.uint8))
        >>> (256 * x).floor()
        tensor([[  0., 255.]])
    """
    grey = _grey(images, "give grey values from 0 to 255, as mnist returns them, not divided")
    cell = torch.randint(2**15, grey.shape, generator=generator, device=grey.device)
    return (grey + (2 * cell + 1) / 2**16) / 256


def _grey(images: Tensor, cure: str) -> Tensor:
    """Return grey images as vectors, (N, H * W)."""
    checks.kind("images", images, torch.uint8, cure)
    if images.ndim != 3:
        raise ValueError(
            f"images is {checks.sizes(images.shape)}, but (N, H, W) is expected: a single image "
            "is images[:1], and vectors become images by unflatten(1, (28, 28))"
        )
    return images.flatten(1)


class Batches:
    """Shuffled batches over several epochs; made by `batches`.

    Iterating yields ``len(self)`` batches, (batch_size, ...), the same examples every time.

    Attributes:
        plan: what decides which examples a batch holds, as plain numbers.
    """

    def __init__(
        self,
        data: Tensor,
        batch_size: int,
        epochs: int,
        transform: Callable[[Tensor], Tensor] | None,
        seed: int,
        start: int = 0,
    ):
        """Use `batches`, which has defaults and documents the arguments."""
        self.data = data
        self.transform = transform
        self.start = start
        self.plan = {
            "examples": len(data),
            "batch_size": batch_size,
            "epochs": epochs,
            "seed": seed,
        }

    @property
    def steps_per_epoch(self) -> int:
        """Number of whole batches in an epoch."""
        return self.plan["examples"] // self.plan["batch_size"]

    def __len__(self) -> int:
        """Return the number of batches from the starting step to the end of the last epoch."""
        return self.steps_per_epoch * self.plan["epochs"] - self.start

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the batches, each epoch in an order of its own."""
        size, first = self.plan["batch_size"], self.start % self.steps_per_epoch
        for epoch in range(self.start // self.steps_per_epoch, self.plan["epochs"]):
            # numpy mixes the pair into one seed; torch's CPU generator keeps only 32 bits of one.
            order = np.random.default_rng((self.plan["seed"], epoch)).permutation(len(self.data))
            order = torch.from_numpy(order).to(self.data.device)
            for step in range(first, self.steps_per_epoch):
                batch = self.data[order[step * size : (step + 1) * size]]
                yield batch if self.transform is None else self.transform(batch)
            first = 0

    def starting_at(self, step: int) -> "Batches":
        """Return the same batches without the first `step` of them, at no cost."""
        plan = self.plan
        return Batches(
            self.data,
            plan["batch_size"],
            plan["epochs"],
            self.transform,
            plan["seed"],
            self.start + step,
        )


def batches(
    data: Tensor,
    batch_size: int,
    epochs: int = 1,
    transform: Callable[[Tensor], Tensor] | None = None,
    seed: int = 0,
) -> Batches:
    """Cut `data` into shuffled batches that stay on its device.

    Every epoch has a new order, decided by `seed` and the epoch's number. What is left over at
    the end of an epoch, less than a batch, is dropped; the next order drops other examples.

    Args:
        data: (N, ...), on any device.
        batch_size: examples in a batch.
        epochs: passes over the data.
        transform: applied to every batch, for instance `binarize`; its noise comes from torch's
            default generator, so ``torch.manual_seed`` fixes it.
        seed: seed of the order, 0 or more.

    Returns:
        A `Batches`: its length is the number of batches in all epochs together.

    Raises:
        ValueError: an argument is out of range.
        TypeError: a number is not whole.

    Example:
        >>> [len(batch) for batch in batches(torch.arange(7), batch_size=2, epochs=2)]
        [2, 2, 2, 2, 2, 2]
    """
    cure = "round it down, as examples // batches does"
    checks.counts(cure, batch_size=batch_size, epochs=epochs, seed=seed)
    checks.at_least(1, "there is nothing to cut into batches", examples__data=len(data))
    if not 1 <= batch_size <= len(data):
        raise ValueError(f"batch_size is {batch_size}; it must be from 1 to {len(data)} examples")
    if epochs < 1 or seed < 0:
        raise ValueError(f"epochs is {epochs}, at least 1; seed is {seed}, at least 0")
    return Batches(data, batch_size, epochs, transform, seed)
