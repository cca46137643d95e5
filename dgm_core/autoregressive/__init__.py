"""Autoregressive models of images: exact probabilities by masks, one draw after another."""

from dgm_core.autoregressive.grey import GreyPixelCNN
from dgm_core.autoregressive.made import MADE
from dgm_core.autoregressive.masks import MaskedConv2d, masked_stack
from dgm_core.autoregressive.pixelcnn import PixelCNN
from dgm_core.autoregressive.tokens import from_tokens, to_tokens
from dgm_core.autoregressive.training import log_probs, train_pixelcnn

__all__ = [
    "MADE",
    "GreyPixelCNN",
    "MaskedConv2d",
    "PixelCNN",
    "from_tokens",
    "log_probs",
    "masked_stack",
    "to_tokens",
    "train_pixelcnn",
]
