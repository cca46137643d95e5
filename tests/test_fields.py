"""Divergences of vector fields against the trace of autograd's Jacobian."""

import itertools

import torch
from torch.testing import assert_close

from dgm_core.fields import divergence, estimated_divergence
from dgm_core.nets import mlp


def field():
    torch.manual_seed(0)
    return mlp([3, 8, 3], torch.nn.Tanh).double()


def jacobians(net, x):
    return torch.stack([torch.autograd.functional.jacobian(net, point) for point in x])


def test_the_divergence_is_the_trace_of_the_jacobian():
    net, x = field(), torch.randn(5, 3, dtype=torch.float64)
    assert_close(divergence(net, x), jacobians(net, x).diagonal(dim1=1, dim2=2).sum(1))


def test_over_all_signs_the_estimate_is_exact_on_average():
    net, x = field(), torch.randn(5, 3, dtype=torch.float64)
    signs = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=3)), dtype=torch.float64)
    probes = signs[:, None].expand(8, 5, 3)
    assert_close(estimated_divergence(net, x, probes), divergence(net, x))
    one = estimated_divergence(net, x, probes[:1])
    full = jacobians(net, x)
    assert_close(one, (signs[0] @ full @ signs[0]))
    assert not torch.allclose(one, divergence(net, x))


def test_a_divergence_can_be_differentiated_and_runs_without_gradients():
    net, x = field(), torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(divergence(net, x).sum(), x)
    step = 1e-6
    for d in range(3):
        moved = torch.zeros(3, dtype=torch.float64)
        moved[d] = step
        up, down = (divergence(net, x.detach() + s * moved) for s in (1, -1))
        assert_close(found[:, d], (up - down) / (2 * step), rtol=1e-5, atol=1e-7)
    with torch.no_grad():
        assert_close(divergence(net, x), divergence(net, x.detach()))
