"""What a VAE is trained on: the ELBO, its two terms, and its relatives."""

from jaxtyping import Float
from torch import Tensor
from torch.distributions import kl_divergence

from dgm_core import checks
from dgm_core.objectives.weights import draws_of, log_mean_exp, log_weights
from dgm_core.vae import VAE


def distortion_and_rate(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    num_samples: int = 1,
    noise: Float[Tensor, " samples batch latent"] | None = None,
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    r"""The two terms of the negative ELBO: reconstruction and regularisation.

    Distortion is :math:`-E_q[\log p(x \mid z)]`, estimated. Rate is
    :math:`KL(q(z \mid x) \parallel p(z))`, in closed form where ``torch.distributions`` knows
    one, and estimated from the same samples where it does not.

    Args:
        vae: the model.
        x: (B, pixels).
        num_samples: draws of z for each example.
        noise: standard normal numbers that the draws are made of, (num_samples, B, D); drawn here
            if None. With it the function is pure, as a live figure has to be.

    Returns:
        Distortion (B,) and rate (B,), in nats.

    Raises:
        ValueError: `num_samples` is less than 1, or `noise` has another shape; or as
            `distributions.GreyBernoulli.log_prob`, for pixels out of range.

    References:
        Alemi et al. (2018), Fixing a Broken ELBO, eq. 3 and 4.

    Example:
        >>> from dgm_core.vae import mlp_vae
        >>> vae, x = mlp_vae(latent_dim=2), torch.zeros(5, 784)
        >>> distortion, rate = distortion_and_rate(vae, x)
        >>> distortion.shape, (rate >= 0).all().item()
        (torch.Size([5]), True)
    """
    q = vae.encoder(x)
    z = draws_of(q, num_samples, noise)  # (S, B, D)
    distortion = -vae.decoder(z).log_prob(x).mean(0)
    try:
        rate = kl_divergence(q, vae.prior)
    except NotImplementedError:
        rate = (q.log_prob(z) - vae.prior.log_prob(z)).mean(0)
    return distortion, rate


def elbo(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    num_samples: int = 1,
    beta: float | Float[Tensor, ""] = 1.0,
    noise: Float[Tensor, " samples batch latent"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Evidence lower bound :math:`E_q[\log p(x|z)] - \beta\, KL(q(z|x) \parallel p(z))`.

    An unbiased estimate; with beta = 1 its expectation is at most log p(x).

    Args:
        vae: the model.
        x: (B, pixels).
        num_samples: draws of z for each example.
        beta: weight of the KL; any value but 1 gives another objective, not the ELBO. A tensor
            that changes while a model is trained anneals the KL: see the second example.
        noise: standard normal numbers that the draws are made of, (num_samples, B, D); drawn here
            if None. With it the function is pure, as a live figure has to be.

    Returns:
        (B,), in nats, to maximise.

    Raises:
        ValueError: `num_samples` is less than 1, `noise` has another shape, or `beta` is more than
            one number; or as `distributions.GreyBernoulli.log_prob`, for pixels out of range.

    References:
        Kingma and Welling (2014), Auto-Encoding Variational Bayes, eq. 3; beta from
        Higgins et al. (2017), beta-VAE, eq. 4; annealed by Bowman et al. (2016), Generating
        Sentences from a Continuous Space, section 3.1.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> x = torch.ones(1, 1)
        >>> elbo(vae, x).detach()  # with the exact posterior the bound is tight
        tensor([-1.8237])
        >>> vae.decoder.marginal().log_prob(x).detach()
        tensor([-1.8237])

        The weight of the KL rises from 0 to 1 in 4 steps, and then stays there. Among the
        ``buffers`` of `fit`, it goes on from a checkpoint, too:

        >>> from dgm_core.training import fit
        >>> from dgm_core.vae import mlp_vae
        >>> vae, beta, seen = mlp_vae(2, 8, 9), torch.zeros(()), []
        >>> def loss(x):
        ...     seen.append(beta.item())
        ...     return -elbo(vae, x, beta=beta)
        >>> rise = lambda: beta.add_(1 / 4).clamp_(max=1)
        >>> options = {"after_step": rise, "buffers": [beta]}
        >>> _ = fit(loss, vae.parameters(), torch.zeros(6, 5, 9), **options)
        >>> seen
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if isinstance(beta, Tensor) and beta.ndim:
        raise ValueError(
            f"beta is {checks.sizes(beta.shape)}, but one number is expected: for others, weigh "
            "what distortion_and_rate returns"
        )
    distortion, rate = distortion_and_rate(vae, x, num_samples, noise)
    return -distortion - beta * rate


def free_bits(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    free: float,
    num_samples: int = 1,
    noise: Float[Tensor, " samples batch latent"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""ELBO in which each latent dimension has some nats for free, so that none need collapse.

    With the rate :math:`R_d = KL(q(z_d \mid x) \parallel p(z_d))` of a dimension, the mean of
    what is returned is :math:`-\bar D - \sum_d \max(\lambda, \bar R_d)`; a bar is the mean over
    the batch. A dimension below its allowance costs the allowance, and its rate has no gradient.

    Args:
        vae: the model; its encoder gives independent normals.
        x: (B, pixels).
        free: the allowance of a dimension, in nats, at least 0; with 0 this is the ELBO.
        num_samples: draws of z for each example.
        noise: standard normal numbers that the draws are made of, (num_samples, B, D); drawn here
            if None. With it the function is pure, as a live figure has to be.

    Returns:
        (B,), in nats, to maximise; at most the ELBO on average over the batch. It depends on the
        batch as a whole: not a bound for an example.

    Raises:
        ValueError: `free` is negative, or `noise` has another shape.

    References:
        Kingma et al. (2016), Improving Variational Inference with Inverse Autoregressive Flow.

    Example:
        >>> from dgm_core.vae import mlp_vae
        >>> vae, x, noise = mlp_vae(latent_dim=2), torch.zeros(5, 784), torch.randn(1, 5, 2)
        >>> torch.equal(free_bits(vae, x, 0.0, noise=noise), elbo(vae, x, noise=noise))
        True
        >>> apart = elbo(vae, x, beta=0.0, noise=noise) - free_bits(vae, x, 3.0, noise=noise)
        >>> apart.mean().item()  # this encoder knows nothing yet: only the allowances count
        6.0
    """
    if not free >= 0:
        raise ValueError(f"free is {free}; an allowance is at least 0 nats")
    q, prior = vae.encoder(x), vae.prior
    z = draws_of(q, num_samples, noise)  # (S, B, D)
    rates = kl_divergence(q.base_dist, prior.base_dist)  # (B, D)
    rates = rates.where(rates.mean(0) > free, rates.new_full((), free))
    return vae.decoder(z).log_prob(x).mean(0) - rates.sum(-1)


def iwae_bound(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    num_samples: int,
    noise: Float[Tensor, " samples batch latent"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Importance-weighted bound :math:`\log \frac1K \sum_k w_k`, tighter as K grows.

    Its expectation is at most log p(x), and with K = 1 it is the ELBO's.

    Args:
        vae: the model.
        x: (B, pixels).
        num_samples: K, draws of z for each example.
        noise: standard normal numbers that the draws are made of, (num_samples, B, D); drawn here
            if None. With it the function is pure, as a live figure has to be.

    Returns:
        (B,), in nats, to maximise.

    Raises:
        ValueError: `num_samples` is less than 1, or `noise` has another shape; or as
            `distributions.GreyBernoulli.log_prob`, for pixels out of range.

    References:
        Burda et al. (2016), Importance Weighted Autoencoders, eq. 8.

    Example:
        >>> from dgm_core.vae import mlp_vae
        >>> vae, x = mlp_vae(latent_dim=2), torch.zeros(5, 784)
        >>> iwae_bound(vae, x, num_samples=10).shape
        torch.Size([5])
    """
    return log_mean_exp(log_weights(vae, x, num_samples, noise))
