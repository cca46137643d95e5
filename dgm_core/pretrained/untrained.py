"""The models that ship, before their training: what each is made of, with random weights."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from dgm_core.autoregressive import PixelCNN
from dgm_core.diffusion import DigitDenoiser
from dgm_core.distributions import BernoulliPixels, DiagonalNormal
from dgm_core.flows import CoarseToFine, LevelSize
from dgm_core.nets import GaussianHead, mlp
from dgm_core.vae import VAE

#: Levels of the flow of digits, from coarse to fine.
DIGIT_FLOW_LEVELS = (
    LevelSize(16),
    LevelSize(32, (1, 0, 0)),
    LevelSize(64, (1, 1, 0)),
    LevelSize(96, (1, 1, 1)),
    LevelSize(96, (2, 2, 1)),
)
#: Units of the hidden layers of the map's VAE.
DIGIT_MAP_ENCODER, DIGIT_MAP_DECODER = (400, 200), (160, 160, 160)


def untrained_digit_flow(
    histogram: Float[Tensor, " bins"] | Int[Tensor, " bins"] | None = None, dropout: float = 0.0
) -> CoarseToFine:
    """Return a flow of the same size with random weights, which is where its training began.

    Args:
        histogram: how often each grey value occurs in the training images, (256,); see
            `CoarseToFine`.
        dropout: share of the channels that are set to 0 in training.
    """
    return CoarseToFine(levels=DIGIT_FLOW_LEVELS, histogram=histogram, dropout=dropout)


def untrained_digit_pixelcnn(dropout: float = 0.0) -> PixelCNN:
    """Return a PixelCNN of the shipped one's size with random weights.

    Args:
        dropout: share of the hidden channels that are set to 0 in training.
    """
    return PixelCNN(width=96, hidden=48, blocks=8, dropout=dropout)


def untrained_digit_denoiser(dropout: float = 0.0) -> DigitDenoiser:
    """Return a denoiser of the shipped one's size with random weights.

    Args:
        dropout: share of the channels that are set to 0 in training.
    """
    return DigitDenoiser(widths=(32, 64), blocks=(2, 2, 2), condition=128, dropout=dropout)


def untrained_digit_map() -> VAE:
    """Return a VAE of the size of the one that draws the map, with random weights."""
    return VAE(
        encoder=DiagonalNormal(GaussianHead(784, DIGIT_MAP_ENCODER, 2)),
        decoder=BernoulliPixels(mlp([2, *DIGIT_MAP_DECODER, 784], activation=nn.SiLU)),
        latent_dim=2,
    )
