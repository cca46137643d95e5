"""Training a denoiser of digits: which log-SNRs it is asked, and an average of its weights."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from dgm_core import checks, training
from dgm_core.diffusion.clock import stratified
from dgm_core.diffusion.greys import GreyValues
from dgm_core.diffusion.matching import squared_errors


def training_log_snrs(uniform: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    r"""Turn uniform numbers into the log-SNRs of a batch: two shares, centred on equal parts.

    Every second one is that of a uniform time on the straight path, a logistic of scale 2; the
    others are of a time whose logit is normal, which spends more on the middle, where pictures
    take shape.

    Args:
        uniform: in (0, 1), (B,).

    Returns:
        (B,), in nats, between -20 and 20.

    References:
        Esser et al. (2024), Scaling Rectified Flow Transformers for High-Resolution Image
        Synthesis, section 3.1, for the second share.

    Example:
        >>> training_log_snrs(torch.tensor([0.5, 0.5, 0.9, 0.9]))
        tensor([0.0000, 0.0000, 4.3944, 2.5631])
    """
    wide, narrow = 2 * uniform.logit(eps=1e-6), 2 * torch.special.ndtri(uniform)
    odd = torch.arange(len(uniform), device=uniform.device) % 2 == 1
    return torch.where(odd, narrow, wide).clamp(-20, 20)


def train_denoiser(
    model: nn.Module,
    greys: GreyValues,
    images: UInt8[Tensor, " n h w"],
    labels: Int[Tensor, " n"] | None = None,
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    unlabelled: float = 0.1,
    seed: int = 0,
    half: bool | None = None,
    callback: Callable[[nn.Module], Mapping[str, float]] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool | None = None,
) -> tuple[nn.Module, training.History]:
    r"""Minimise the squared error of v at random log-SNRs.

    On the straight path this is flow matching: the squared error of the velocity is that of v
    over :math:`t^2 + (1 - t)^2`, which is between 1/2 and 1.

    Args:
        model: a `Denoiser`, and a module, changed in place, on the device of `images`.
        greys: the numbers of the grey values.
        images: grey values, uint8, (N, 28, 28).
        labels: classes, (N,), for a model that takes them; None for one that does not.
        epochs: passes over the images.
        batch_size: images in a step, of all processes together.
        learning_rate: the highest.
        unlabelled: share of the labels that are taken away, for guidance.
        seed: of the order of the images.
        half: whether the networks compute in bfloat16; None lets the device decide.
        callback: called after every epoch with the running average; what it returns goes to
            ``history.metrics``.
        checkpoint: file to save to and to go on from; see `training.fit`.
        checkpoint_every: steps between two savings.
        progress: whether to show a progress bar; see `training.fit`.

    Returns:
        The running average of the model, and the history, its losses summed over the pixels.

    Raises:
        ValueError: the batch cannot be shared evenly among the processes; labels for a model
            without classes, or not one an image.
        TypeError: images that are not uint8.

    References:
        Salimans and Ho (2022), Progressive Distillation for Fast Sampling of Diffusion Models;
        Ho and Salimans (2022), Classifier-Free Diffusion Guidance, algorithm 1.

    Example:
        >>> from dgm_core.diffusion.nets import DigitDenoiser
        >>> model = DigitDenoiser((8, 8), (0, 1, 0), condition=8)
        >>> images = torch.zeros(16, 28, 28, dtype=torch.uint8)
        >>> greys = GreyValues(torch.ones(256))
        >>> average, history = train_denoiser(model, greys, images, epochs=2, batch_size=8)
        >>> len(history.loss)
        4
    """

    if labels is not None:
        checks.same_shape("one label an image", labels=labels, one_an_image=images[:, 0, 0])
        if getattr(model, "labels", None) is None:
            raise ValueError(
                "labels came, and the model has no classes: make it with num_classes, or leave "
                "the labels out"
            )

    def prepare(index: Tensor) -> tuple[Tensor, ...]:
        x = greys.numbers(images[index])
        drawn = stratified(torch.rand_like(x[:, 0])), torch.randn_like(x)
        if labels is None:
            return x, training_log_snrs(drawn[0]), drawn[1]
        label = labels[index]
        none = torch.full_like(label, model.labels.table.num_embeddings - 1)
        given = torch.where(torch.rand_like(x[:, 0]) < unlabelled, none, label)
        return x, training_log_snrs(drawn[0]), drawn[1], given

    def loss(model: nn.Module, x: Tensor, log_snr: Tensor, noise: Tensor, *label: Tensor):
        return squared_errors(lambda z, at: model(z, at, *label), x, log_snr, noise).turn

    return training.fit_average(
        model,
        loss,
        torch.arange(len(images), device=images.device),
        prepare,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        half=half,
        callback=callback,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        progress=progress,
    )
