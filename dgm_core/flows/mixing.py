"""Mixtures of the features, so that each coupling moves others: an order, a learned matrix.

"Features" are the first axis of an example, as in `flows.couplings`.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dgm_core import checks
from dgm_core.flows.bijections import Bijection, Mapped


class Permutation(Bijection):
    """Another order of the features, always the same; its log-determinant is 0.

    Example:
        >>> Permutation([2, 0, 1])(torch.tensor([[10.0, 20.0, 30.0]]))
        (tensor([[30., 10., 20.]]), tensor([0.]))
    """

    def __init__(self, order: Sequence[int]):
        """Take the order: feature i of x is feature ``order[i]`` of z.

        Args:
            order: each of 0, 1, ... once; ``torch.randperm`` with a seed draws one.

        Raises:
            ValueError: a number is missing, there twice, or not whole.
        """
        super().__init__()
        given = torch.as_tensor(order)
        if len(given) and given.is_floating_point():
            raise ValueError(f"{list(order)} is no permutation: its numbers are whole")
        order = torch.as_tensor(order, dtype=torch.long).tolist()
        if sorted(order) != list(range(len(order))):
            raise ValueError(f"{order} is no permutation of 0 to {len(order) - 1}")
        self.register_buffer("order", torch.tensor(order, dtype=torch.long))
        self.register_buffer("back", self.order.argsort())

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Put the features in the new order."""
        checks.features("z", z, len(self.order), "the permutation")
        return z.index_select(1, self.order), z.new_zeros(len(z))

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Put them back."""
        checks.features("x", x, len(self.order), "the permutation")
        return x.index_select(1, self.back), x.new_zeros(len(x))


class Invertible1x1(Bijection):
    r"""A learned linear mixture of the features; on images, an invertible 1x1 convolution.

    :math:`z = W x` with :math:`W = P L U`: a fixed permutation, a unit lower triangular matrix,
    and an upper triangular one whose diagonal keeps its signs. So log |det W| is a sum, and W
    never becomes singular. Forward solves the two triangular systems.

    References:
        Kingma and Dhariwal (2018), Glow, section 3.2.

    Example:
        >>> mixture, x = Invertible1x1(4), torch.randn(5, 4)
        >>> z, log_det = mixture.inverse(x)
        >>> torch.allclose(mixture(z)[0], x, atol=1e-5)
        True
        >>> torch.allclose(z.norm(dim=1), x.norm(dim=1))  # untrained, it is a rotation
        True
    """

    def __init__(self, num_features: int, seed: int = 0):
        """Start as a random rotation (or reflection).

        Args:
            num_features: numbers of a vector, or channels of an image.
            seed: of the rotation.
        """
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        normal = torch.randn(num_features, num_features, generator=generator, dtype=torch.float64)
        p, lower, upper = torch.linalg.lu(torch.linalg.qr(normal)[0])
        diagonal = upper.diagonal()
        kind = torch.get_default_dtype()
        for name, constant in (("permutation", p), ("signs", diagonal.sign())):
            self.register_buffer(name, constant.to(kind))
        self.register_buffer("_eye", torch.eye(num_features), persistent=False)
        self.lower = nn.Parameter(lower.tril(-1).to(kind))
        self.upper = nn.Parameter(upper.triu(1).to(kind))
        self.log_diagonal = nn.Parameter(diagonal.abs().log().to(kind))

    def _factors(self) -> tuple[Tensor, Tensor]:
        upper = self.upper.triu(1) + self._eye * (self.signs * self.log_diagonal.exp())
        return self.lower.tril(-1) + self._eye, upper

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the inverse of W, by substitution."""
        checks.features("z", z, len(self.log_diagonal), "the mixture")
        lower, upper = self._factors()
        columns = self.permutation.T @ z.transpose(0, 1).flatten(1)  # (features, everything else)
        columns = torch.linalg.solve_triangular(lower, columns, upper=False, unitriangular=True)
        columns = torch.linalg.solve_triangular(upper, columns, upper=True)
        x = columns.unflatten(1, (len(z), *z.shape[2:])).transpose(0, 1)
        return x, -self._log_det(z)

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply W."""
        checks.features("x", x, len(self.log_diagonal), "the mixture")
        lower, upper = self._factors()
        mixed = x.movedim(1, -1) @ (self.permutation @ lower @ upper).T
        return mixed.movedim(-1, 1), self._log_det(x)

    def by_matrices(self) -> "FixedMixture":
        """Return the same map with both matrices computed once, as constants.

        A page's runtime solves no triangular systems, and nothing here is solved any more.
        """
        with torch.no_grad():
            lower, upper = self._factors()
            back, _ = self.forward(self._eye)  # the rows are the columns of the inverse
            return FixedMixture(self.permutation @ lower @ upper, back.T, self.log_diagonal.sum())

    def _log_det(self, value: Tensor) -> Tensor:
        return (self.log_diagonal.sum() * _positions(value)).expand(len(value))


class FixedMixture(Bijection):
    """What `Invertible1x1.by_matrices` returns: :math:`z = W x` with constant W and inverse."""

    def __init__(
        self,
        matrix: Float[Tensor, " features features"],
        back: Float[Tensor, " features features"],
        log_det: Float[Tensor, ""],
    ):
        """Take W, its inverse, and log |det W|, which are not checked against each other."""
        super().__init__()
        for name, value in (("matrix", matrix), ("back", back), ("log_det", log_det)):
            self.register_buffer(name, value.clone())

    def forward(self, z: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply the inverse of W."""
        checks.features("z", z, len(self.matrix), "the mixture")
        log_det = (self.log_det * _positions(z)).expand(len(z))
        return (z.movedim(1, -1) @ self.back.T).movedim(-1, 1), -log_det

    def inverse(self, x: Float[Tensor, " batch *event"]) -> Mapped:
        """Apply W."""
        checks.features("x", x, len(self.matrix), "the mixture")
        log_det = (self.log_det * _positions(x)).expand(len(x))
        return (x.movedim(1, -1) @ self.matrix.T).movedim(-1, 1), log_det


def without_substitution(module: nn.Module) -> nn.Module:
    """Replace every `Invertible1x1` inside a module by its `by_matrices`, in place; return it.

    Args:
        module: for instance a copy of a flow that travels to a page; it must not be an
            `Invertible1x1` itself.

    Example:
        >>> flow = nn.Sequential(Invertible1x1(3))
        >>> isinstance(without_substitution(flow)[0], Invertible1x1)
        False
    """
    for name, part in module.named_children():
        if isinstance(part, Invertible1x1):
            setattr(module, name, part.by_matrices())
        else:
            without_substitution(part)
    return module


def _positions(value: Tensor) -> int:
    """Return how often each feature is there: 1 in a vector, H * W in an image."""
    return math.prod(value.shape[2:])
