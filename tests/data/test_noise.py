"""Pixels have their grey value as a mean, or stay in its bin, whatever is drawn."""

import pytest
import torch
from scipy import stats

from dgm_core import data


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
