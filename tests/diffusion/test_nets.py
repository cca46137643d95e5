"""Networks that see how noisy z is, and what a label tells them."""

import pytest
import torch
from torch.testing import assert_close

from dgm_core.diffusion import DigitDenoiser, TimeMLP, squared_errors, variance_preserving


def shaken(model):
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def test_a_new_denoiser_predicts_a_v_of_zero_and_errs_by_the_variance():
    """So it begins at the error of knowing nothing but mean and variance of standardised data."""
    torch.manual_seed(0)
    model, x = DigitDenoiser((8, 8), (1, 1, 1)), torch.randn(4, 784)
    log_snr = torch.tensor([-5.0, -1.0, 0.0, 5.0])
    a, s = (level[:, None] for level in variance_preserving(log_snr))
    e = torch.randn(4, 784)
    found = model(a * x + s * e, log_snr)
    assert_close(found.data, a * (a * x + s * e))
    turn = squared_errors(model, x, log_snr, e).turn
    assert_close(turn, (a * e - s * x).square().sum(1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: DigitDenoiser((8, 8), (1, 1, 1), num_classes=3),
        lambda: TimeMLP(784, (8,), num_classes=3),
    ],
)
def test_time_and_label_are_heard_and_no_label_is_the_last(make):
    model, z = shaken(make()), torch.randn(2, 784)

    def answer(level, label):
        found = model(z, torch.full((2,), level), label)
        return found if isinstance(found, torch.Tensor) else found.data

    one, other, none = (torch.full((2,), k) for k in (0, 1, 3))
    assert not torch.allclose(answer(0.2, one), answer(0.9, one))
    assert not torch.allclose(answer(0.2, one), answer(0.2, other))
    assert_close(answer(0.2, None), answer(0.2, none))


def test_without_labels_there_is_nothing_to_be_told():
    model = shaken(TimeMLP(2, (8,)))
    assert model.labels is None
    assert model(torch.zeros(3, 2), torch.zeros(3)).shape == (3, 2)


@pytest.mark.parametrize("level", [-1e9, 1e9])
def test_a_denoiser_is_finite_however_far_out_it_is_asked(level):
    found = shaken(DigitDenoiser((8, 8), (1, 1, 1)))(torch.randn(2, 784), torch.full((2,), level))
    assert found.data.isfinite().all() and found.noise.isfinite().all()


def test_each_example_is_answered_alone():
    model, z = shaken(DigitDenoiser((8, 8), (1, 1, 1))).double(), torch.randn(3, 784).double()
    log_snr = torch.tensor([-1.0, 0.0, 2.0]).double()
    together = model(z, log_snr).data
    for i in range(3):
        assert_close(model(z[i : i + 1], log_snr[i : i + 1]).data[0], together[i])
