"""A classifier of digits, trained in seconds: the eye that looks at generated ones."""

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.data import batches
from dgm_core.training import fit, random_state_kept


class DigitClassifier(nn.Module):
    """A small convolutional network from images in [0, 1] to ten logits.

    Attributes:
        trunk: from images to features; two convolutions of stride 2, then one linear layer.
        head: from features to logits.
        num_features: numbers in a feature vector.

    References:
        LeCun et al. (1998), Gradient-Based Learning Applied to Document Recognition.
    """

    def __init__(self, num_features: int = 64):
        """Build the untrained network; see `digit_classifier` for a trained one."""
        super().__init__()
        self.num_features = num_features
        self.trunk = nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 16, 5, stride=2, padding=2),  # (B, 16, 14, 14)
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, stride=2, padding=2),  # (B, 32, 7, 7)
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, num_features),
            nn.ReLU(),
        )
        self.head = nn.Linear(num_features, 10)

    def forward(self, x: Float[Tensor, " batch pixels"]) -> Float[Tensor, " batch 10"]:
        """Return the logits of the ten classes, (B, 10), for images in [0, 1], (B, 784).

        Raises:
            ValueError: another shape, or values out of range.
        """
        _check_images(x)
        return self.head(self.trunk(x))

    @torch.no_grad()
    def features(
        self, x: Float[Tensor, " batch pixels"], chunk_size: int = 2000
    ) -> Float[Tensor, " batch features"]:
        """Return the last hidden layer, in which images are compared; without gradient.

        Args:
            x: images in [0, 1], (B, 784).
            chunk_size: images at once; it bounds the memory.

        Returns:
            (B, num_features).

        Raises:
            ValueError: another shape, values out of range, or a `chunk_size` below 1.
        """
        _check_images(x)
        checks.at_least(1, "images at once", chunk_size=chunk_size)
        return torch.cat([self.trunk(part) for part in x.split(chunk_size)])

    def classify(
        self, x: Float[Tensor, " batch pixels"], chunk_size: int = 2000
    ) -> Int[Tensor, " batch"]:
        """Return the most probable class of each image, (B,).

        Args:
            x: images in [0, 1], (B, 784).
            chunk_size: images at once; it bounds the memory.

        Raises:
            ValueError: another shape, or values out of range.
        """
        return self.head(self.features(x, chunk_size)).argmax(1)


def digit_classifier(
    images: UInt8[Tensor, " n 28 28"],
    labels: Int[Tensor, " n"],
    *,
    epochs: int = 2,
    seed: int = 0,
    progress: bool | None = None,
) -> DigitClassifier:
    """Train a classifier; the same one from the same data and seed on the same machine.

    Args:
        images: uint8, (N, 28, 28); the classifier is trained on their device.
        labels: int64, (N,).
        epochs: passes over the data.
        seed: of the weights and of the order; torch's default generators are left as they were.
        progress: as for `training.fit`.

    Returns:
        The classifier, in evaluation mode.

    Raises:
        TypeError: images that are not uint8.
        ValueError: not as many labels as images, or fewer than a batch.
    """
    cure = "give grey values from 0 to 255, as data.mnist returns them"
    checks.kind("images", images, torch.uint8, cure)
    checks.event("images", images, (28, 28), cure)
    checks.same_shape("one label an image", labels=labels, one_an_image=images[:, 0, 0])
    pixels = images.flatten(1)
    with random_state_kept(images.device):
        torch.manual_seed(seed)
        classifier = DigitClassifier().to(images.device)

        def loss(index: Tensor) -> Tensor:
            logits = classifier(pixels[index] / 255)
            return nn.functional.cross_entropy(logits, labels[index], reduction="none")

        order = batches(
            torch.arange(len(images), device=images.device), 128, epochs=epochs, seed=seed
        )
        fit(
            loss,
            classifier.parameters(),
            order,
            learning_rate=3e-3,
            warmup_steps=20,
            progress=progress,
        )
    return classifier.eval()


def _check_images(x: Tensor) -> None:
    checks.event("x", x, (28 * 28,), "images as vectors, by flatten(1)")
    cure = "divide grey values by 255, and bring [-1, 1] to [0, 1] by (x + 1) / 2"
    checks.within("x", x, 0, 1, cure)
