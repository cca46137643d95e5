"""Every bijection against autograd: its inverse, its log-determinant, its gradients, its mass."""

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from torch import nn

from dgm_core.flows import (
    ActNorm,
    Affine,
    AffineCoupling,
    Compose,
    ConvNet,
    Cube,
    FactorOut,
    Flow,
    Inverse,
    Invertible1x1,
    Logit,
    MaskedAutoregressive,
    Permutation,
    RationalQuadratic,
    Reshape,
    SplineCoupling,
    Squeeze,
    affine_image_flow,
    coupling_layers,
    masked_flow,
    spline_flow,
    spline_image_flow,
)
from dgm_core.nets import masked_mlp, mlp
from dgm_core.objectives import bits_per_dim

LEAVES = {  # name: make it, and the shape of its latent points
    "cube": (Cube, (3,)),
    "affine": (lambda: Affine(torch.randn(3), torch.randn(3), learned=True), (3,)),
    "affine, fixed": (lambda: Affine(torch.randn(2, 3), torch.randn(2, 3)), (2, 3)),
    "logit": (lambda: Logit(0.05), (5,)),
    "logit, alpha 0": (lambda: Logit(0.0), (5,)),
    "inverse": (lambda: Inverse(Logit(0.01)), (3,)),
    "actnorm": (lambda: ActNorm(3), (3,)),
    "actnorm of images": (lambda: ActNorm(2), (2, 3, 4)),
    "mixture of images by matrices": (lambda: Invertible1x1(3).double().by_matrices(), (3, 2, 2)),
    "coupling": (lambda: AffineCoupling(mlp([2, 8, 6]), 2), (5,)),
    "coupling of images": (lambda: AffineCoupling(ConvNet(1, 4, 4), 1), (3, 4, 2)),
    "splines": (lambda: RationalQuadratic(torch.randn(3, 14), 1.5, learned=True), (3,)),
    "spline coupling": (lambda: SplineCoupling(mlp([2, 8, 33]), 2, 4, bound=2.0), (5,)),
    "spline coupling of images": (lambda: SplineCoupling(ConvNet(1, 4, 22), 1, 4), (3, 4, 2)),
    "masked": (lambda: MaskedAutoregressive(masked_mlp([2, 0, 1], [8, 8], 2, nn.SiLU)), (3,)),
    "stack of masked layers": (lambda: masked_flow(4, 2, (8,)).bijection, (4,)),
    "stack of masked splines": (lambda: spline_flow(3, 2, (8,), 4, 1.5).bijection, (3,)),
    "permutation": (lambda: Permutation([2, 0, 1]), (3,)),
    "permutation of images": (lambda: Permutation([1, 0, 2]), (3, 2, 2)),
    "1x1": (lambda: Invertible1x1(4, seed=3), (4,)),
    "1x1 of images": (lambda: Invertible1x1(3), (3, 2, 3)),
    "reshape": (lambda: Reshape((12,), (3, 2, 2)), (12,)),
    "squeeze": (Squeeze, (8, 2, 3)),
    "factor out": (lambda: FactorOut(ActNorm(2), 2), (5,)),
    "composition": (lambda: Compose([ActNorm(3), Permutation([1, 2, 0]), Invertible1x1(3)]), (3,)),
    "stack of couplings": (lambda: coupling_layers(3, 4, 8), (3,)),
    "flow of images": (lambda: affine_image_flow((3, 2), (4, 6), side=4).bijection, (16,)),
    "spline flow of images": (lambda: spline_image_flow((2,), (4,), side=4).bijection, (16,)),
}


def jiggled(make):
    """A bijection in float64, no parameter at a special value such as 0."""
    bijection = make().double()
    with torch.no_grad():
        for parameter in bijection.parameters():
            parameter += 0.15 * torch.randn_like(parameter)
    return bijection


@pytest.fixture(params=LEAVES)
def leaf(request):
    """A bijection and a batch of latent points, those of the cube and the logit's in range."""
    torch.manual_seed(0)
    make, shape = LEAVES[request.param]
    z = torch.randn(4, *shape, dtype=torch.float64)
    return jiggled(make), z.sigmoid() if request.param == "inverse" else z


def slogdet(function, point):
    jacobian = torch.autograd.functional.jacobian(function, point)
    return torch.linalg.slogdet(jacobian.reshape(point.numel(), point.numel())).logabsdet


def test_either_direction_undoes_the_other_and_the_log_determinants_add_up_to_0(leaf):
    bijection, z = leaf
    x, up = bijection(z)
    back, down = bijection.inverse(x)
    again, up_again = bijection(back)
    assert up.shape == down.shape == (4,)
    torch.testing.assert_close(back, z, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(again, x, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(up + down, torch.zeros(4).double(), rtol=0, atol=1e-7)
    torch.testing.assert_close(up_again, up, rtol=1e-7, atol=1e-7)


def test_the_log_determinant_is_that_of_autograds_jacobian(leaf):
    bijection, z = leaf
    x, up = bijection(z)
    _, down = bijection.inverse(x)
    for k in range(len(z)):
        exact = slogdet(lambda t: bijection(t[None])[0][0], z[k])
        torch.testing.assert_close(up[k], exact, rtol=1e-8, atol=1e-8)
        exact = slogdet(lambda t: bijection.inverse(t[None])[0][0], x[k].detach())
        torch.testing.assert_close(down[k], exact, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_gradients_reach_every_parameter(leaf, direction):
    bijection, z = leaf
    start = (z if direction == "forward" else bijection(z)[0]).detach().requires_grad_()
    value, log_det = getattr(bijection, direction)(start)
    (value.square().sum() + log_det.sum()).backward()
    assert start.grad.isfinite().all() and start.grad.abs().sum() > 0
    for name, parameter in bijection.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
        assert parameter.grad.isfinite().all(), name


def test_an_example_does_not_know_its_companions(leaf):
    bijection, z = leaf
    whole, log_det = bijection(z)
    for k in range(len(z)):
        alone, its_log_det = bijection(z[k : k + 1])
        torch.testing.assert_close(alone[0], whole[k])
        torch.testing.assert_close(its_log_det[0], log_det[k])


def test_a_composition_adds_up_and_goes_back_in_reverse():
    torch.manual_seed(0)
    parts = [jiggled(lambda: ActNorm(3)), jiggled(lambda: Invertible1x1(3)), Logit().double()]
    z = torch.randn(5, 3).double()
    middle, one = parts[0](z)
    late, two = parts[1](middle)
    end, three = parts[2](late)
    x, total = Compose(parts)(z)
    assert torch.equal(x, end) and torch.equal(total, one + two + three)


def test_a_density_on_the_plane_integrates_to_one():
    torch.manual_seed(0)
    parts = [jiggled(lambda: coupling_layers(2, 3, 8)), jiggled(lambda: Invertible1x1(2))]
    flow = Flow(Compose(parts), (2,)).double()
    reach = 1.5 * flow.sample((20_000,)).abs().max().item()
    line = torch.linspace(-reach, reach, 1001).double()
    density = flow.log_prob(torch.cartesian_prod(line, line)).detach().exp().reshape(1001, 1001)
    mass = trapezoid(trapezoid(density, line), line)
    assert mass == pytest.approx(1, abs=1e-3)


def test_squeezed_channels_are_the_colours_of_a_checkerboard():
    board = (torch.arange(4)[:, None] + torch.arange(6)) % 2
    z, _ = Squeeze().inverse(board[None, None].float())
    assert z.shape == (1, 4, 2, 3)
    assert (z[0, [0, 3]] == 0).all() and (z[0, [1, 2]] == 1).all()


def test_the_flow_of_images_keeps_its_latent_points_flat_and_inverts():
    torch.manual_seed(0)
    flow = affine_image_flow((2, 2), (8, 8))
    x = torch.rand(8, 784)
    z = flow.bijection.initialize(x)
    assert z.shape == (8, 784)
    torch.testing.assert_close(flow.bijection(z)[0], x, rtol=0, atol=1e-5)
    assert flow.sample((2, 3), temperature=0.5).shape == (2, 3, 784)
    assert flow.bijection(torch.lerp(z[:1], z[1:2], 0.5))[0].shape == (1, 784)


def test_bits_per_dimension_count_every_jacobian():
    """By hand, all in float64: base, scale of actnorm, 1x1, couplings, logit, and 256 bins."""
    torch.manual_seed(0)
    alpha = 0.01
    flow = affine_image_flow((3,), (4,), side=2, alpha=alpha).double()
    for parameter in flow.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    x = torch.rand(6, 4).double()
    y = alpha + (1 - 2 * alpha) * x
    total = (np.log(1 - 2 * alpha) - y.log() - (1 - y).log()).sum(1)
    value = y.logit().reshape(-1, 4, 1, 1)  # 2 x 2 pixels are 4 channels of one
    for part in reversed(flow.bijection.parts[1].parts[1:-1]):
        jacobians = torch.autograd.functional.jacobian(
            lambda v, part=part: part.inverse(v)[0].sum(0).flatten(), value
        )
        total = total + torch.linalg.slogdet(jacobians.squeeze((3, 4)).transpose(0, 1)).logabsdet
        value = part.inverse(value)[0]
    base = -0.5 * (value.flatten(1).square() + np.log(2 * np.pi)).sum(1)
    expected = -(base + total - 4 * np.log(256)) / np.log(2) / 4
    torch.testing.assert_close(bits_per_dim(flow.log_prob(x), 4, bins=256), expected)


def test_a_uniform_density_on_the_unit_cube_has_eight_bits_for_256_bins():
    assert bits_per_dim(torch.zeros(3), 784, bins=256).tolist() == [8.0] * 3
    assert bits_per_dim(torch.tensor([-np.log(2) * 784]), 784).item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Permutation([0, 2]), "no permutation of 0 to 1"),
        (lambda: Logit(0.5), "below 1/2"),
        (lambda: coupling_layers(1), "at least 2 numbers"),
        (lambda: affine_image_flow((1, 1, 1), (4, 4, 4)), "multiple of 2\\^3"),
    ],
)
def test_bad_arguments_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
