"""Squares of binary pixels as tokens: a quarter of the passes, and the chain rule stays exact."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dgm_core import checks


def to_tokens(x: Float[Tensor, " batch pixels"], side: int = 28) -> Int[Tensor, " batch h w"]:
    """Read every square of 2 x 2 pixels as a number from 0 to 15.

    Args:
        x: zeros and ones, (B, side^2).
        side: height and width of the images, even.

    Returns:
        (B, side / 2, side / 2), int64; the bits are, from the highest, the upper left pixel, the
        upper right, the lower left and the lower right.

    Raises:
        ValueError: images of another size, an odd side, or pixels that are not 0 or 1.

    Example:
        >>> to_tokens(torch.tensor([[1.0, 0.0, 0.0, 1.0]]), side=2)
        tensor([[[9]]])
    """
    if side % 2:
        raise ValueError(f"side is {side}: squares of 2 x 2 pixels need an even one")
    checks.event("x", x, (side**2,), f"images of {side} x {side} pixels as rows, by flatten(1)")
    checks.whole("x", x, 0, 1, "draw pixels by data.binarize")
    half = side // 2
    squares = x.reshape(-1, half, 2, half, 2).permute(0, 1, 3, 2, 4).flatten(3)  # (B, h, w, 4)
    return (squares * torch.tensor([8.0, 4.0, 2.0, 1.0]).to(x)).sum(-1).long()


def from_tokens(tokens: Int[Tensor, " batch h w"]) -> Float[Tensor, " batch pixels"]:
    """Write tokens as the pixels that they stand for; the inverse of `to_tokens`.

    Args:
        tokens: from 0 to 15, (B, h, w).

    Returns:
        (B, 4 h w), float, zeros and ones.

    Raises:
        ValueError: tokens that are no images, or out of range.

    Example:
        >>> from_tokens(torch.tensor([[[9]]]))
        tensor([[1., 0., 0., 1.]])
    """
    if tokens.ndim != 3:
        raise ValueError(f"tokens is {checks.sizes(tokens.shape)}, but (B, h, w) is expected")
    checks.within("tokens", tokens, 0, 15, "there are 16 squares of 2 x 2 pixels")
    _, height, width = tokens.shape
    bits = (tokens[..., None] >> torch.tensor([3, 2, 1, 0], device=tokens.device)) & 1
    squares = bits.view(len(tokens), height, width, 2, 2).permute(0, 1, 3, 2, 4)
    return squares.reshape(len(tokens), 4 * height * width).float()
