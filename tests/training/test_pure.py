import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dgm_core.flows import coupling_flow
from dgm_core.gan import Discriminator
from dgm_core.training import (
    adam_state,
    adam_step,
    named_parameters,
    parameter_vector,
    with_parameters,
)


@settings(max_examples=20)
@given(st.floats(1e-5, 1.0), st.floats(0.0, 0.95), st.floats(0.5, 0.9999), st.integers(0, 1000))
def test_adam_takes_the_steps_of_pytorchs(rate, one, two, seed):
    torch.manual_seed(seed)
    parameter = nn.Parameter(torch.randn(6).double())
    scale = torch.tensor([1.0, 1e3, 1e-6, 1e-9, 0.0, 1.0]).double()  # also where eps rules
    state, ones = adam_state(nn.ParameterList([parameter])), torch.zeros(2).double()
    adam = torch.optim.Adam([parameter], lr=rate, betas=(one, two))
    for _ in range(60):
        gradient = scale * torch.randn(6).double()
        parameter.grad = gradient.clone()
        adam.step()
        state, ones = adam_step(state, gradient, ones, rate, betas=(one, two))
        torch.testing.assert_close(state[0], parameter.detach(), rtol=1e-12, atol=1e-12)


def test_adams_bias_corrections_are_right_from_the_first_step_in_float32():
    exact, ones = torch.tensor([0.9, 0.999], dtype=torch.float64), torch.zeros(2)
    state = torch.zeros(3, 1)
    for t in range(1, 1000):
        state, ones = adam_step(state, torch.ones(1), ones, 1e-3)
        torch.testing.assert_close(ones.double(), 1 - exact**t, rtol=1e-5, atol=0)


def test_a_vector_is_cut_into_the_parameters_that_made_it():
    module = Discriminator(3, (5, 4))
    parts = named_parameters(module, adam_state(module)[0])
    expected = dict(module.named_parameters())
    assert list(parts) == list(expected)
    assert torch.equal(parameter_vector(parts), adam_state(module)[0])
    for name, part in parts.items():
        assert torch.equal(part, expected[name])
    assert adam_state(module).shape == (3, sum(p.numel() for p in module.parameters()))
    assert not adam_state(module)[1:].any()


def test_whatever_is_done_with_a_module_is_done_with_other_parameters():
    torch.manual_seed(0)
    flow, other = coupling_flow(2, 2, 6), coupling_flow(2, 2, 6)
    for parameter in other.parameters():
        parameter.data.normal_()
    x = torch.randn(5, 2)
    own, theirs = flow.log_prob(x), other.log_prob(x)
    parameters = dict(other.named_parameters())
    got = with_parameters(lambda flow: flow.log_prob(x), flow, parameters)
    assert torch.equal(got, theirs) and not torch.equal(got, own)
    assert torch.equal(flow.log_prob(x), own)  # and is itself again
