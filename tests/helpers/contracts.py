"""What the tests of contracts have in common: tests of many cases, and small models and data."""

import pytest
import torch
from torch.distributions import Independent, Normal

from dgm_core.flows import CoarseToFine
from dgm_core.vae import linear_vae

IMAGES = torch.zeros(4, 28, 28, dtype=torch.uint8)
SIGNED = 2 * torch.rand(8, 784) - 1


def refused(error, cases):
    """Make a test of each case, by name: what is called, and a part of what its error says."""

    @pytest.mark.parametrize("name", cases)
    def test(name):
        wrong, words = cases[name]
        with pytest.raises(error, match=words):
            wrong()

    return test


def made_of_none(cases):
    """Make a test of each case, by name: what works without an example, and the shape it has."""

    @pytest.mark.parametrize("name", cases)
    def test(name):
        make, shape = cases[name]
        assert make().shape == shape

    return test


def zeros(*shape):
    return torch.zeros(shape)


def normals(*shape):
    return Independent(Normal(zeros(*shape), torch.ones(shape)), 1)


def tiny_pyramid():
    return CoarseToFine(side=2, bins=3, levels=[(8, (0, 0, 0))], hidden=8)


def tiny_pca():
    """A model with two latent numbers, of three pixels."""
    return linear_vae(torch.ones(3, 2), zeros(3), torch.ones(3))
