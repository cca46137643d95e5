"""Independent numbers as one event, also of no examples at all."""

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Independent, kl_divergence, register_kl

from dgm_core import checks


class Joint(Independent):
    """Independent numbers as one event: ``Independent``, also of no examples at all."""

    def log_prob(self, value: Float[Tensor, " *#shape"]) -> Float[Tensor, " *batch"]:
        """Return the log-probability, or density, of each event, in nats.

        Args:
            value: (..., *event_shape).

        Returns:
            (...).

        Raises:
            ValueError: another number of numbers in an event.
        """
        if value.shape[max(0, value.ndim - len(self.event_shape)) :] != self.event_shape:
            wanted = checks.sizes(("...", *self.event_shape))
            raise ValueError(
                f"the value is {checks.sizes(value.shape)}, but {wanted} is expected: a number "
                "for each of the distribution's, such as each pixel of an image"
            )
        return _sum_events(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)


@register_kl(Joint, Joint)
def _kl_of_joints(p: Joint, q: Joint) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(f"the events of p and q are {p.event_shape} and {q.event_shape}")
    return _sum_events(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


def _sum_events(each: Tensor, ndims: int) -> Tensor:
    """Add up the last axes: torch does so by a reshape, which of no examples is ambiguous."""
    return each.sum(tuple(range(-ndims, 0))) if ndims else each
