"""Points and curves in the book's colours, and matplotlib's defaults."""

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from torch import Tensor

from dgm_core import checks
from dgm_core.palette import DIGITS, LIGHT

COLORS = LIGHT  # a figure that Python drew stands on white, on a dark page too


def style() -> None:
    """Set matplotlib's defaults to the book's: colours, sizes, no frame; call it once.

    Example:
        >>> with plt.rc_context():  # what it changes is put back
        ...     style()
        ...     plt.rcParams["axes.spines.top"]
        False
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(
                color=[COLORS[role] for role in ("model", "posterior", "truth", "data")]
            ),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "figure.facecolor": "white",  # opaque: the text stays readable on a dark page
            "figure.figsize": (6.4, 3.6),
            "legend.frameon": False,
        }
    )


def latent_scatter(
    z: Float[Tensor, " n 2"], labels: Int[Tensor, " n"], ax: Axes | None = None
) -> Axes:
    """Draw points of a latent plane, coloured by class, with each class's name at its median.

    Args:
        z: (N, 2), latent coordinates (no unit).
        labels: (N,), classes.
        ax: matplotlib axes; new ones if None.

    Raises:
        ValueError: points that are not of a plane, or not one label a point.

    Example:
        >>> ax = latent_scatter(torch.randn(20, 2), torch.arange(20) % 2)
        >>> [text.get_text() for text in ax.texts]
        ['0', '1']
    """
    checks.last("z", z, 2, "choose two dimensions, as z[:, :2]")
    checks.same_shape("one label a point", labels=labels, points=z[..., 0])
    points, classes = _array(z), _array(labels)
    ax = ax or plt.subplots(figsize=(5, 5))[1]
    colors = [DIGITS[k % len(DIGITS)] for k in classes]
    ax.scatter(*points.T, c=colors, s=3, alpha=0.5, linewidths=0)
    for name in np.unique(classes):
        x, y = np.median(points[classes == name], axis=0)
        box = {"boxstyle": "circle", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        ax.text(x, y, str(name), ha="center", va="center", weight="bold", bbox=box)
    ax.set(xlabel="latent $z_1$", ylabel="latent $z_2$", aspect="equal")
    return ax


def curve(
    x: Tensor,
    y: Tensor,
    ax: Axes | None = None,
    *,
    xlabel: str,
    ylabel: str,
    role: str = "model",
    label: str | None = None,
    standard_error: Tensor | None = None,
) -> Axes:
    """Draw y over x in the colour of what it is, with a band of two standard errors.

    Args:
        x: (N,).
        y: (N,).
        ax: matplotlib axes; new ones if None.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        role: a key of `COLORS`.
        label: name in the legend; no legend if None.
        standard_error: (N,), of y; no band if None.

    Raises:
        ValueError: lengths that differ, or an unknown role.

    Example:
        >>> beta = torch.linspace(0, 4, 5)
        >>> ax = curve(beta, beta**2, xlabel="beta", ylabel="rate (nats)", role="truth")
        >>> ax.get_ylabel()
        'rate (nats)'
    """
    if role not in COLORS:
        raise ValueError(f"no role {role!r}: colours mean {', '.join(COLORS)}")
    checks.same_shape("every point needs both", x=x, y=y)
    if standard_error is not None:
        checks.same_shape("an error for each point", y=y, standard_error=standard_error)
    x, y = _array(x), _array(y)
    ax = ax or plt.subplots()[1]
    ax.plot(x, y, color=COLORS[role], label=label)
    if standard_error is not None:
        error = 2 * _array(standard_error)
        ax.fill_between(x, y - error, y + error, color=COLORS[role], alpha=0.25, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if label is not None:
        ax.legend()
    return ax


def _array(values: Tensor) -> np.ndarray:
    """Return a tensor of any device as an array."""
    return values.detach().cpu().numpy()
