import pytest
import torch
from torch import nn

from dgm_core.nets import GaussianHead, mlp


def test_an_mlp_is_linear_maps_with_activations_only_between_them():
    net = mlp([3, 5, 4, 2], nn.Tanh).double()
    x = torch.randn(7, 3, dtype=torch.float64)
    (w1, b1), (w2, b2), (w3, b3) = ((m.weight, m.bias) for m in net if isinstance(m, nn.Linear))
    expected = ((x @ w1.T + b1).tanh() @ w2.T + b2).tanh() @ w3.T + b3
    torch.testing.assert_close(net(x), expected)
    assert [type(m) for m in mlp([3, 2])] == [nn.Linear]


def test_an_mlp_needs_two_sizes():
    with pytest.raises(ValueError, match="input and an output"):
        mlp([3])


def test_both_heads_share_one_hidden_layer_and_are_linear():
    head = GaussianHead(6, 5, 2).double()
    x = torch.randn(3, 4, 6, dtype=torch.float64)
    h = (x @ head.trunk[0].weight.T + head.trunk[0].bias).clamp(min=0)
    mean, log_var = head(x)
    torch.testing.assert_close(mean, h @ head.mean.weight.T + head.mean.bias)
    torch.testing.assert_close(log_var, h @ head.log_var.weight.T + head.log_var.bias)
    assert mean.shape == log_var.shape == (3, 4, 2)


def test_a_head_may_have_several_hidden_layers():
    head = GaussianHead(6, (5, 4), 2).double()
    x = torch.randn(3, 6, dtype=torch.float64)
    first, second = (layer for layer in head.trunk if isinstance(layer, nn.Linear))
    h = (x @ first.weight.T + first.bias).clamp(min=0)
    h = (h @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(head(x)[0], h @ head.mean.weight.T + head.mean.bias)
