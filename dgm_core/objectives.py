"""What a model is trained on: free functions of model and data, one value per example, in nats."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from dgm_core import checks
from dgm_core.distributions import from_noise
from dgm_core.vae import VAE


def log_mean_exp(values: Float[Tensor, " samples *batch"]) -> Float[Tensor, " *batch"]:
    r"""Return :math:`\log \frac1S \sum_s e^{v_s}` over the leading axis, without overflow.

    Args:
        values: (S, ...), logarithms of what is averaged.

    Returns:
        (...).

    Raises:
        ValueError: nothing to average, or a single number.
    """
    checks.rows("values", values, "a mean needs something to average, on the leading axis")
    return values.logsumexp(0) - math.log(len(values))


def log_weights(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    num_samples: int,
    noise: Float[Tensor, " samples batch latent"] | None = None,
    proposal: Distribution | None = None,
) -> Float[Tensor, " samples batch"]:
    r"""Importance weights :math:`\log w = \log p(x, z) - \log q(z \mid x)`, z drawn from q.

    Args:
        vae: the model.
        x: (B, pixels).
        num_samples: draws of z for each example.
        noise: standard normal numbers that the draws are made of, (num_samples, B, D); drawn here
            if None. With it the function is pure, as a live figure has to be.
        proposal: from which to draw z, batch shape (B,), event shape (D,); what the encoder says
            if None.

    Returns:
        (num_samples, B), in nats; differentiable through z.

    Raises:
        ValueError: `num_samples` is less than 1, `noise` has another shape, or `proposal` is for
            another number of examples; or as `distributions.GreyBernoulli.log_prob`, for pixels
            out of range.

    References:
        Burda et al. (2016), Importance Weighted Autoencoders, eq. 8.

    Example:
        >>> from dgm_core.vae import linear_vae
        >>> vae = linear_vae(torch.tensor([[2.0]]), torch.zeros(1), torch.ones(1))
        >>> log_weights(vae, torch.ones(1, 1), num_samples=3).detach()  # exact: each is log p(x)
        tensor([[-1.8237],
                [-1.8237],
                [-1.8237]])
    """
    if proposal is not None and proposal.batch_shape != x.shape[:-1]:
        raise ValueError(
            f"the proposal is for {checks.sizes(proposal.batch_shape)} examples, and x has "
            f"{checks.sizes(x.shape[:-1])}: give it one distribution an example, in their order"
        )
    q = vae.encoder(x) if proposal is None else proposal
    z = _draws(q, num_samples, noise)  # (S, B, D)
    return vae.decoder(z).log_prob(x) + vae.prior.log_prob(z) - q.log_prob(z)


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
    z = _draws(q, num_samples, noise)  # (S, B, D)
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
    z = _draws(q, num_samples, noise)  # (S, B, D)
    rates = kl_divergence(q.base_dist, prior.base_dist)  # (B, D)
    rates = rates.where(rates.mean(0) > free, rates.new_full((), free))
    return vae.decoder(z).log_prob(x).mean(0) - rates.sum(-1)


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


def game_value(
    real_logits: Float[Tensor, " batch"], fake_logits: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    r"""Value of the minimax game, :math:`\log D(x) + \log(1 - D(G(z)))`, from logits.

    Its mean estimates V(D, G), at most -log 4 plus twice a Jensen-Shannon divergence; D raises it
    and G lowers it. Finite for every finite logit.

    Args:
        real_logits: of D for examples of the data, (B,).
        fake_logits: of D for generated examples, (B,).

    Returns:
        (B,), in nats, at most 0.

    Raises:
        ValueError: not as many logits of one kind as of the other.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, eq. 1.

    Example:
        >>> game_value(torch.zeros(1), torch.zeros(1))  # -log 4: D knows nothing
        tensor([-1.3863])
    """
    cure = "as many generated examples as real ones, one logit each"
    checks.same_shape(cure, real_logits=real_logits, fake_logits=fake_logits)
    return F.logsigmoid(real_logits) + F.logsigmoid(-fake_logits)


def discriminator_loss(
    real_logits: Float[Tensor, " batch"], fake_logits: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Minus the value of the game: what the discriminator minimises.

    Args:
        real_logits: of D for examples of the data, (B,).
        fake_logits: of D for generated examples, (B,).

    Returns:
        (B,), in nats, at least 0; log 4 where D knows nothing.

    Raises:
        ValueError: not as many logits of one kind as of the other.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, algorithm 1.

    Example:
        >>> undecided, sure = torch.zeros(1), torch.full((1,), 10.0)
        >>> discriminator_loss(undecided, undecided), discriminator_loss(sure, -sure)
        (tensor([1.3863]), tensor([9.0798e-05]))
    """
    return -game_value(real_logits, fake_logits)


def minimax_generator_loss(fake_logits: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    r"""What the generator minimises in the game, :math:`\log(1 - D(G(z)))`: it saturates.

    The derivative by the logit is -D, which vanishes where D is sure that the example is fake.

    Args:
        fake_logits: of D for generated examples, (B,).

    Returns:
        (B,), in nats, at most 0.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, eq. 1.

    Example:
        >>> logit = torch.tensor([-5.0], requires_grad=True)  # D is sure that it is fake
        >>> torch.autograd.grad(minimax_generator_loss(logit).sum(), logit)
        (tensor([-0.0067]),)
    """
    return F.logsigmoid(-fake_logits)


def nonsaturating_generator_loss(fake_logits: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    r"""What the generator minimises instead, :math:`-\log D(G(z))`: another objective.

    The derivative by the logit is -(1 - D), largest where D is sure that the example is fake.

    Args:
        fake_logits: of D for generated examples, (B,).

    Returns:
        (B,), in nats, at least 0.

    References:
        Goodfellow et al. (2014), Generative Adversarial Nets, section 3.

    Example:
        >>> logit = torch.tensor([-5.0], requires_grad=True)  # D is sure that it is fake
        >>> torch.autograd.grad(nonsaturating_generator_loss(logit).sum(), logit)
        (tensor([-0.9933]),)
    """
    return -F.logsigmoid(fake_logits)


def bits_per_dim(
    log_prob: Float[Tensor, " *batch"], num_dims: int, bins: int = 1
) -> Float[Tensor, " *batch"]:
    r"""Negative log-likelihood in bits a dimension, :math:`-\log_2 p(x) / D + \log_2` bins.

    Args:
        log_prob: log density of each example, in nats, (B,).
        num_dims: D, numbers in an example.
        bins: how many values of the data share an interval of length 1: 256 for pixels that
            `data.dequantize` made. The second term is the Jacobian of that scaling.

    Returns:
        (B,), in bits, to minimise.

    Raises:
        ValueError: `num_dims` or `bins` is less than 1.

    References:
        Theis et al. (2016), A note on the evaluation of generative models, section 3.1.

    Example:
        >>> bits_per_dim(torch.tensor([0.0]), num_dims=784, bins=256)  # all grey values alike
        tensor([8.])
    """
    checks.at_least(1, "the numbers in an example, and 256 bins for grey", D=num_dims, bins=bins)
    return -log_prob / (num_dims * math.log(2)) + math.log2(bins)


def _draws(q: Distribution, num_samples: int, noise: Tensor | None) -> Tensor:
    checks.at_least(1, "an expectation needs a draw", num_samples=num_samples)
    shape = (num_samples, *q.batch_shape, *q.event_shape)
    if noise is None:
        return q.rsample(shape[:1])
    if noise.shape != shape:
        raise ValueError(f"noise is {tuple(noise.shape)}; {num_samples} draws take {shape}")
    return from_noise(q, noise)
