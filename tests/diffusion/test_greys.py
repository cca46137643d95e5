"""Grey values as numbers: what a histogram knows of a pixel is Bayes' rule over its values."""

import pytest
import torch
from torch.testing import assert_close

from dgm_core.diffusion import GreyValues, exact_denoiser, variance_preserving
from dgm_core.mixtures import Mixture


def test_the_numbers_are_standardised_and_come_back_as_greys():
    greys = GreyValues(torch.tensor([50, 3, 9, 20])).double()
    shares = greys.log_shares.double().exp()
    assert shares.sum().item() == pytest.approx(1)
    assert (shares @ greys.values).item() == pytest.approx(0, abs=1e-6)
    assert (shares @ greys.values**2).item() == pytest.approx(1)
    images = torch.arange(4, dtype=torch.uint8).view(1, 2, 2)
    assert_close(greys.greys(greys.numbers(images)), images.flatten(1).double() / 3)


def test_the_decoder_is_bayes_rule_and_its_mean_the_denoiser():
    greys = GreyValues(torch.tensor([50, 3, 9, 20])).double()
    shares = greys.log_shares.double().exp()
    z, log_snr = torch.randn(6, 2).double(), torch.randn(6).double()
    a, s = (level[:, None, None] for level in variance_preserving(log_snr))
    weight = shares * (-0.5 * ((z[..., None] - a * greys.values) / s) ** 2).exp()
    share = weight / weight.sum(-1, keepdim=True)
    assert_close(greys.log_probs(z, log_snr).exp(), share)
    assert_close(greys(z, log_snr).data, share @ greys.values)
    points = Mixture(greys.values[:, None], torch.zeros(4).double(), shares)
    assert_close(greys(z, log_snr).data[:, :1], exact_denoiser(points)(z[:, :1], log_snr).data)
