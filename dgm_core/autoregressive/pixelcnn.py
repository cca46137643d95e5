"""A PixelCNN without a blind spot on tokens of 2 x 2 pixels: exact, and drawn in 196 passes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.autoregressive.noise import uniform_noise
from dgm_core.autoregressive.tokens import from_tokens, to_tokens
from dgm_core.nets import full_precision


class TwoStacks(nn.Module):
    """A residual block on two stacks: one sees all rows above, one also the row up to here.

    Args:
        width: channels of either stack.
        hidden: channels within the block.
        reach: how many rows up, and how many places to either side, a block looks further.
        dropout: share of the hidden channels that are set to 0 in training.
        last: whether nobody reads the rows' stack after this block.

    References:
        van den Oord et al. (2016), Conditional Image Generation with PixelCNN Decoders,
        section 2.2 and figure 2, with ReLUs for the gates.
    """

    def __init__(self, width: int, hidden: int, reach: int, dropout: float, last: bool):
        """Make the convolutions; the block starts as nearly the identity."""
        super().__init__()
        self.reach = reach
        self.above = nn.Conv2d(width, hidden, (reach + 1, 2 * reach + 1))
        self.left = nn.Conv2d(width, hidden, (1, reach + 1))
        self.link = nn.Conv2d(hidden, hidden, 1)
        self.dropout = nn.Dropout2d(dropout)
        self.left_out = nn.Conv2d(hidden, width, 1)
        self.above_out = None if last else nn.Conv2d(hidden, width, 1)
        with torch.no_grad():
            for layer in (self.left_out, *([] if last else [self.above_out])):
                layer.weight *= 0.1
                layer.bias *= 0.1

    def forward(
        self, rows: Float[Tensor, " batch c h w"], here: Float[Tensor, " batch c h w"]
    ) -> tuple[Float[Tensor, " batch c h w"], Float[Tensor, " batch c h w"]]:
        """Return both stacks after the block, each (B, C, H, W).

        Args:
            rows: of each place, a summary of the rows above it, (B, C, H, W).
            here: of each place, a summary of all before it, (B, C, H, W).
        """
        k = self.reach
        up = self.above(F.pad(F.relu(rows), (k, k, k, 0)))
        left = self.left(F.pad(F.relu(here), (k, 0, 0, 0))) + self.link(F.relu(up))
        if self.above_out is not None:
            rows = rows + self.above_out(F.relu(up))
        return rows, here + self.left_out(self.dropout(F.relu(left)))


class PixelCNN(nn.Module):
    r"""A distribution of binary images, :math:`\prod_i p(t_i \mid t_1 \dots t_{i-1})`, of tokens.

    Tokens are squares of 2 x 2 pixels in reading order, each a softmax of 16. Two stacks of
    convolutions see everything before a token, and nothing else.

    Attributes:
        side: height and width of the images.

    References:
        van den Oord et al. (2016), Pixel Recurrent Neural Networks; the same, Conditional Image
        Generation with PixelCNN Decoders.

    Example:
        >>> model = PixelCNN(side=4, width=8, hidden=8, blocks=1)
        >>> model.log_prob(torch.zeros(5, 16)).shape, model.sample((3,)).shape
        (torch.Size([5]), torch.Size([3, 16]))
    """

    def __init__(
        self,
        side: int = 28,
        width: int = 96,
        hidden: int = 48,
        blocks: int = 6,
        reach: int = 2,
        dropout: float = 0.0,
    ):
        """Make the networks.

        Args:
            side: height and width of the images, even.
            width: channels of the stacks.
            hidden: channels within a block.
            blocks: how many.
            reach: of a block, in tokens.
            dropout: share of the hidden channels that are set to 0 in training.

        Raises:
            ValueError: the side is odd.
        """
        super().__init__()
        if side % 2:
            raise ValueError(f"side is {side}: squares of 2 x 2 pixels need an even one")
        self.side, self.reach = side, reach
        self.first_above = nn.Conv2d(16, width, (reach, 2 * reach + 1), bias=False)
        self.first_left = nn.Conv2d(16, width, (1, reach), bias=False)
        self.rows_at, self.here_at = (
            nn.Parameter(torch.zeros(1, width, side // 2, side // 2)) for _ in range(2)
        )
        self.blocks = nn.ModuleList(
            TwoStacks(width, hidden, reach, dropout, last=k == blocks - 1) for k in range(blocks)
        )
        self.head = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, 16, 1)
        )

    def token_logits(
        self, one_hot: Float[Tensor, " batch 16 h w"]
    ) -> Float[Tensor, " batch 16 h w"]:
        """Return 16 logits at each place, which see the places before it, (B, 16, h, w).

        Args:
            one_hot: 1. at the token of each place, (B, 16, side / 2, side / 2).
        """
        k, half = self.reach, self.side // 2
        # Padded by one more than a block's, so that a place does not see itself.
        rows = self.first_above(F.pad(one_hot, (k, k, k, 0)))[:, :, :half]
        here = self.first_left(F.pad(one_hot, (k, 0, 0, 0)))[:, :, :, :half]
        here = here + rows + self.here_at.to(rows.dtype)
        rows = rows + self.rows_at.to(rows.dtype)
        for block in self.blocks:
            rows, here = block(rows, here)
        return full_precision(self.head(here))

    def token_log_probs(self, x: Float[Tensor, " batch pixels"]) -> Float[Tensor, " batch h w 16"]:
        """Return the log-probability of all 16 tokens at each place given those before it.

        Args:
            x: zeros and ones, (B, side^2).

        Returns:
            (B, side / 2, side / 2, 16), in nats.

        Raises:
            ValueError: as `to_tokens`.
        """
        kinds = torch.arange(16, device=x.device)
        one_hot = (to_tokens(x, self.side)[..., None] == kinds).to(x.dtype)
        return self.token_logits(one_hot.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).log_softmax(-1)

    def log_prob(self, x: Float[Tensor, " batch pixels"]) -> Float[Tensor, " batch"]:
        """Return the exact log P(x), (B,), in nats; one pass.

        Args:
            x: zeros and ones, (B, side^2).

        Raises:
            ValueError: as `to_tokens`.
        """
        index = to_tokens(x, self.side)[..., None]
        return self.token_log_probs(x).gather(-1, index).flatten(1).sum(1)

    def pixel_logits(self, x: Float[Tensor, " batch pixels"]) -> Float[Tensor, " batch pixels"]:
        """Return the logit of each pixel being ink given all before it, (B, side^2).

        Before it are the tokens before its own and, in its own, upper left, upper right, lower
        left and lower right in this order. So the Bernoulli log-probabilities of x under these
        logits add up to `log_prob`.

        Args:
            x: zeros and ones, (B, side^2).
        """
        half = self.side // 2
        joint = self.token_log_probs(x).unflatten(-1, (2, 2, 2, 2))
        bits = x.reshape(-1, half, 2, half, 2).permute(0, 1, 3, 2, 4).flatten(3)  # (B, h, w, 4)
        logits = []
        for k in range(4):
            both = joint.reshape(*joint.shape[:4], -1).logsumexp(
                -1
            )  # (B, h, w, 2), the next bit 0 and 1
            logits.append(both[..., 1] - both[..., 0])
            ink = bits[..., k].view(*bits.shape[:3], *[1] * (3 - k)) > 0.5
            joint = torch.where(ink, joint.select(3, 1), joint.select(3, 0))
        squares = torch.stack(logits, -1).unflatten(-1, (2, 2))  # (B, h, w, 2, 2)
        return squares.permute(0, 1, 3, 2, 4).reshape(len(x), self.side**2)

    @torch.no_grad()
    def sample(
        self,
        sample_shape: Sequence[int] = (),
        noise: Float[Tensor, " *sample h w"] | None = None,
    ) -> Float[Tensor, " *sample pixels"]:
        """Draw images, one token after the other: (side / 2)^2 passes.

        Args:
            sample_shape: how many, in any arrangement.
            noise: uniform on [0, 1), one number a token, (*sample_shape, side / 2, side / 2);
                drawn here if None.

        Returns:
            (*sample_shape, side^2), zeros and ones.

        Raises:
            ValueError: noise of another shape.
            TypeError: a number for the sample shape.
        """
        half = self.side // 2
        shape = (*checks.arranged(sample_shape), half, half)
        noise = uniform_noise(shape, noise, self.here_at, "token")
        flat = noise.reshape(-1, half, half)
        blank = flat.new_zeros(len(flat), self.side**2)
        return self.complete(blank, flat, 0).view(*noise.shape[:-2], self.side**2)

    @torch.no_grad()
    def complete(
        self,
        x: Float[Tensor, " batch pixels"],
        noise: Float[Tensor, " batch h w"],
        first: int,
    ) -> Float[Tensor, " batch pixels"]:
        """Keep the tokens before one and draw the others, exactly from their distribution.

        Args:
            x: zeros and ones, (B, side^2).
            noise: uniform on [0, 1), (B, side / 2, side / 2).
            first: the first token to be drawn, in reading order; 7 * 14 keeps the upper half of
                a digit.

        Returns:
            (B, side^2), zeros and ones.

        Raises:
            ValueError: noise of another shape, or no such token; or as `to_tokens`.
        """
        half = self.side // 2
        cure = "a number for each token of each image"
        checks.event("noise", noise, (half, half), cure)
        checks.same_shape(cure, images=x[:, 0], noise=noise[:, 0, 0])
        if not 0 <= first <= half * half:
            raise ValueError(f"first is {first}; tokens go from 0 to {half * half - 1}")
        tokens = to_tokens(x, self.side)
        for i in range(first, half * half):
            row, column = divmod(i, half)
            log_probs = self.token_log_probs(from_tokens(tokens).to(x.dtype))[:, row, column]
            below = log_probs.exp().cumsum(-1)[:, :-1]
            tokens[:, row, column] = (noise[:, row, column, None] >= below).sum(-1)
        return from_tokens(tokens).to(x.dtype)
