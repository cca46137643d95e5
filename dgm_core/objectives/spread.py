"""An objective that spreads the codes of a VAE over its prior."""

import torch
from jaxtyping import Float
from torch import Tensor

from dgm_core.vae import VAE


def spread_elbo(
    vae: VAE, x: Float[Tensor, " batch event"], num_examples: int, weight: float
) -> Float[Tensor, " batch"]:
    r"""ELBO in which the gap between the codes of all data and the prior weighs more than once.

    The ELBO of data contains :math:`-KL(q(z) \parallel p(z))`, where q(z) is the mean of the
    posteriors of all examples. Weighed more, codes fill the prior more evenly, at the cost of a
    lower ELBO. Estimated with one draw, of which q(z) is estimated, too: the draw's own example is
    one of `num_examples`, the others of the batch stand for all others. The logarithm of that is
    too small, the less so the larger the batch. With weight 1 it drops out: what is left is the
    usual estimate of the ELBO.

    Args:
        vae: a model whose posterior and prior are of `torch.distributions`.
        x: (B, pixels), at least two examples.
        num_examples: of the data from which the batch was drawn, at least B.
        weight: of the gap; any value but 1 gives another objective, not the ELBO.

    Returns:
        (B,), in nats, to maximise.

    Raises:
        ValueError: fewer than two examples, or fewer in the data than in the batch.

    References:
        Hoffman and Johnson (2016), ELBO surgery, eq. 6, for the terms; Chen et al. (2018),
        Isolating Sources of Disentanglement in VAEs, appendix C, for the estimate; Zhao et al.
        (2019), InfoVAE, eq. 6, for the weight.

    Example:
        >>> from dgm_core.vae import mlp_vae
        >>> vae, x = mlp_vae(latent_dim=2), torch.zeros(5, 784)
        >>> spread_elbo(vae, x, num_examples=100, weight=4.0).shape
        torch.Size([5])
    """
    if not 2 <= len(x) <= num_examples:
        raise ValueError(f"{len(x)} of {num_examples} examples: a batch has at least 2 of them")
    q = vae.encoder(x)
    z = q.rsample()  # (B, D)
    pairs = q.log_prob(z[:, None])  # (B, B): each draw under each posterior
    own, prior = pairs.diagonal(), vae.prior.log_prob(z)
    shares = torch.full_like(pairs, (num_examples - 1) / num_examples / (len(x) - 1))
    shares = shares.fill_diagonal_(1 / num_examples)
    aggregate = (pairs + shares.log()).logsumexp(1)
    return vae.decoder(z).log_prob(x) + prior - own - (weight - 1) * (aggregate - prior)
