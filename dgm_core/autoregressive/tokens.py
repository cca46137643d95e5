"""Squares of binary pixels as tokens: a quarter of the passes, and the chain rule stays exact."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def to_tokens(x: Float[Tensor, " batch pixels"], side: int = 28) -> Int[Tensor, " batch h w"]:
    """Read every square of 2 x 2 pixels as a number from 0 to 15.

    Args:
        x: zeros and ones, (B, side^2).
        side: height and width of the images, even.

    Returns:
        (B, side / 2, side / 2), int64; the bits are, from the highest, the upper left pixel, the
        upper right, the lower left and the lower right.

    Example:
        >>> to_tokens(torch.tensor([[1.0, 0.0, 0.0, 1.0]]), side=2)
        tensor([[[9]]])
    """
    half = side // 2
    squares = x.view(-1, half, 2, half, 2).permute(0, 1, 3, 2, 4).flatten(3)  # (B, h, w, 4)
    return (squares * torch.tensor([8.0, 4.0, 2.0, 1.0]).to(x)).sum(-1).long()


def from_tokens(tokens: Int[Tensor, " batch h w"]) -> Float[Tensor, " batch pixels"]:
    """Write tokens as the pixels that they stand for; the inverse of `to_tokens`.

    Args:
        tokens: from 0 to 15, (B, h, w).

    Returns:
        (B, 4 h w), float, zeros and ones.

    Example:
        >>> from_tokens(torch.tensor([[[9]]]))
        tensor([[1., 0., 0., 1.]])
    """
    _, height, width = tokens.shape
    bits = (tokens[..., None] >> torch.tensor([3, 2, 1, 0], device=tokens.device)) & 1
    squares = bits.view(-1, height, width, 2, 2).permute(0, 1, 3, 2, 4)
    return squares.reshape(len(tokens), -1).float()
