"""A map of all that a decoder with two latents can draw: a ring to move, and what it draws there.

What is seen at first and what the page draws are of one text (`Atlas.markup`), so that a still
picture and the live figure lie in the same place, in the same size.
"""

import html
from collections.abc import Callable

import anywidget
import numpy as np
import traitlets

from dgm_core.live.base import CSS, View, array_trait, module
from dgm_core.live.cartography import (
    ground,
    ink,
    name_places,
    picture_uri,
    territories,
    votes,
)

_SIZE = 440  # units of the drawing, and the pixels of its side where there is room
_FACTOR = 10  # pixels of the large picture along an edge of each of the decoder's
_START = (6, 0, 8)  # the classes by whose names the ring walks
_NEAR = 0.075  # a name pales where the ring is so near (atlas.js has the same)


class Atlas(View):
    """A map of handwriting over the unit square, and a large picture of what is drawn at its ring.

    The ground of the map is what the decoder draws, place by place; a tint says of which class
    most of the codes are that lie there, and the class's digit stands at its densest place. Mouse,
    finger or arrow keys move the ring: traits ``x`` and ``y``, from 0 to 1. ``Graph.drive`` fills
    ``logits``, (784,), of the pixels there, and ``words`` below the picture. In a book the ring
    walks some seconds by itself, once, until the reader does something; not for readers who want
    less motion.

    Args:
        graph: the `live.Graph` that draws: the ring waits for it before it walks.
        codes: where examples lie in the square, (N, 2).
        labels: their classes, (N,) integers from 0 to 9.
        draw: from places in the square, (N, 2), to logits, (N, 784); for the ground, now.
        alt: what the map shows, in words.
        dots: what the codes are, in words, for the switch that shows them.
        title: a line above the large picture.

    Raises:
        ValueError: codes and labels do not fit together.

    Example:
        >>> from dgm_core.live import Graph
        >>> graph = Graph(lambda x, y: {"logits": (x + y) * torch.ones(784)}, {"x": 0.5, "y": 0.5})
        >>> black = lambda places: np.full((len(places), 784), 9.0)
        >>> codes = np.random.default_rng(0).random((50, 2))
        >>> atlas = Atlas(graph, codes, np.arange(50) % 10, black, alt="A map.", dots="Codes")
        >>> atlas.places.shape, (atlas.x, atlas.y) == tuple(atlas.places[6])
        ((10, 2), True)
    """

    _esm = module("atlas.js")
    x = traitlets.CFloat(0.5).tag(sync=True)
    y = traitlets.CFloat(0.5).tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)
    dots = traitlets.Bool(False).tag(sync=True)
    _graph = traitlets.Unicode().tag(sync=True)
    _markup = traitlets.Unicode().tag(sync=True)
    _codes = traitlets.Bytes(b"").tag(sync=True)
    _labels = traitlets.Bytes(b"").tag(sync=True)
    _tour = traitlets.List().tag(sync=True)

    def __init__(
        self,
        graph: anywidget.AnyWidget,
        codes: np.ndarray,
        labels: np.ndarray,
        draw: Callable[[np.ndarray], np.ndarray],
        *,
        alt: str,
        dots: str,
        title: str = "The decoder draws",
    ) -> None:
        codes, labels = np.asarray(codes, np.float64), np.asarray(labels, np.uint8)
        if codes.ndim != 2 or codes.shape != (len(labels), 2):
            raise ValueError(
                f"codes must be (N, 2) and labels (N,), not {codes.shape}, {labels.shape}"
            )
        counted = votes(codes, labels)
        self.places = name_places(counted)  # (10, 2)
        self._parts = {
            "ground": picture_uri(ground(draw)),
            "alt": alt,
            "title": title,
            "dots": dots,
            "territories": territories(counted, _SIZE),
        }
        super().__init__(
            _graph=f"IPY_MODEL_{graph.model_id}",
            _codes=np.rint(codes * 65535).astype("<u2").tobytes(),
            _labels=labels.tobytes(),
            _tour=walk(self.places),
            x=float(self.places[_START[0], 0]),
            y=float(self.places[_START[0], 1]),
        )
        self.add_traits(logits=array_trait(np.zeros(784)))
        self._markup = self.markup('<canvas class="dgm-digit" role="img"></canvas>')

    def markup(self, picture: str, kind: str = "") -> str:
        """Return the figure as HTML.

        Args:
            picture: the element of the large picture.
            kind: a further class of the image that is the map's ground.
        """
        parts = {name: html.escape(t) for name, t in self._parts.items() if isinstance(t, str)}
        tints = "".join(
            f'<path fill-rule="evenodd" d="{path}" style="fill:var(--dgm-digit{k})"/>'
            for k, path in enumerate(self._parts["territories"])
        )
        ring = np.array([self.x, self.y])
        pale = np.linalg.norm(self.places - ring, axis=1) < _NEAR
        names = "".join(
            f'<span class="dgm-label{" dgm-pale" * bool(pale[k])}" '
            f'style="{_at(x, y)};--c:var(--dgm-digit{k})">{k}</span>'
            for k, (x, y) in enumerate(self.places)
        )
        return (
            '<div class="dgm-atlas"><div class="dgm-map">'
            f'<img class="dgm-ground dark-light {kind}" src="{parts["ground"]}" '
            f'alt="{parts["alt"]}" width="{_SIZE}" height="{_SIZE}">'
            f'<svg viewBox="0 0 {_SIZE} {_SIZE}" aria-hidden="true"><g class="dgm-tints">{tints}'
            f'</g><g class="dgm-codes"></g></svg><div aria-hidden="true">{names}</div>'
            f'<div class="dgm-ring" style="{_at(self.x, self.y)}"></div></div>'
            f'<div class="dgm-there"><div class="dgm-title">{parts["title"]}</div>'
            f'<div class="dgm-sheet">{picture}</div>'
            f'<div><p class="dgm-numbers">{html.escape(_true_minus(self.words))}</p>'
            f'<label class="dgm-switch"><input type="checkbox"> {parts["dots"]}</label>'
            "</div></div></div>"
        )

    def still(self) -> str:
        """Return the figure as it is now, as HTML that needs no script and no other style."""
        grey = np.rint(255 * (1 - ink(self.logits, _FACTOR))).astype(np.uint8)
        picture = f'<img class="dgm-digit dark-light" src="{picture_uri(grey)}" alt="">'
        body = self.markup(picture, "dgm-still")  # the theme leaves what is "dark-light" as it is
        return f'<style>{CSS}</style><div class="dgm-view dgm-view-atlas">{body}</div>'


def walk(places: np.ndarray) -> list[list[float]]:
    """Return where the ring walks: from the name of the sixes to that of the eights, by the zeros.

    Args:
        places: of the names of the ten classes, (10, 2).
    """
    return [[round(float(v), 3) for v in places[k]] for k in _START]


def _at(x: float, y: float) -> str:
    return f"left:{100 * x:.2f}%;top:{100 * (1 - y):.2f}%"


def _true_minus(words: str) -> str:
    return words.replace("-", "−")
