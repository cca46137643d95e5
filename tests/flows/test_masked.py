"""Masked autoregressive flows against products of normals, autograd, and a density's mass."""

import pytest
import torch
from scipy.integrate import trapezoid
from torch import nn
from torch.distributions import Independent, Normal

from dgm_core.flows import Flow, MaskedAutoregressive, masked_flow, masked_layers, spline_flow
from dgm_core.nets import masked_mlp

ORDER = [2, 0, 3, 1]


def layer(outputs=2):
    torch.manual_seed(0)
    return MaskedAutoregressive(masked_mlp(ORDER, [16, 16], outputs)).double()


def test_one_layer_is_a_product_of_normals():
    """The chain rule: x_d given those before it is N(t_d, exp(2 s_d))."""
    one, x = layer(), torch.randn(7, 4).double()
    raw, t = one.net(x).unflatten(1, (4, 2)).unbind(-1)
    s = 3 * (raw / 3).tanh()
    oracle = Independent(Normal(t, s.exp()), 1).log_prob(x)
    torch.testing.assert_close(Flow(one, (4,)).double().log_prob(x), oracle)


def test_a_place_knows_only_those_before_it():
    one, x = layer(), torch.randn(4).double()
    jacobian = torch.autograd.functional.jacobian(lambda t: one.inverse(t[None])[0][0], x)
    ordered = jacobian[ORDER][:, ORDER]  # rows and columns in the order of the draws
    assert (ordered.triu(1) == 0).all() and (ordered.tril(-1) != 0).any()
    forward = torch.autograd.functional.jacobian(
        lambda t: one(t[None])[0][0], one.inverse(x[None])[0][0].detach()
    )
    torch.testing.assert_close(forward @ jacobian, torch.eye(4).double())


def test_forward_draws_one_number_after_the_other():
    one, z = layer(), torch.randn(5, 4).double()
    x = torch.zeros_like(z)
    for d in ORDER:
        raw, t = one.net(x).unflatten(1, (4, 2)).unbind(-1)
        s = 3 * (raw / 3).tanh()
        x = x.detach().clone()
        x[:, d] = z[:, d] * s[:, d].exp() + t[:, d]
    torch.testing.assert_close(one(z)[0], x)


@pytest.mark.parametrize("make", [masked_flow, spline_flow])
def test_a_density_on_the_plane_integrates_to_one(make):
    torch.manual_seed(0)
    flow = make(2, 2, (8,)).double()
    for parameter in flow.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    reach = 1.5 * flow.sample((20_000,)).abs().max().item()
    line = torch.linspace(-reach, reach, 501).double()
    density = flow.log_prob(torch.cartesian_prod(line, line)).detach().exp().reshape(501, 501)
    assert trapezoid(trapezoid(density, line), line) == pytest.approx(1, abs=2e-3)


def test_a_masked_network_keeps_its_order_for_every_output():
    torch.manual_seed(0)
    net = masked_mlp([1, 2, 0], [9], 3, nn.SiLU)
    jacobian = torch.autograd.functional.jacobian(net, torch.randn(3)).view(3, 3, 3).abs().sum(1)
    sees = jacobian > 0  # (output's place, input)
    assert sees.tolist() == [[False, True, True], [False, False, False], [False, True, False]]


def test_no_layers_and_networks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="masked layers"):
        masked_layers(2, layers=-1)
    with pytest.raises(ValueError, match="same number of outputs"):
        MaskedAutoregressive(nn.Linear(3, 7)).inverse(torch.zeros(2, 3))
