"""The uniform numbers that samples are made of: drawn anew, or given, to have them again."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dgm_core import checks


def uniform_noise(shape: Sequence[int], noise: Tensor | None, like: Tensor, part: str) -> Tensor:
    """Return the noise that was given, or new noise, uniform on [0, 1).

    Args:
        shape: that it has to have, the sample shape first.
        noise: what was given, or None.
        like: what new noise has device and type of.
        part: what there is a number for, "pixel".

    Raises:
        ValueError: noise of another shape.
    """
    if noise is None:
        return torch.rand(tuple(shape), dtype=like.dtype, device=like.device)
    if noise.shape != tuple(shape):
        raise ValueError(
            f"noise is {checks.sizes(noise.shape)}, but {checks.sizes(shape)} is expected: a "
            f"number for each {part}, as many as the sample shape says"
        )
    return noise
