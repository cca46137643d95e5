"""Adam as a pure function: parameters and averages go in as tensors, and come out changed.

A page without a kernel can run such a step. `training.fit` and a chapter's loop change parameters
in place, by an optimizer; the tests hold the two to the same numbers.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value
from torch.nn.utils import parameters_to_vector

from dgm_core import checks

State = Float[Tensor, " 3 parameters"]
Parameters = Mapping[str, Float[Tensor, " ..."]]


def named_parameters(
    module: nn.Module, vector: Float[Tensor, " parameters"]
) -> dict[str, Float[Tensor, " ..."]]:
    """Cut a vector into the parameters of a module, for ``torch.func.functional_call``.

    Args:
        module: gives names and shapes; its own numbers are not used.
        vector: (P,), in the order of ``module.parameters()``.

    Returns:
        Name -> tensor of the parameter's shape.

    Raises:
        ValueError: the vector is of another length.

    Example:
        >>> named_parameters(nn.Linear(2, 1), torch.tensor([1.0, 2.0, 3.0]))
        {'weight': tensor([[1., 2.]]), 'bias': tensor([3.])}
    """
    count = sum(parameter.numel() for parameter in module.parameters())
    checks.last("vector", vector, count, "it has to be of a module of the same architecture")
    parts, end = {}, 0
    for name, parameter in module.named_parameters():
        start, end = end, end + parameter.numel()
        parts[name] = vector[start:end].view(parameter.shape)
    return parts


def parameter_vector(
    parts: Mapping[str, Float[Tensor, " ..."]],
) -> Float[Tensor, " parameters"]:
    """Join gradients to one vector: differentiating by the vector itself would cost far more.

    Args:
        parts: by name, in the order of ``module.parameters()``.

    Returns:
        (P,), what `named_parameters` would cut into these parts.
    """
    return torch.cat([part.flatten() for part in parts.values()])


def adam_state(module: nn.Module) -> State:
    """Return (3, P): the module's parameters in one vector, and Adam's two averages of nothing.

    Example:
        >>> adam_state(nn.Linear(2, 1)).shape
        torch.Size([3, 3])
    """
    vector = parameters_to_vector(module.parameters()).detach()
    return torch.stack([vector, torch.zeros_like(vector), torch.zeros_like(vector)])


def adam_step(
    state: State,
    gradient: Float[Tensor, " parameters"],
    ones: Float[Tensor, " 2"],
    learning_rate: Float[Tensor, ""] | float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[State, Float[Tensor, " 2"]]:
    r"""Take one step of Adam, the numbers of ``torch.optim.Adam``.

    The bias corrections :math:`1 - \beta^t` are kept as what they are: the same moving averages,
    of the number 1. So float32 takes no difference of nearly equal numbers at the start.

    Args:
        state: parameters, average gradient, average squared gradient, (3, P).
        gradient: at the parameters, (P,).
        ones: moving averages of 1 with either beta, (2,); zeros before the first step.
        learning_rate: of this step.
        betas: of the two averages.
        eps: added to the root of the second.

    Returns:
        The new `state`, (3, P), and the new `ones`, (2,).

    Raises:
        ValueError: the gradient is of another length than the parameters.

    References:
        Kingma and Ba (2015), Adam: A Method for Stochastic Optimization, algorithm 1.
    """
    checks.same_shape("one for each parameter", parameters=state[0], gradient=gradient)
    first = betas[0] * state[1] + (1 - betas[0]) * gradient
    second = betas[1] * state[2] + (1 - betas[1]) * gradient**2
    one = betas[0] * ones[0] + (1 - betas[0])
    two = betas[1] * ones[1] + (1 - betas[1])
    step = first / one / ((second / two).sqrt() + eps)
    return torch.stack([state[0] - learning_rate * step, first, second]), torch.stack([one, two])


def with_parameters(function: Callable, module: nn.Module, parameters: Parameters):
    """Return ``function(module)``, the module's parameters being others while it runs.

    ``torch.func.functional_call`` calls a module itself; this calls whatever is done with it, such
    as a flow's ``log_prob``.

    Args:
        function: of the module.
        module: gives the architecture; its own numbers are neither used nor changed.
        parameters: by name, for instance from `named_parameters`.

    Example:
        >>> line = nn.Linear(1, 1)
        >>> others = named_parameters(line, torch.tensor([2.0, 5.0]))
        >>> with_parameters(lambda line: line(torch.tensor([10.0])), line, others)
        tensor([25.])
    """
    named = {f"module.{name}": value for name, value in parameters.items()}
    return functional_call(_Called(module, function), named, ())


class _Called(nn.Module):
    def __init__(self, module: nn.Module, function: Callable):
        super().__init__()
        self.module, self.function = module, function

    def forward(self):
        return self.function(self.module)


def adam_descent(
    loss: Callable,
    module: nn.Module,
    state: State,
    ones: Float[Tensor, " 2"],
    learning_rate: Float[Tensor, ""] | float,
    betas: tuple[float, float] = (0.9, 0.999),
):
    """Take one step of Adam down a loss of a module, as a pure function.

    Args:
        loss: from the module to a scalar, and a dictionary of tensors that it computes on the way.
        module: gives the architecture; its numbers are not used.
        state: its parameters and Adam's averages, (3, P), from `adam_state`.
        ones: see `adam_step`.
        learning_rate: of this step.
        betas: of Adam.

    Returns:
        The new `state` and `ones`, the loss before the update, and the dictionary.

    Example:
        >>> line = nn.Linear(1, 1)
        >>> def loss(line):
        ...     return line(torch.ones(1)).square().sum(), {}
        >>> state, ones = adam_state(line), torch.zeros(2)
        >>> losses = []
        >>> for _ in range(300):
        ...     state, ones, value, _ = adam_descent(loss, line, state, ones, learning_rate=0.05)
        ...     losses.append(value.item())
        >>> losses[-1] < 1e-4
        True
    """

    def at(parameters: Parameters):
        return with_parameters(loss, module, parameters)

    gradient, (value, rest) = grad_and_value(at, has_aux=True)(named_parameters(module, state[0]))
    state, ones = adam_step(state, parameter_vector(gradient), ones, learning_rate, betas)
    return state, ones, value, rest
