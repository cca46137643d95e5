"""Training of a denoiser: its log-SNRs, its labels, and that it learns what is known exactly."""

import math

import torch
from torch.testing import assert_close

from dgm_core.diffusion import (
    DigitDenoiser,
    GreyValues,
    squared_errors,
    stratified,
    train_denoiser,
    training_log_snrs,
)


def halves(count=64):
    """Pictures with ink on the left and on the right, in turns, (count, 28, 28)."""
    left = (torch.arange(28) < 14).expand(28, 28)
    return 255 * torch.stack([left, ~left]).repeat(count // 2, 1, 1).to(torch.uint8)


def test_half_the_log_snrs_are_logistic_and_half_are_normal():
    torch.manual_seed(0)
    u = torch.stack([stratified(torch.rand(64)) for _ in range(2000)])
    levels = torch.stack([training_log_snrs(row) for row in u])
    wide, narrow = levels[:, 0::2].flatten(), levels[:, 1::2].flatten()
    assert abs(wide.var().item() - 4 * math.pi**2 / 3) < 0.5
    assert abs(narrow.var().item() - 4) < 0.1
    time = torch.sigmoid(wide / 2)
    assert abs(time.mean().item() - 0.5) < 0.01 and abs(time.var().item() - 1 / 12) < 0.002


def test_it_learns_to_see_two_images():
    """At a log-SNR of 0, 784 noisy pixels leave no doubt which it is."""
    torch.manual_seed(0)
    images = halves()
    greys = GreyValues(torch.bincount(images.flatten().long(), minlength=256))
    model = DigitDenoiser((8, 16), (0, 1, 0), condition=16)
    average, history = train_denoiser(
        model, greys, images, epochs=60, batch_size=32, learning_rate=2e-2, half=False
    )
    assert history.loss[-1] < 0.6 * history.loss[0]
    errors = squared_errors(average, greys.numbers(images), torch.zeros(64))
    alone = squared_errors(greys, greys.numbers(images), torch.zeros(64))
    assert errors.data.mean() < 0.6 * alone.data.mean()  # that of the best that sees one pixel


def test_a_label_tells_what_noise_hides():
    torch.manual_seed(0)
    images = halves()
    labels = torch.arange(2).repeat(32)
    greys = GreyValues(torch.bincount(images.flatten().long(), minlength=256))
    model = DigitDenoiser((8, 8), (0, 1, 0), condition=16, num_classes=2)
    average, _ = train_denoiser(
        model, greys, images, labels, epochs=60, batch_size=32, learning_rate=2e-2, half=False
    )
    z, low = torch.randn(64, 784), torch.full((64,), -9.0)
    x = greys.numbers(images)
    given, without = ((average(z, low, label).data * x).mean(1) for label in (labels, None))
    assert (given > 0.5).all() and without.mean().abs() < 0.2


def test_only_labels_that_are_there_are_taken_away():
    """The share without a label is what was asked for; the others keep their own."""
    torch.manual_seed(0)
    seen = []

    class Watching(DigitDenoiser):
        def forward(self, z, log_snr, label=None):
            seen.append(label.clone())
            return super().forward(z, log_snr, label)

    images, labels = halves(512), torch.arange(2).repeat(256)
    model = Watching((8, 8), (0, 0, 0), condition=8, num_classes=2)
    train_denoiser(
        model,
        GreyValues(torch.ones(256)),
        images,
        labels,
        epochs=4,
        batch_size=128,
        unlabelled=0.25,
        half=False,
    )
    found = torch.cat(seen).bincount(minlength=3) / 2048
    assert abs(found[2].item() - 0.25) < 5 * (0.25 * 0.75 / 2048) ** 0.5
    assert_close(found[0], found[1], rtol=0.2, atol=0)
