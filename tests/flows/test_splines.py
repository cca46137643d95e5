"""Splines against what they must be: through their knots, with their slopes, of mass one."""

import pytest
import torch
from scipy.integrate import trapezoid
from torch.distributions import Normal

from dgm_core.flows import Flow, RationalQuadratic, SplineCoupling
from dgm_core.flows.splines import MIN_SHARE, MIN_SLOPE
from dgm_core.nets import mlp


def spline(pieces=6, bound=2.0):
    torch.manual_seed(0)
    numbers = 2 * torch.randn(1, 3 * pieces - 1, dtype=torch.float64)
    return RationalQuadratic(numbers, bound)


def knots_by_hand(one):
    """Of a spline of one number: x and z of the knots, and the slopes there."""
    numbers, k, bound = one.numbers[0], one.pieces, one.bound
    sides = []
    for logits in (numbers[:k], numbers[k : 2 * k]):
        shares = MIN_SHARE + (1 - k * MIN_SHARE) * logits.softmax(0)
        sides.append(torch.cat([torch.zeros(1).double(), shares.cumsum(0)]) * 2 * bound - bound)
    shift = torch.tensor(1 - MIN_SLOPE).double().expm1().log()
    slopes = MIN_SLOPE + torch.nn.functional.softplus(numbers[2 * k :] + shift)
    one = torch.ones(1).double()
    return *sides, torch.cat([one, slopes, one])


def test_it_goes_through_its_knots_with_their_slopes():
    one = spline()
    x, z, slopes = knots_by_hand(one)
    inner = slice(1, -1)  # the ends belong to the identity beyond
    found, _ = one.inverse(x[inner, None])
    torch.testing.assert_close(found[:, 0], z[inner])
    _, log_slope = one.inverse(x[inner, None])
    torch.testing.assert_close(log_slope.exp(), slopes[inner])
    there, log_slope = one(z[inner, None])
    torch.testing.assert_close(there[:, 0], x[inner])
    torch.testing.assert_close(log_slope.exp(), 1 / slopes[inner])


def test_a_piece_is_the_papers_quotient():
    """Eq. 4 of Durkan et al. (2019), written out, at the middle of every piece."""
    one = spline()
    x, z, d = knots_by_hand(one)
    s, xi = z.diff() / x.diff(), 0.3
    above = z.diff() * (s * xi**2 + d[:-1] * xi * (1 - xi))
    below = s + (d[1:] + d[:-1] - 2 * s) * xi * (1 - xi)
    found, _ = one.inverse((x[:-1] + xi * x.diff())[:, None])
    torch.testing.assert_close(found[:, 0], z[:-1] + above / below)


def test_it_rises_and_its_slope_has_no_jumps_at_knots():
    one = spline()
    x = torch.linspace(-3, 3, 200_001).double()[:, None]
    assert (one.inverse(x)[0].diff(dim=0) > 0).all()
    knots, _, slopes = knots_by_hand(one)
    for side in (-1e-9, 1e-9):  # the identity's slope beyond the ends among them
        _, log_slope = one.inverse(knots[:, None] + side)
        torch.testing.assert_close(log_slope.exp(), slopes, rtol=1e-4, atol=0)


def test_beyond_the_square_it_is_the_identity():
    one = spline()
    x = torch.tensor([[-50.0], [-2.0], [2.0], [3.0]]).double()
    for direction in (one.forward, one.inverse):
        value, log_det = direction(x)
        assert torch.equal(value, x) and (log_det == 0).all()


def test_all_zeros_are_the_identity():
    one = RationalQuadratic(torch.zeros(1, 23))
    x = torch.linspace(-6, 6, 101)[:, None]
    for direction in (one.forward, one.inverse):
        value, log_det = direction(x)
        torch.testing.assert_close(value, x)
        torch.testing.assert_close(log_det, torch.zeros(101), atol=1e-5, rtol=0)


def test_its_density_integrates_to_one_and_its_distribution_is_that_of_its_draws():
    flow = Flow(spline(), (1,)).double()
    x = torch.linspace(-9, 9, 100_001).double()
    density = flow.log_prob(x[:, None]).exp()
    assert trapezoid(density, x) == pytest.approx(1, abs=1e-5)
    torch.manual_seed(1)
    draws = flow.sample((20_000,))[:, 0].sort().values
    below = Normal(0.0, 1.0).cdf(flow.bijection.inverse(draws[:, None])[0][:, 0])
    assert (below - (torch.arange(20_000) + 0.5) / 20_000).abs().max() < 0.015  # Kolmogorov


def test_there_and_back_in_single_precision():
    torch.manual_seed(0)
    many = RationalQuadratic(3 * torch.randn(500, 40, 23))
    z = 2 * torch.randn(500, 40)
    x, up = many(z)
    back, down = many.inverse(x)
    errors = (back - z).abs().flatten()
    assert errors.quantile(0.999) < 1e-3 and errors.median() < 1e-5
    assert (up + down).abs().median() < 1e-3


def test_a_coupling_bends_only_what_moves():
    torch.manual_seed(0)
    coupling = SplineCoupling(mlp([2, 8, 33]), keep=2, pieces=4)
    z = torch.randn(6, 5)
    x, _ = coupling(z)
    assert torch.equal(x[:, :2], z[:, :2]) and not torch.isclose(x[:, 2:], z[:, 2:]).all()


def test_numbers_for_no_spline_and_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="need 3 K - 1"):
        RationalQuadratic(torch.zeros(1, 12))
    with pytest.raises(ValueError, match="bound"):
        RationalQuadratic(torch.zeros(1, 11), bound=0.0)
    with pytest.raises(ValueError, match="a spline of its own"):
        RationalQuadratic(torch.zeros(3, 11)).inverse(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="keep"):
        SplineCoupling(mlp([2, 11]), keep=0)
