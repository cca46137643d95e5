import gzip
import hashlib
import shutil
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dgm_core import data

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
    monkeypatch.setattr(data, "_read_checked", None)  # would fail if it were called again
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
    text = (Path(__file__).parents[1] / "book/notation.md").read_text(encoding="utf8")
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
    monkeypatch.setattr(data, "MNIST_FOLDER", tmp_path)
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


def every_grey(copies):
    return torch.arange(256, dtype=torch.uint8).repeat(copies, 1).view(copies, 16, 16)


def test_binarized_pixels_have_the_grey_value_as_their_mean():
    n = 40_000
    x = data.binarize(every_grey(n), torch.Generator().manual_seed(0))
    assert x.shape == (n, 256) and x.dtype == torch.float32
    assert set(x.unique().tolist()) == {0.0, 1.0}
    p = torch.arange(256, dtype=torch.float64) / 255
    off = (x.double().mean(0) - p) / (p * (1 - p) / n).sqrt().clamp(min=1e-12)
    assert off[0] == 0 and off[255] == 0  # black is never drawn, white always
    assert off.abs().max() < 4.5
    assert stats.kstest(off[1:255], "norm").pvalue > 1e-3  # a bias of 1/256 would show


@pytest.mark.parametrize("extreme", [0.0, 1 - 2**-24])  # the least and the most of torch.rand
def test_black_and_white_are_certain(monkeypatch, extreme):
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.full(shape, extreme))
    x = data.binarize(torch.tensor([[[0, 255]]], dtype=torch.uint8))
    assert x.tolist() == [[0.0, 1.0]]


def test_what_is_binarized_once_has_the_grey_value_as_its_mean():
    n = 40_000
    x = data.binarize_once(every_grey(n)).double()
    p = torch.arange(256, dtype=torch.float64) / 255
    off = (x.mean(0) - p) / (p * (1 - p) / n).sqrt().clamp(min=1e-12)
    assert off[0] == 0 and off[255] == 0 and off.abs().max() < 4.5


def test_what_is_binarized_once_depends_on_the_seed_alone():
    images = torch.full((4, 28, 28), 100, dtype=torch.uint8)
    torch.manual_seed(1)
    first, state = data.binarize_once(images, 5), torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)  # nothing was taken from torch's own
    torch.manual_seed(2)
    assert torch.equal(data.binarize_once(images, 5), first)
    assert not torch.equal(data.binarize_once(images, 6), first)


def test_dequantized_pixels_stay_in_their_bin():
    images = every_grey(20_000)
    x = data.dequantize(images, torch.Generator().manual_seed(0))
    assert x.shape == (20_000, 256) and x.dtype == torch.float32
    assert x.min() >= 0 and x.max() < 1
    assert torch.equal((256 * x).floor(), images.flatten(1).float())


def test_dequantization_noise_is_uniform_on_the_whole_bin():
    images = every_grey(400)
    x = data.dequantize(images, torch.Generator().manual_seed(0))
    u = (256 * x.double() - images.flatten(1)).flatten()
    assert stats.kstest(u, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("noise", [data.binarize, data.dequantize])
def test_noise_is_fresh_unless_the_generator_is_the_same(noise):
    images = torch.full((4, 28, 28), 100, dtype=torch.uint8)
    one, two, same = (noise(images, torch.Generator().manual_seed(s)) for s in (1, 2, 1))
    assert torch.equal(one, same) and not torch.equal(one, two)
    torch.manual_seed(1)
    assert torch.equal(noise(images), one)  # the default generator, when none is given


plans = st.fixed_dictionaries(
    {
        "n": st.integers(1, 40),
        "epochs": st.integers(1, 4),
        "seed": st.integers(0, 2**40),
    }
).flatmap(lambda plan: st.tuples(st.just(plan), st.integers(1, plan["n"])))


@given(plans)
def test_an_epoch_shows_no_example_twice_and_drops_less_than_a_batch(plan_and_size):
    plan, size = plan_and_size
    loader = data.batches(torch.arange(plan["n"]), size, plan["epochs"], seed=plan["seed"])
    found = list(loader)
    assert len(found) == len(loader) == plan["n"] // size * plan["epochs"]
    assert all(batch.shape == (size,) for batch in found)
    for epoch in range(plan["epochs"]):
        per_epoch = plan["n"] // size
        seen = torch.cat(found[epoch * per_epoch : (epoch + 1) * per_epoch]).tolist()
        assert len(set(seen)) == len(seen) > plan["n"] - size


@given(plans, st.integers(0, 50), st.integers(0, 50))
def test_batches_start_anywhere_and_again(plan_and_size, first, second):
    plan, size = plan_and_size
    loader = data.batches(torch.arange(plan["n"]), size, plan["epochs"], seed=plan["seed"])
    whole = [batch.tolist() for batch in loader]
    first = min(first, len(whole))
    second = min(second, len(whole) - first)
    rest = loader.starting_at(first).starting_at(second)
    assert [batch.tolist() for batch in rest] == whole[first + second :]
    assert len(rest) == len(whole) - first - second
    assert [batch.tolist() for batch in loader] == whole


@settings(max_examples=30)
@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_epochs_and_seeds_have_orders_of_their_own(seed, other):
    numbers = torch.arange(1000)
    seeds = {seed, seed + 1, other}
    orders = [order for s in seeds for order in data.batches(numbers, 1000, epochs=2, seed=s)]
    assert len({tuple(order.tolist()) for order in orders}) == 2 * len(seeds)


def test_the_order_of_an_epoch_is_uniform():
    firsts = [int(next(iter(data.batches(torch.arange(10), 1, seed=s)))) for s in range(2000)]
    assert stats.chisquare(torch.bincount(torch.tensor(firsts))).pvalue > 1e-3


def test_the_transform_sees_the_batch_on_its_way():
    images = torch.full((6, 2, 2), 255, dtype=torch.uint8)
    for batch in data.batches(images, 3, transform=data.binarize):
        assert torch.equal(batch, torch.ones(3, 4))


@pytest.mark.parametrize(
    ("size", "epochs", "seed", "name"),
    [(0, 1, 0, "batch_size"), (11, 1, 0, "batch_size"), (5, 0, 0, "epochs"), (5, 1, -1, "seed")],
)
def test_plans_that_make_no_batch_are_refused(size, epochs, seed, name):
    with pytest.raises(ValueError, match=name):
        data.batches(torch.arange(10), size, epochs, seed=seed)
