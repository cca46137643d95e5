"""What a GAN is trained on: the value of the game, and what each side minimises."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from dgm_core import checks


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
