"""MNIST is the original, in parts that share nothing; what is damaged is named with its cure."""

import gzip
import hashlib
import shutil
import struct
from pathlib import Path

import pytest
import torch

from dgm_core import data
from dgm_core.data import digits

MD5 = {  # of the original, uncompressed files: images and labels
    "train": ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624"),
    "test": ("2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
}
FILES = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize(("split", "size"), [("train", 60_000), ("test", 10_000)])
def test_mnist_is_the_original_byte_for_byte(split, size):
    images, labels = data.mnist(split)
    assert images.shape == (size, 28, 28) and images.dtype == torch.uint8
    assert labels.shape == (size,) and labels.dtype == torch.int64
    # The IDX headers: a magic number, then the sizes, big-endian.
    headers = struct.pack(">4i", 2051, size, 28, 28), struct.pack(">2i", 2049, size)
    for header, values, md5 in zip(headers, (images, labels.byte()), MD5[split], strict=True):
        assert hashlib.md5(header + values.numpy().tobytes()).hexdigest() == md5


def test_mnist_is_parsed_once_and_every_caller_has_a_copy(monkeypatch):
    first, labels = data.mnist("test")
    first.zero_(), labels.zero_()
    monkeypatch.setattr(digits, "_read_checked", None)  # would fail if it were called again
    second, labels = data.mnist("test")
    assert second.any() and labels.any()


def test_mnist_knows_two_splits():
    with pytest.raises(ValueError, match="'train' and 'test'"):
        data.mnist("validation")


def test_the_splits_are_the_file_in_its_order_and_share_no_digit():
    train, validation, test = data.mnist_splits()
    for kind, whole in enumerate(data.mnist("train")):
        assert len(train[kind]) == 50_000 and len(validation[kind]) == 10_000
        assert torch.equal(torch.cat([train[kind], validation[kind]]), whole)
    assert all(map(torch.equal, test, data.mnist("test")))


def test_validation_has_the_classes_of_training_within_what_is_claimed():
    train, validation, _ = data.mnist_splits()
    shares = [torch.bincount(part.labels) / len(part.labels) for part in (train, validation)]
    apart = (shares[0] - shares[1]).abs().max()
    assert 0.007 < apart < 0.008


def test_the_guide_says_how_much_ink_validation_and_test_digits_have():
    text = (Path(__file__).parents[2] / "book/notation.md").read_text(encoding="utf8")
    for part in data.mnist_splits()[1:]:
        ink = part.images.flatten(1).double().mean(1) / 2.55  # per cent
        error = ink.std() / len(ink) ** 0.5
        assert f"{ink.mean():.2f} ± {error:.2f} per cent" in text


def test_changing_a_split_in_place_harms_nobody_else():
    validation = data.mnist_splits()[1]
    validation.images.zero_()
    assert data.mnist_splits()[1].images.any()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in (*FILES, "SHA256SUMS"):
        shutil.copy(data.MNIST_FOLDER / name, tmp_path)
    monkeypatch.setattr(digits, "MNIST_FOLDER", tmp_path)
    return tmp_path


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


def empty(path):
    path.write_bytes(b"")


def replace(path):
    path.write_bytes(gzip.compress(b"another data set"))


def test_a_copy_of_the_files_can_be_read(folder):
    assert data.mnist("test")[0].shape == (10_000, 28, 28)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", [truncate, flip_a_bit, empty, replace])
def test_a_damaged_file_is_named_with_the_cure(folder, name, harm):
    harm(folder / name)
    with pytest.raises(
        data.DataError, match=rf"{name} is damaged.*git checkout -- dgm_core/mnist"
    ):
        data.mnist("test")


def test_sums_that_are_no_text_are_damage(folder):
    (folder / "SHA256SUMS").write_bytes(b"\xff\xfe")
    with pytest.raises(data.DataError, match=r"is damaged.*git checkout -- dgm_core/mnist"):
        data.mnist("test")


@pytest.mark.parametrize("name", [*FILES, "SHA256SUMS"])
def test_a_missing_file_is_named_with_the_cure(folder, name):
    (folder / name).unlink()
    with pytest.raises(data.DataError, match=rf"{name}: No such file.*Reinstall dgm_core"):
        data.mnist("test")
