"""The maps that are distribution functions: exact both ways, with exact gradients."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dgm_core.flows import CategoricalCDF, Flow, MixtureCDF, bin_of


def random_map(seed: int, event: int = 2, components: int = 3, batch: tuple = ()) -> MixtureCDF:
    generator = torch.Generator().manual_seed(seed)
    shape = (*batch, event, components)
    weights, means, scales = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(3)
    )
    return MixtureCDF(weights, 2 * means, 0.5 * scales, learned=True)


def random_points(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


@given(st.integers(0, 10_000))
def test_each_direction_undoes_the_other(seed):
    cdf, z = random_map(seed), 0.001 + 0.998 * random_points(seed, 50, 2)
    x, log_det = cdf(z)
    again, back = cdf.inverse(x)
    torch.testing.assert_close(again, z, atol=1e-12, rtol=0)
    torch.testing.assert_close(log_det, -back, atol=1e-12, rtol=0)
    torch.testing.assert_close(cdf(again)[0], x, atol=1e-10, rtol=0)


@pytest.mark.parametrize("batch", [(), (4,)], ids=["one map", "a map for each example"])
def test_log_determinants_are_those_of_the_jacobian(batch):
    cdf, z = random_map(1, batch=batch), random_points(2, 4, 2)
    x, log_det = cdf(z)
    for k in range(4):
        one = lambda v, k=k: cdf.forward(torch.cat([z[:k], v[None], z[k + 1 :]]))[0][k]  # noqa: E731
        jacobian = torch.autograd.functional.jacobian(one, z[k])
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], log_det[k])
        back = lambda v, k=k: cdf.inverse(torch.cat([x[:k], v[None], x[k + 1 :]]))[0][k]  # noqa: E731
        jacobian = torch.autograd.functional.jacobian(back, x[k])
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], -log_det[k])


def test_gradients_of_the_solution_are_those_of_finite_differences():
    cdf, z = random_map(3), 0.1 + 0.8 * random_points(4, 3, 2)
    names = [name for name, _ in cdf.named_parameters()]

    def solve(z, *values):
        return torch.func.functional_call(cdf, dict(zip(names, values, strict=True)), (z,))

    inputs = [t.detach().clone().requires_grad_() for t in (z, *cdf.parameters())]
    assert torch.autograd.gradcheck(solve, inputs)


def test_one_standard_logistic_is_the_sigmoid():
    zero = torch.zeros(1, 1, dtype=torch.float64)
    x = torch.linspace(-5, 5, 11, dtype=torch.float64)[:, None]
    z, log_det = MixtureCDF(zero, zero, zero).inverse(x)
    torch.testing.assert_close(z, x.sigmoid())
    torch.testing.assert_close(log_det, (x.sigmoid() * (1 - x.sigmoid())).log().squeeze(1))


def test_on_a_uniform_base_it_is_a_density_that_integrates_to_the_differences_of_z():
    flow = Flow(random_map(5, event=1), (1,), uniform=True).double()
    x = torch.linspace(-1, 2, 20_001, dtype=torch.float64)[:, None]
    mass = torch.trapezoid(flow.log_prob(x).exp(), x.squeeze(1))
    z, _ = flow.bijection.inverse(x[[0, -1]])
    torch.testing.assert_close(mass, (z[1] - z[0]).squeeze(), atol=1e-8, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_out_nothing_is_infinite(dtype):
    flow = Flow(random_map(6).to(dtype), (2,), uniform=True).to(dtype)
    assert flow.log_prob(torch.full((1, 2), 200.0, dtype=dtype)).isfinite()
    assert flow.log_prob(torch.full((1, 2), -200.0, dtype=dtype)).isfinite()
    x, log_det = flow.bijection(torch.tensor([[0.0, 1.0]], dtype=dtype))
    assert x.isfinite().all() and log_det.isfinite()


def test_halving_every_width_about_the_data_gains_log_two():
    points = torch.arange(4.0, dtype=torch.float64)[:, None]
    density = []
    for width in (0.01, 0.005):
        parts = torch.zeros(1, 4), points.T, torch.full((1, 4), math.log(width))
        flow = Flow(MixtureCDF(*(p.double() for p in parts)), (1,), uniform=True).double()
        density.append(flow.log_prob(points))
    torch.testing.assert_close(density[1] - density[0], torch.full_like(density[0], math.log(2)))


# Of equal bins, the coupling of the pyramid


def test_the_map_is_the_distribution_function_of_a_staircase_density():
    torch.manual_seed(0)
    probs = torch.rand(3, 7).double().softmax(-1)
    x = torch.linspace(0, 1, 50, dtype=torch.float64)[:-1].expand(3, 49).T  # (49, 3)
    z, _ = CategoricalCDF(probs.log()).inverse(x)
    for pixel in range(3):
        edges = torch.cat([torch.zeros(1), probs[pixel].cumsum(0)])
        low = (x[:, pixel] * 7).long()
        expected = edges[low] + (x[:, pixel] * 7 - low) * probs[pixel, low]
        torch.testing.assert_close(z[:, pixel], expected)


def test_the_coupling_and_its_inverse_undo_each_other():
    torch.manual_seed(0)
    cdf = CategoricalCDF(torch.randn(4, 2, 3, 9).double().log_softmax(-1))
    z = torch.rand(4, 2, 3).double()
    x, log_det = cdf(z)
    again, minus = cdf.inverse(x)
    torch.testing.assert_close(again, z)
    torch.testing.assert_close(minus, -log_det)
    torch.testing.assert_close(cdf(cdf.inverse(x)[0])[0], x)
    slope = torch.func.grad(lambda z: cdf(z)[0].sum())(z)  # of every pixel: none sees another
    torch.testing.assert_close(slope.log().flatten(1).sum(1), log_det)


def test_uniform_noise_lands_in_a_bin_as_often_as_the_bin_is_probable():
    probs = torch.tensor([0.5, 0.0, 0.2, 0.3])
    z = (torch.arange(1000) + 0.5) / 1000
    x, _ = CategoricalCDF(probs.log()).forward(z[:, None].expand(-1, 1))
    assert bin_of(x, 4).flatten().bincount(minlength=4).tolist() == [500, 0, 200, 300]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_ends_of_the_interval_stay_inside_their_bins(dtype):
    log_probs = torch.tensor([0.0, -50.0, -300.0, -1000.0], dtype=dtype).log_softmax(0)
    z = torch.tensor([[0.0], [1 - torch.finfo(dtype).eps], [1.0]], dtype=dtype)
    x, log_det = CategoricalCDF(log_probs).forward(z)
    assert (x >= 0).all() and (x < 1).all() and log_det.isfinite().all()
