"""The flows that `flows.py` compares: this book's, and others' of about the same size.

Each function returns a module and its log-density, a function of a batch, in nats. Vectors are of
the plane, or of 784 numbers in (0, 1).
"""

from collections.abc import Callable

import normflows
import torch
import zuko
from torch import Tensor, nn

from dgm_core.data import mnist
from dgm_core.flows import CoarseToFine, Logit, affine_image_flow, coupling_flow, spline_flow

Contestant = tuple[nn.Module, Callable[[Tensor], Tensor]]
ALPHA = 1e-5  # of the logit that smooth flows put before pixels; the same for all of them


# Of the plane


def our_couplings(x: Tensor) -> Contestant:
    """Return affine couplings of this book, which look at data `x` first."""
    model = coupling_flow(2, layers=8, hidden=32)
    model.bijection.initialize(x)
    return model, model.log_prob


def our_splines(x: Tensor) -> Contestant:
    """Return autoregressive splines of this book, which look at data `x` first."""
    model = spline_flow(2, layers=2, hidden=(64, 64), pieces=12, bound=4.0)
    model.bijection.initialize(x)
    return model, model.log_prob


def normflows_couplings(x: Tensor) -> Contestant:
    """Return the same architecture by normflows, as in its own introduction.

    But for the scales: those of its introduction, exponentials without a bound, now and then
    overflow at a point far out, and the training ends in NaN; these are sigmoids.
    """
    layers = []
    for _ in range(8):
        net = normflows.nets.MLP([1, 32, 32, 2], init_zeros=True)
        layers += [normflows.flows.AffineCouplingBlock(net, scale_map="sigmoid")]
        layers += [normflows.flows.Permute(2, "swap"), normflows.flows.ActNorm(2)]
    model = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(2), layers)
    with torch.no_grad():
        model.log_prob(x)  # the first call sets the scales of ActNorm
    return model, model.log_prob


def zuko_couplings(x: Tensor) -> Contestant:
    """Return the same architecture by zuko."""
    model = zuko.flows.RealNVP(2, transforms=8, hidden_features=(32, 32))
    return model, lambda x: model().log_prob(x)


def zuko_splines(x: Tensor) -> Contestant:
    """Return autoregressive rational-quadratic splines by zuko, which it recommends."""
    model = zuko.flows.NSF(2, transforms=3, hidden_features=(48, 48))
    return model, lambda x: model().log_prob(x)


# Of digits


def our_affine(v: Tensor) -> Contestant:
    """Return the affine multi-scale flow of chapter 3.3c, which looks at data `v` first."""
    model = affine_image_flow(alpha=ALPHA)
    model.bijection.initialize(v)
    return model, model.log_prob


def our_coarse_to_fine(v: Tensor) -> Contestant:
    """Return the coarse-to-fine flow of chapter 3.3c, with its networks in bfloat16.

    The noise of `v` is thrown away again: the density is the same everywhere in a bin.
    """
    greys = torch.bincount(mnist("train")[0].flatten().long(), minlength=256)
    model = CoarseToFine(histogram=greys).to(memory_format=torch.channels_last)

    def log_prob(v):
        images = (256 * v).floor().to(torch.uint8).view(-1, 28, 28)
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.is_grad_enabled()):
            return model.log_mass(images) + 784 * torch.tensor(256.0).log()

    return model, log_prob


def normflows_glow(v: Tensor) -> Contestant:
    """Return a Glow by normflows, with two levels and four blocks a level, as in its example."""
    base, layers, merges = [], [], []
    for level, (channels, side) in enumerate([(8, 7), (2, 14)]):
        blocks = [normflows.flows.GlowBlock(2 ** (3 - level), 128) for _ in range(4)]
        layers.append([*blocks, normflows.flows.Squeeze()])
        merges += [normflows.flows.Merge()] if level else []
        base.append(normflows.distributions.DiagGaussian((channels, side, side)))
    logit = normflows.transforms.Logit(ALPHA)
    model = normflows.MultiscaleFlow(base, layers, merges, logit, class_cond=False)
    with torch.no_grad():
        model.log_prob(v.view(-1, 1, 28, 28), None)  # the first call sets the scales of ActNorm
    return model, lambda v: model.log_prob(v.view(-1, 1, 28, 28), None)


def zuko_maf(v: Tensor) -> Contestant:
    """Return a masked autoregressive flow by zuko, behind the same logit.

    Each pixel is brought to mean 0 and variance 1 on data `v`, as the others' first layers do.
    """
    model, logit = zuko.flows.MAF(784, transforms=3, hidden_features=(128,)), Logit(ALPHA)
    mean, std = (statistic(logit.inverse(v)[0], dim=0) for statistic in (torch.mean, torch.std))

    def log_prob(v):
        y, log_det = logit.inverse(v)
        return model().log_prob((y - mean) / std) + log_det - std.log().sum()

    return model, log_prob
