"""Optimizers, and one step by them, for loops and for chapters that write their own."""

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor

from dgm_core import checks


def fuses(device: torch.device) -> bool:
    """Whether torch's Adam has one fused kernel a step on a device."""
    return device.type in ("cpu", "cuda", "mps")


def adam(
    parameters: Iterable[Tensor], lr: float, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Adam:
    """Make Adam, with one fused kernel a step where the device has one.

    Args:
        parameters: what it trains, all on one device.
        lr: the learning rate.
        betas: of its two moving averages.

    Raises:
        ValueError: there are no parameters.

    References:
        Kingma and Ba (2015), Adam: A Method for Stochastic Optimization.

    Example:
        >>> optimizer = adam([torch.zeros(3, requires_grad=True)], lr=1e-3)
        >>> optimizer.param_groups[0]["lr"]
        0.001
    """
    parameters = list(parameters)
    checks.at_least(1, "give model.parameters()", number__parameters=len(parameters))
    return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=fuses(parameters[0].device))


#: Adam with the shorter memory that games are played with: Radford et al. (2016), DCGAN.
game_adam = partial(adam, betas=(0.5, 0.999))


def descend(
    losses: Tensor, optimizer: torch.optim.Optimizer, clip_norm: float | None = None
) -> None:
    """Take one step down the mean of some losses; gradients of before are forgotten.

    Args:
        losses: one loss for each example, or their mean; any shape.
        optimizer: changes its parameters in place.
        clip_norm: largest norm of the gradient of all its parameters; see `fit`.

    Raises:
        ValueError: there are no losses, they have no gradient or depend on none of the parameters,
            or `clip_norm` is not above 0; no parameter is changed.

    Example:
        >>> place = torch.tensor([1.0], requires_grad=True)
        >>> descend(place**2, torch.optim.SGD([place], lr=0.25))
        >>> place.item()
        0.5
    """
    checks.at_least(1, "a mean needs an example", number__losses=losses.numel())
    if clip_norm is not None:
        checks.positive("it is the norm of a gradient", clip_norm=clip_norm)
    if not losses.requires_grad:
        raise ValueError(
            "the losses have no gradient: compute them from the parameters, outside of "
            "torch.no_grad and torch.inference_mode, and without .detach()"
        )
    optimizer.zero_grad()
    losses.mean().backward()
    if all(p.grad is None for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            "no parameter has a gradient: the losses depend on others than the optimizer changes, "
            "so give both the same model"
        )
    if clip_norm is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimizer.step()
