"""Proposals refitted to a frozen decoder, so that an estimated likelihood is about the model.

An encoder that was trained with another objective than the ELBO, or too briefly, or on other
digits, makes a good decoder look bad. A proposal may be fitted to the very digits that are
evaluated: p(x) doesn't contain it, and with *any* proposal the estimate is at most log p(x) on
average. A better fit shows more of the likelihood; it can't add to it. Only the draws that are
weighed must be fresh, and they are.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Independent, Normal

from dgm_core import checks
from dgm_core.data import batches
from dgm_core.objectives import iwae_bound, log_mean_exp, log_weights
from dgm_core.training import fit
from dgm_core.vae import VAE


def refit_encoder(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    epochs: int = 10,
    *,
    batch_size: int = 128,
    num_samples: int = 1,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> VAE:
    """Train a copy of the encoder on some examples, the decoder frozen, and nothing to weigh.

    Args:
        vae: the model; it stays as it is.
        x: (N, pixels), the examples that will be evaluated.
        epochs: passes over them.
        batch_size: examples in a step; all of them where there are fewer.
        num_samples: K of the bound that is climbed, `objectives.iwae_bound`. With 1 it is the
            ELBO, whose best q is too narrow; with more, q covers the posterior better.
        learning_rate: the highest.
        seed: of the order of the examples.

    Returns:
        A VAE with the new encoder and the old decoder, for `importance_log_likelihood`.

    Raises:
        ValueError: the encoder has no parameters but the decoder's.

    References:
        Cremer et al. (2018), Inference Suboptimality in Variational Autoencoders.

    Example:
        >>> from dgm_core.vae import mlp_vae
        >>> vae = mlp_vae(latent_dim=2, hidden=8, num_pixels=9)
        >>> tuned = refit_encoder(vae, torch.rand(50, 9).round(), epochs=2)
        >>> tuned.decoder is vae.decoder, tuned.encoder is vae.encoder
        (True, False)
    """
    tuned = copy.deepcopy(vae)
    tuned.decoder.requires_grad_(False)
    weights = [weight for weight in tuned.encoder.parameters() if weight.requires_grad]
    if not weights:
        raise ValueError("the encoder has nothing of its own to train: refit a proposal instead")
    plan = batches(x, min(batch_size, len(x)), epochs, seed=seed)
    options = {"learning_rate": learning_rate, "warmup_steps": len(plan) // 20, "progress": False}
    fit(lambda part: -iwae_bound(tuned, part, num_samples), weights, plan, **options)
    tuned.decoder = vae.decoder
    return tuned


def refit_proposal(
    vae: VAE,
    x: Float[Tensor, " batch event"],
    steps: int = 300,
    *,
    num_samples: int = 8,
    learning_rate: float = 0.02,
    chunk_size: int = 4000,
) -> Independent:
    """Fit a diagonal normal to the posterior of every example by itself, the decoder frozen.

    The means and widths begin at the encoder's and are free then: what is left of the gap isn't
    the encoder's fault any more, but that of the diagonal normal.

    Args:
        vae: the model; it stays as it is.
        x: (B, pixels), the examples that will be evaluated.
        steps: of Adam, for each example.
        num_samples: K of the bound that is climbed, `objectives.iwae_bound`. With 1 it is the
            ELBO, whose best q is too narrow; with more, q covers the posterior better.
        learning_rate: the highest.
        chunk_size: rows (draws times examples) that the decoder sees at once; it bounds the
            memory.

    Returns:
        A distribution with batch shape (B,) and event shape (D,), in the order of `x`, for the
        argument `proposal` of `importance_log_likelihood`.

    Raises:
        ValueError: no example, or a number out of range.

    References:
        Cremer et al. (2018), Inference Suboptimality in Variational Autoencoders.

    Example:
        >>> from dgm_core.estimators import importance_log_likelihood
        >>> from dgm_core.vae import mlp_vae
        >>> vae, x = mlp_vae(latent_dim=2, hidden=8, num_pixels=9), torch.zeros(5, 9)
        >>> q = refit_proposal(vae, x, steps=3)
        >>> q.batch_shape, q.event_shape
        (torch.Size([5]), torch.Size([2]))
        >>> importance_log_likelihood(vae, x, num_samples=100, proposal=q).shape
        torch.Size([5])
    """
    checks.at_least(1, "count them", steps=steps, num_samples=num_samples, chunk_size=chunk_size)
    frozen = copy.deepcopy(vae).requires_grad_(False)
    options = {"learning_rate": learning_rate, "warmup_steps": steps // 10, "progress": False}
    means, widths = [], []
    for part in x.split(max(1, chunk_size // num_samples)):
        q = frozen.encoder(part)
        mean, log_width = q.mean.clone().requires_grad_(), q.stddev.log().requires_grad_()

        def loss(part: Tensor, mean: Tensor = mean, log_width: Tensor = log_width) -> Tensor:
            q = _normal(mean, log_width.exp())
            return -log_mean_exp(log_weights(frozen, part, num_samples, proposal=q))

        fit(loss, [mean, log_width], [part] * steps, **options)
        means.append(mean.detach())
        widths.append(log_width.detach().exp())
    return _normal(torch.cat(means), torch.cat(widths))


def _normal(mean: Tensor, width: Tensor) -> Independent:
    return Independent(Normal(mean, width, validate_args=False), 1, validate_args=False)
