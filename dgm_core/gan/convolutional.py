"""A generator and a discriminator of convolutions, small enough to learn digits in seconds."""

from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.gan.noise import FromNoise
from dgm_core.nets import full_precision

_STRIDE = {"kernel_size": 4, "stride": 2, "padding": 1}  # halves or doubles a side


class ConvGenerator(FromNoise):
    """A network from z ~ N(0, I) to images of 28 x 28 pixels in [-1, 1], by convolutions.

    A linear layer makes a stack of 7 x 7 pictures of z; two transposed convolutions double their
    sides, once each. Batch normalisation and leaky ReLU stand between, a tanh at the end. In
    training mode an image depends on its companions in the batch; call ``eval()`` before sampling.

    Attributes:
        net: the layers.
        latent_dim: number of dimensions of z.

    References:
        Radford et al. (2016), Unsupervised Representation Learning with DCGANs, section 3.

    Example:
        >>> generator = ConvGenerator(latent_dim=32).eval()
        >>> generator(torch.zeros(5, 32)).shape, generator.sample((2, 3)).shape
        (torch.Size([5, 784]), torch.Size([2, 3, 784]))
    """

    def __init__(self, latent_dim: int = 32, channels: tuple[int, int] = (32, 16)):
        """Build the network; the defaults are the book's.

        Args:
            latent_dim: number of dimensions of z.
            channels: pictures of 7 x 7 and of 14 x 14 pixels.
        """
        super().__init__(latent_dim)
        small, large = channels
        self.net = nn.Sequential(
            nn.Linear(latent_dim, small * 7 * 7, bias=False),  # the normalisation has its own
            nn.Unflatten(1, (small, 7, 7)),
            nn.BatchNorm2d(small),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(small, large, **_STRIDE, bias=False),  # (B, large, 14, 14)
            nn.BatchNorm2d(large),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(large, 1, **_STRIDE),  # (B, 1, 28, 28)
            nn.Tanh(),
            nn.Flatten(),
        )

    def forward(self, z: Float[Tensor, " batch latent"]) -> Float[Tensor, " batch event"]:
        """Return one image for each z, as a vector, (B, 784).

        Raises:
            ValueError: z is of another latent space.
        """
        checks.event("z", z, (self.latent_dim,), "draw it from the generator's prior")
        return full_precision(self.net(z))


class ConvDiscriminator(nn.Module):
    """A network that tells images of data from generated ones, by convolutions; sigmoid: D(x).

    Two convolutions halve the sides, once each; two linear layers look at the whole of what is
    left; leaky ReLU stands between all. No normalisation: no image depends on its companions.

    Attributes:
        net: the layers.

    References:
        Radford et al. (2016), Unsupervised Representation Learning with DCGANs, section 3; Chen et
        al. (2016), InfoGAN, appendix C.1, for the two linear layers.

    Example:
        >>> ConvDiscriminator()(torch.zeros(5, 784)).shape
        torch.Size([5])
    """

    def __init__(self, channels: tuple[int, int] = (16, 32), hidden: int = 128):
        """Build the network; the defaults are the book's.

        Args:
            channels: pictures of 14 x 14 and of 7 x 7 pixels.
            hidden: units between the two linear layers.
        """
        super().__init__()
        large, small = channels
        self.net = nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, large, **_STRIDE),  # (B, large, 14, 14)
            nn.LeakyReLU(0.2),
            nn.Conv2d(large, small, **_STRIDE),  # (B, small, 7, 7)
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(small * 7 * 7, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, 1),
        )

    def forward(self, x: Float[Tensor, " batch event"]) -> Float[Tensor, " batch"]:
        """Return the logit of D(x) for each image, (B,); above 0 means data.

        Raises:
            ValueError: x is no batch of vectors of 784 pixels.
        """
        checks.event("x", x, (784,), "images as vectors, by flatten(1), in [-1, 1]")
        return full_precision(self.net(x).squeeze(1))
