"""Models that ship with the package, trained; the makers beside this module made them."""

from pathlib import Path

import torch

from dgm_core.autoregressive import PixelCNN
from dgm_core.classifier import DigitClassifier
from dgm_core.device import default_device
from dgm_core.diffusion import DigitDenoiser, GreyValues
from dgm_core.flows import CoarseToFine
from dgm_core.pretrained.files import read_log, read_state
from dgm_core.pretrained.untrained import (
    untrained_digit_denoiser,
    untrained_digit_flow,
    untrained_digit_map,
    untrained_digit_pixelcnn,
)
from dgm_core.vae import VAE

#: Weights of the flow of digits; beside them lie the log of their training, and its picture.
DIGIT_FLOW = Path(__file__).parent / "weights/mnist-flow.pt"

#: Where the weights of a narrower flow lay, which was shipped before; its log is still here.
DIGIT_NARROW_FLOW = Path(__file__).parent / "weights/mnist-flow-narrow.pt"

#: Weights of the classifier that judges generated digits, and beside them the log.
DIGIT_JUDGE = Path(__file__).parent / "weights/mnist-judge.pt"

#: Weights of the PixelCNN of binary digits, and beside them log and picture.
DIGIT_PIXELCNN = Path(__file__).parent / "weights/mnist-pixelcnn.pt"

#: Weights of the denoiser of grey digits, and beside them log and picture.
DIGIT_DENOISER = Path(__file__).parent / "weights/mnist-denoiser.pt"

#: Weights of the VAE that lays digits out on a plane, and beside them the log.
DIGIT_MAP = Path(__file__).parent / "weights/mnist-map.pt"

_CURE = (
    "Reinstall dgm_core, or in a clone: git checkout -- dgm_core/pretrained/weights; "
    "or make it anew, in "
)
_CURE_FLOW = f"{_CURE}an hour or two: python -m dgm_core.pretrained flow"
_CURE_JUDGE = f"{_CURE}a minute: python -m dgm_core.pretrained judge"
_CURE_MAP = f"{_CURE}some minutes: python -m dgm_core.pretrained map"
_CURE_PIXELCNN = f"{_CURE}an hour: python -m dgm_core.pretrained pixelcnn"
_CURE_DENOISER = f"{_CURE}an hour: python -m dgm_core.pretrained denoiser"


def digit_flow(device: torch.device | str = "cpu") -> CoarseToFine:
    """Return the trained flow of 28 x 28 digits, in evaluation mode and without gradients.

    Args:
        device: where it is put.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.

    Example:
        >>> from dgm_core.data import mnist
        >>> from dgm_core.objectives import bits_per_dim
        >>> with torch.no_grad():
        ...     log_mass = digit_flow().log_mass(mnist("test")[0][:1])
        >>> 0 < bits_per_dim(log_mass, num_dims=784).item() < 8  # 8 bits: all grey values alike
        True
    """
    model = untrained_digit_flow()
    model.load_state_dict(read_state(DIGIT_FLOW, _CURE_FLOW))
    return model.to(device).eval().requires_grad_(False)


def digit_flow_log(*, narrow: bool = False) -> dict:
    """Return what was written down when the flow was trained: settings, time, curve and test.

    Args:
        narrow: of the narrower flow, the one shipped before.

    Raises:
        DataError: the file is missing or damaged.

    Example:
        >>> logs = digit_flow_log(narrow=True), digit_flow_log()
        >>> [round(log["test"]["bits per dimension"], 2) for log in logs]
        [0.97, 0.92]
    """
    return read_log(DIGIT_NARROW_FLOW if narrow else DIGIT_FLOW, _CURE_FLOW)


def digit_judge(device: torch.device | str | None = None) -> DigitClassifier:
    """Return the trained classifier of digits, in evaluation mode and without gradients.

    Args:
        device: where it is put; None puts it on the default device.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.

    Example:
        >>> from dgm_core.data import mnist
        >>> images, labels = mnist("test")
        >>> digit_judge("cpu").classify(images[:5].flatten(1) / 255), labels[:5]
        (tensor([7, 2, 1, 0, 4]), tensor([7, 2, 1, 0, 4]))
    """
    model = DigitClassifier()
    model.load_state_dict(read_state(DIGIT_JUDGE, _CURE_JUDGE))
    device = default_device() if device is None else device
    return model.to(device).eval().requires_grad_(False)


def digit_judge_log() -> dict:
    """Return what was written down when the classifier was trained: settings and test.

    Raises:
        DataError: the file is missing or damaged.
    """
    return read_log(DIGIT_JUDGE, _CURE_JUDGE)


def digit_pixelcnn(device: torch.device | str = "cpu") -> PixelCNN:
    """Return the trained PixelCNN of binary digits, in evaluation mode and without gradients.

    Args:
        device: where it is put.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.

    Example:
        >>> from dgm_core.data import mnist
        >>> from dgm_core.objectives import bits_per_dim
        >>> digit = mnist("test")[0][:1].flatten(1).gt(127).float()
        >>> with torch.no_grad():
        ...     log_prob = digit_pixelcnn().log_prob(digit)
        >>> 0 < bits_per_dim(log_prob, num_dims=784).item() < 0.3  # 1 bit: a coin for each pixel
        True
    """
    model = untrained_digit_pixelcnn()
    model.load_state_dict(read_state(DIGIT_PIXELCNN, _CURE_PIXELCNN))
    return model.to(device).eval().requires_grad_(False)


def digit_pixelcnn_log() -> dict:
    """Return what was written down when the PixelCNN was trained: settings, time, curve and test.

    Raises:
        DataError: the file is missing or damaged.

    Example:
        >>> test = digit_pixelcnn_log()["test"]
        >>> test["digits"], 70 < test["nats"] < 85  # nats a digit, binary
        (10000, True)
    """
    return read_log(DIGIT_PIXELCNN, _CURE_PIXELCNN)


def digit_denoiser(device: torch.device | str = "cpu") -> tuple[DigitDenoiser, GreyValues]:
    """Return the trained denoiser of grey digits, and the numbers that it takes greys for.

    Args:
        device: where both are put, in evaluation mode and without gradients.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.

    Example:
        >>> model, greys = digit_denoiser()
        >>> z, log_snr = torch.zeros(3, 784), torch.full((3,), -2.0)
        >>> model(z, log_snr).data.shape  # its guess of the digits
        torch.Size([3, 784])
    """
    model = untrained_digit_denoiser()
    model.load_state_dict(read_state(DIGIT_DENOISER, _CURE_DENOISER))
    greys = GreyValues(torch.tensor(digit_denoiser_log()["histogram"]))
    return model.to(device).eval().requires_grad_(False), greys.to(device)


def digit_denoiser_log() -> dict:
    """Return what was written down when the denoiser was trained: settings, time, curve and test.

    Raises:
        DataError: the file is missing or damaged.

    Example:
        >>> test = digit_denoiser_log()["test"]
        >>> test["digits"], test["Frechet distance of real digits"] < test["Frechet distance"]
        (10000, True)
    """
    return read_log(DIGIT_DENOISER, _CURE_DENOISER)


def digit_map(device: torch.device | str = "cpu") -> VAE:
    """Return the trained VAE with two latents, in evaluation mode and without gradients.

    Args:
        device: where it is put.

    Raises:
        DataError: the file of the weights, or its log, is missing or damaged.

    Example:
        >>> from dgm_core.data import mnist
        >>> digit_map().encoder(mnist("test")[0][:5].flatten(1) / 255).mean.shape
        torch.Size([5, 2])
    """
    model = untrained_digit_map()
    model.load_state_dict(read_state(DIGIT_MAP, _CURE_MAP))
    return model.to(device).eval().requires_grad_(False)


def digit_map_log() -> dict:
    """Return what was written down when the map's VAE was trained: settings, time and tests.

    Raises:
        DataError: the file is missing or damaged.

    Example:
        >>> digit_map_log()["digits"], digit_map_log()["validation"]["digits"]
        (50000, 10000)
    """
    return read_log(DIGIT_MAP, _CURE_MAP)
