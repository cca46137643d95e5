"""What a trained model has learned, in numbers that no training objective shows."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dgm_core import checks
from dgm_core.vae import VAE


@torch.no_grad()
def active_units(
    vae: VAE, x: Float[Tensor, " batch event"], threshold: float = 0.01
) -> tuple[Bool[Tensor, " latent"], Float[Tensor, " latent"]]:
    r"""Tell which latent dimensions carry information about x.

    A dimension is active when the variance over the data of its posterior mean,
    :math:`\mathrm{Var}_x(E_{q(z|x)}[z_d])`, is above the threshold; in a collapsed dimension the
    encoder answers the same for every image.

    Args:
        vae: the model.
        x: (B, pixels), at least two examples.
        threshold: the variance to exceed, in squared units of the prior's standard deviation.

    Returns:
        Whether each dimension is active, (D,), and the variances, (D,).

    Raises:
        ValueError: fewer than two examples, or examples that are no vectors.

    References:
        Burda et al. (2016), Importance Weighted Autoencoders, section 5.2.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> unused = torch.tensor([[2.0, 0.0]])  # the decoder looks at the first dimension alone
        >>> vae = linear_vae(unused, torch.zeros(1), torch.ones(1))
        >>> active_units(vae, torch.tensor([[-1.0], [1.0]]))[0]
        tensor([ True, False])
    """
    if len(x) < 2:
        raise ValueError("a variance over the data needs at least two examples")
    checks.event("x", x, x.shape[-1:], "images as vectors, by flatten(1)")
    variances = vae.encoder(x).mean.var(0)
    return variances > threshold, variances


@torch.no_grad()
def prior_gap(
    vae: VAE, x: Float[Tensor, " batch event"], chunk_size: int = 1000
) -> Float[Tensor, ""]:
    r"""Estimate how unevenly the codes of data fill the prior: :math:`KL(q(z) \parallel p(z))`.

    :math:`q(z) = \frac1B \sum_b q(z|x_b)` is what the encoder makes of the examples together. The
    ELBO of the data contains minus this gap, so that no decoder can make up for it: draws from the
    prior fall where there are no codes. One draw from each posterior; q(z) itself is summed up in
    full. A sample of the data leaves gaps of its own, so that the estimate grows as B shrinks:
    compare what was made of the same number of examples.

    Args:
        vae: a model whose posterior and prior are of `torch.distributions`.
        x: (B, pixels).
        chunk_size: draws that are compared with all posteriors at once; it bounds the memory.

    Returns:
        A scalar in nats; 0 where the posteriors add up to the prior.

    References:
        Hoffman and Johnson (2016), ELBO surgery, eq. 6.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> x = vae.decoder.marginal().sample((2000,))  # the model's own data
        >>> abs(prior_gap(vae, x).item()) < 0.1
        True
    """
    q = vae.encoder(x)
    z = q.sample()  # (B, D)
    log_q = [q.log_prob(part[:, None]).logsumexp(1) for part in z.split(chunk_size)]
    return (torch.cat(log_q) - math.log(len(x)) - vae.prior.log_prob(z)).mean()


def nearest_neighbours(
    queries: Tensor, images: Tensor, k: int = 1, chunk_size: int = 10_000
) -> Int[Tensor, " queries k"]:
    """Find the images that are nearest to each query by Euclidean distance between pixels.

    Args:
        queries: (Q, ...), any shape of image.
        images: (N, ...), the same shape, type and scale.
        k: neighbours to return, from 1 to N.
        chunk_size: images compared at once; it bounds the memory and changes nothing else.

    Returns:
        Indices into `images`, (Q, k), the nearest first.

    Raises:
        ValueError: the two differ in type or shape, hold NaN, or `k` or `chunk_size` is out of
            range.

    Example:
        >>> nearest_neighbours(torch.tensor([[0.0, 0.9, 0.2]]), torch.eye(3), k=2)
        tensor([[1, 2]])
    """
    if queries.dtype != images.dtype or queries.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"queries are {queries.dtype} {tuple(queries.shape[1:])} and images "
            f"{images.dtype} {tuple(images.shape[1:])}: bring them to one shape and scale"
        )
    if not 1 <= k <= len(images):
        raise ValueError(f"k is {k}; there are {len(images)} images")
    checks.at_least(1, "images compared at once", chunk_size=chunk_size)
    for name, value in (("queries", queries), ("images", images)):
        checks.finite(name, value, "nothing is near to what is no number")
    queries = queries.flatten(1).float()
    distances, indices = [], []
    for first in range(0, len(images), chunk_size):
        part = images[first : first + chunk_size].flatten(1).float()
        distance = part.square().sum(1) - 2 * queries @ part.T  # squared, less the query's norm
        nearest = distance.topk(min(k, len(part)), largest=False)
        distances.append(nearest.values)
        indices.append(nearest.indices + first)
    order = torch.cat(distances, 1).topk(k, largest=False).indices
    return torch.cat(indices, 1).gather(1, order)


@torch.no_grad()
def frechet_distance(
    features_a: Float[Tensor, " a features"], features_b: Float[Tensor, " b features"]
) -> Float[Tensor, ""]:
    r"""Squared Frechet distance of two normals with the means and covariances of two samples.

    :math:`|m_a - m_b|^2 + \mathrm{tr}(S_a + S_b - 2 (S_a S_b)^{1/2})`. With
    :math:`S = R^\top R` from a QR decomposition of the centred sample, the trace of the root is
    the sum of the singular values of :math:`R_a R_b^\top`: no root of a matrix is taken, and so a
    covariance of any rank will do. Computed in float64 on the CPU. Too large on average, the more
    so the fewer the examples: compare samples of one size.

    Args:
        features_a: (A, features), at least two examples.
        features_b: (B, features), at least two examples.

    Returns:
        A scalar in float64, in squared units of the features; 0 for equal samples.

    Raises:
        ValueError: fewer than two examples; features that differ in number or are not finite.

    References:
        Dowson and Landau (1982), The Frechet distance between multivariate normal distributions;
        Heusel et al. (2017), GANs Trained by a Two Time-Scale Update Rule.

    Example:
        >>> features = torch.randn(100, 2)
        >>> round(frechet_distance(features, features + 1).item(), 4)
        2.0
    """
    if min(len(features_a), len(features_b)) < 2:
        raise ValueError("a covariance needs at least two examples")
    for name, features in (("features_a", features_a), ("features_b", features_b)):
        checks.event(name, features, features_a.shape[-1:], "one row an example, by one network")
        checks.finite(name, features, "look for what made it so, in the images or the network")
    a, b = features_a.cpu().double(), features_b.cpu().double()
    roots = [torch.linalg.qr((x - x.mean(0)) / (len(x) - 1) ** 0.5, mode="r").R for x in (a, b)]
    overlap = torch.linalg.svdvals(roots[0] @ roots[1].T).sum()
    traces = roots[0].square().sum() + roots[1].square().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + (traces - 2 * overlap).clamp(min=0)


@torch.no_grad()
def precision_and_recall(
    real: Float[Tensor, " a features"], fake: Float[Tensor, " b features"], k: int = 3
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Estimate which share of the fakes lies among the data, and of the data among the fakes.

    Around each example is a ball that reaches to its k-th nearest neighbour of its own kind. A
    fake lies among the data if it is in the ball of one of them; and the other way round. Lost
    variety lowers the recall, bad examples lower the precision. An outlier has a large ball, so
    that both are too kind to what lies near one; and both depend on the number of examples.

    Args:
        real: features of data, (A, features), more than k.
        fake: features of generated examples, (B, features), more than k.
        k: neighbours that a ball has to reach.

    Returns:
        Precision and recall, scalars from 0 to 1.

    Raises:
        ValueError: no more than k examples; features that differ in number or are not finite.

    References:
        Kynkaanniemi et al. (2019), Improved Precision and Recall Metric for Assessing Generative
        Models, eq. 1 and 2.

    Example:
        >>> real = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
        >>> fake = torch.tensor([[0.5], [1.5], [1.0], [5.0]])  # one heap lost, one stray
        >>> precision_and_recall(real, fake, k=1)
        (tensor(0.7500), tensor(0.5000))
    """
    checks.at_least(1, "a ball reaches to a neighbour", k=k)
    shares = []
    for name, value in (("real", real), ("fake", fake)):
        checks.event(name, value, real.shape[-1:], "one row an example, by one network")
        checks.at_least(k + 1, f"each needs {k} others", **{f"examples__{name}": len(value)})
        checks.finite(name, value, "look for what made it so, in the images or the network")
    for balls, asked in ((real, fake), (fake, real)):
        reach = torch.cdist(balls, balls).kthvalue(k + 1).values  # itself is the first
        shares.append((torch.cdist(asked, balls) <= reach).any(1).float().mean())
    return shares[0], shares[1]


def class_shares(labels: Int[Tensor, " n"], num_classes: int = 10) -> Float[Tensor, " classes"]:
    """Return the share of each class among the labels; a class that is missed has 0.

    Args:
        labels: (N,), from 0 to `num_classes` - 1, at least one.
        num_classes: how many classes there are.

    Returns:
        (num_classes,), which sums to 1.

    Raises:
        ValueError: there is no label, or there are several an example.

    Example:
        >>> class_shares(torch.tensor([0, 0, 0, 2]), num_classes=3)
        tensor([0.7500, 0.0000, 0.2500])
    """
    if len(labels) == 0:
        raise ValueError("shares need at least one label")
    checks.event("labels", labels, (), "one label an example")
    return torch.nn.functional.one_hot(labels, num_classes).float().mean(0)
