import itertools

import pytest
import torch
from torch.nn.functional import logsigmoid

from dgm_core.gan import dirac_growth, dirac_pull, dirac_step

SETTINGS = list(itertools.product((0.1, 0.7, 3.0), (0.0, 0.3, 2.5), (0.0, 0.7, 1.5), (0.0, 1.0)))
DOUBLE = {"dtype": torch.double}


def value(theta, psi, noise):
    """The game's value, by a fine sum over the noise."""
    e = torch.linspace(-9, 9, 4001, **DOUBLE)
    u = noise * e
    both = logsigmoid(psi * u) + logsigmoid(-psi * (theta + u))
    return torch.trapezoid((-(e**2) / 2).exp() * both, e) / (2 * torch.pi) ** 0.5


@pytest.mark.parametrize("noise", [0.0, 0.8])
@pytest.mark.parametrize("penalty", [0.0, 0.4])
def test_the_players_descend_the_game(noise, penalty):
    theta, psi = (torch.tensor(v, **DOUBLE, requires_grad=True) for v in (1.3, -0.6))
    objective = value(theta, psi, noise)
    by_theta, by_psi = torch.autograd.grad(objective - penalty / 2 * psi**2, (theta, psi))
    found = dirac_pull(torch.stack([theta, psi]).detach(), penalty, noise)
    torch.testing.assert_close(found, (-by_theta, by_psi), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("rate", "penalty", "noise", "alternating"), SETTINGS)
def test_growth_is_that_of_the_steps_own_matrix(rate, penalty, noise, alternating):
    options = {"penalty": penalty, "noise": noise, "alternating": alternating}
    origin = torch.zeros(2, **DOUBLE)
    matrix = torch.autograd.functional.jacobian(lambda p: dirac_step(p, rate, **options), origin)
    expected = torch.linalg.eigvals(matrix).abs().max()
    found = dirac_growth(torch.tensor(rate, **DOUBLE), **options)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_the_equilibrium_stays():
    options = {"penalty": 0.3, "noise": 0.5, "alternating": 1.0}
    torch.testing.assert_close(dirac_step(torch.zeros(2), 0.7, **options), torch.zeros(2))


@pytest.mark.parametrize("alternating", [0.0, 1.0])
def test_steps_are_the_players_pulls(alternating):
    place = torch.tensor([1.3, -0.6])
    of_generator, of_discriminator = dirac_pull(place, 0.2, 0.5)
    found = dirac_step(place, 0.5, penalty=0.2, noise=0.5, alternating=alternating)
    psi = place[1] + 0.5 * of_discriminator
    seen = torch.stack([place[0], psi]) if alternating else place
    theta = place[0] + 0.5 * dirac_pull(seen, 0.2, 0.5)[0]
    torch.testing.assert_close(found, torch.stack([theta, psi]))
    assert not alternating or (theta - (place[0] + 0.5 * of_generator)).abs() > 0.003


def test_places_and_rates_come_in_batches():
    places = torch.randn(4, 5, 2)
    together = dirac_step(places, 0.3, noise=0.2)
    torch.testing.assert_close(together[2, 3], dirac_step(places[2, 3], 0.3, noise=0.2))
    assert dirac_growth(torch.rand(4, 5)).shape == (4, 5)
