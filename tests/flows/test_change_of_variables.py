"""Densities through a map: the cube of 3.1 against quadrature, autograd and torch."""

import math

import pytest
import torch
from scipy.integrate import quad
from torch.distributions import Normal, PowerTransform, TransformedDistribution, Uniform

from dgm_core.flows import Bijection, Compose, Cube, Flow

DOUBLE = torch.float64
INTERVALS = {"left": (-8.0, -1.0), "right": (1.0, 8.0), "around": (-1.0, 8.0), "at": (0.0, 1.0)}


class Stretch(Bijection):
    """The unit interval onto (a, b)."""

    def __init__(self, a, b):
        super().__init__()
        self.a, self.width = a, b - a

    def forward(self, u):
        return self.a + self.width * u, u.new_full((len(u),), math.log(self.width))

    def inverse(self, z):
        return (z - self.a) / self.width, z.new_full((len(z),), -math.log(self.width))


def uniform_cube(a, b):
    """Of x when z = x^3 is uniform on (a, b)."""
    return Flow(Compose([Stretch(a, b), Cube()]), (1,), uniform=True).double()


def density(flow, x):
    return flow.log_prob(torch.as_tensor(x, dtype=DOUBLE).reshape(-1, 1)).exp()


interval = pytest.mark.parametrize(("a", "b"), INTERVALS.values(), ids=INTERVALS)


@interval
def test_the_density_is_three_x_squared_over_the_length(a, b):
    ends = torch.tensor([a, b], dtype=DOUBLE)
    lo, hi = ends.sign() * ends.abs() ** (1 / 3)
    x = torch.linspace(lo + 1e-6, hi - 1e-6, 50, dtype=DOUBLE)
    torch.testing.assert_close(density(uniform_cube(a, b), x), 3 * x**2 / (b - a))


@interval
def test_there_is_no_density_outside(a, b):
    x = torch.tensor([-3.0, math.copysign(abs(a) ** (1 / 3), a) - 1e-6, b, 3.0], dtype=DOUBLE)
    assert (density(uniform_cube(a, b), x) == 0).all()


@interval
def test_the_density_integrates_to_one(a, b):
    flow = uniform_cube(a, b)
    ends = [math.copysign(abs(end) ** (1 / 3), end) for end in (a, b)]
    total, error = quad(lambda x: density(flow, x).item(), -3, 3, points=ends)
    assert abs(total - 1) < 1e-6 and error < 1e-6


@interval
def test_samples_lie_in_the_support_with_the_right_shares(a, b):
    torch.manual_seed(0)
    x = uniform_cube(a, b).sample((100_000,)).squeeze(1)
    assert ((x**3 > a - 1e-9) & (x**3 < b + 1e-9)).all()
    for level in (0.1, 0.5, 0.8):  # P(x < t) = (t^3 - a) / (b - a)
        share = (x**3 < a + level * (b - a)).double().mean()
        assert abs(share - level) < 5 * math.sqrt(level * (1 - level) / len(x))


def test_cube_agrees_with_torch_distributions_on_positive_numbers():
    flow, x = uniform_cube(1.0, 8.0), torch.linspace(1.1, 1.9, 9, dtype=DOUBLE)
    theirs = TransformedDistribution(
        Uniform(torch.tensor(1.0, dtype=DOUBLE), torch.tensor(8.0, dtype=DOUBLE)),
        PowerTransform(torch.tensor(1 / 3, dtype=DOUBLE)),
    )
    torch.testing.assert_close(flow.log_prob(x[:, None]), theirs.log_prob(x))


def test_both_directions_undo_each_other_and_their_log_dets_cancel():
    z = torch.tensor([[-8.0, 0.5], [-0.01, 1e-9], [27.0, -1.0]], dtype=DOUBLE)
    x, forward = Cube()(z)
    back, inverse = Cube().inverse(x)
    torch.testing.assert_close(back, z)
    torch.testing.assert_close(x[:, 0], torch.tensor([-2.0, -(0.01 ** (1 / 3)), 3.0]).double())
    torch.testing.assert_close(forward + inverse, torch.zeros(3, dtype=DOUBLE))


def test_log_dets_are_those_of_autograd():
    z = torch.tensor([[-8.0, 0.5, -0.3]], dtype=DOUBLE)
    jacobian = torch.func.jacrev(lambda z: Cube()(z[None])[0][0])(z[0])
    torch.testing.assert_close(jacobian.slogdet().logabsdet[None], Cube()(z)[1])
    x, log_det = Cube()(z)[0], Cube().inverse(Cube()(z)[0])[1]
    jacobian = torch.func.jacrev(lambda x: Cube().inverse(x[None])[0][0])(x[0])
    torch.testing.assert_close(jacobian.slogdet().logabsdet[None], log_det)


def test_at_zero_the_log_dets_and_the_slope_are_infinite_but_not_nan():
    z = torch.zeros(1, 1, dtype=DOUBLE, requires_grad=True)
    x, forward = Cube()(z)
    assert x.item() == 0 and forward.item() == math.inf
    assert Cube().inverse(torch.zeros(1, 1, dtype=DOUBLE))[1].item() == -math.inf
    assert torch.autograd.grad(x, z)[0].item() == math.inf
    assert density(uniform_cube(-1.0, 8.0), 0.0).item() == 0


def test_the_slope_of_the_cube_root_is_right_on_both_sides_of_zero():
    z = torch.tensor([[-8.0], [-1e-6], [1e-6], [8.0]], dtype=DOUBLE, requires_grad=True)
    (slope,) = torch.autograd.grad(Cube()(z)[0].sum(), z)
    torch.testing.assert_close(slope, z.detach().abs() ** (-2 / 3) / 3)


def test_a_flow_of_two_cubes_has_the_product_of_their_densities():
    x = torch.tensor([[0.5, -1.1], [-0.9, 0.2]], dtype=DOUBLE)
    wanted = (Normal(0.0, 1.0).log_prob(x**3) + (3 * x**2).log()).sum(1)
    torch.testing.assert_close(Flow(Cube(), (2,)).double().log_prob(x), wanted)
