"""What a map of a decoder is drawn from: its ground, territories of classes, places for names.

Coordinates are those of the unit square in which the prior is flat, (across, up). Arrays here have
the rows of an image: the first is the top, where up is 1.
"""

import base64
import io
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

# Half of the width and of the height that a name takes, as shares of the square: its disc of 24 px
# on a map of 328 px, the smallest.
NAME = (0.037, 0.037)
_NODES = 61  # along a side, at which classes are counted
_WIDTH = 0.045  # standard deviation of a code's vote
_TILE = slice(3, 25)  # pixels of 28 in which a digit of MNIST lies, with a little air


def enlarging(side: int, factor: int) -> np.ndarray:
    """Return the matrix that enlarges a line of `side` values, smoothly and through all of them.

    Cubic convolution; atlas.js has the same. At the ends, the line goes on as it ends.

    Args:
        side: values of the line.
        factor: new values for each of them.

    Returns:
        (side * factor, side).

    References:
        Keys (1981), Cubic convolution interpolation for digital image processing, eq. 15.

    Example:
        >>> line = enlarging(side=4, factor=3) @ np.float64([1, 1, 5, 5])
        >>> line[[1, 4, 7, 10]], line.shape  # the middles of the four
        (array([1., 1., 5., 5.]), (12,))
    """
    at = (np.arange(side * factor) + 0.5) / factor - 0.5
    first = np.floor(at).astype(int)
    matrix = np.zeros((len(at), side))
    for k in (-1, 0, 1, 2):
        t = np.abs(at - first - k)
        near, far = (1.5 * t - 2.5) * t**2 + 1, ((-0.5 * t + 2.5) * t - 4) * t + 2
        column = np.clip(first + k, 0, side - 1)
        np.add.at(matrix, (np.arange(len(at)), column), np.where(t <= 1, near, far))
    return matrix


def ink(logits: np.ndarray, factor: int) -> np.ndarray:
    """Return pixels' probabilities between the pixels, too: smooth in the logits, sharp in ink.

    Args:
        logits: (..., side * side).
        factor: pixels along an edge of each pixel.

    Returns:
        (..., side * factor, side * factor), from 0 to 1.
    """
    logits = np.asarray(logits, np.float64)
    side = round(logits.shape[-1] ** 0.5)
    matrix = enlarging(side, factor)
    large = matrix @ logits.reshape(*logits.shape[:-1], side, side) @ matrix.T
    return 1 / (1 + np.exp(-np.clip(large, -50, 50)))


def ground(draw: Callable[[np.ndarray], np.ndarray], tiles: int = 14) -> np.ndarray:
    """Return what a decoder draws at the middles of `tiles` x `tiles` cells, as one picture.

    Args:
        draw: from places (N, 2) to logits of 28 x 28 pixels, (N, 784).
        tiles: along either side.

    Returns:
        Grey values, uint8, (tiles * 44, tiles * 44): ink is 0, paper 255.
    """
    middles = (np.arange(tiles) + 0.5) / tiles
    up, across = np.meshgrid(middles[::-1], middles, indexing="ij")
    images = ink(draw(np.stack([across.ravel(), up.ravel()], 1)), 2)
    cut = slice(2 * _TILE.start, 2 * _TILE.stop)
    images = images[:, cut, cut].reshape(tiles, tiles, *images[0, cut, cut].shape)
    picture = images.swapaxes(1, 2).reshape(tiles * images.shape[2], -1)
    return np.rint(255 * (1 - picture)).astype(np.uint8)


def picture_uri(grey: np.ndarray, quality: int = 60) -> str:
    """Return a grey picture, uint8 (H, W), as a data URI.

    Args:
        grey: 0 is black.
        quality: of the compression, at most 100.
    """
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "WEBP", quality=quality, method=6)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def votes(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many codes of each class lie about the nodes of a grid over the square.

    Args:
        codes: (N, 2).
        labels: classes, (N,), from 0 to 9.

    Returns:
        (10, nodes, nodes); a code counts by a normal bell.
    """
    nodes = np.linspace(0, 1, _NODES)
    bells = np.exp(-0.5 * ((codes[:, :, None] - nodes) / _WIDTH) ** 2)  # (N, 2, nodes)
    across, up = bells[:, 0], bells[:, 1, ::-1]
    return np.stack(
        [up[labels == k].T @ across[labels == k] for k in range(10)]  # rows from the top
    )


def territories(counted: np.ndarray, size: int) -> list[str]:
    """Return where each class has most votes, as outlines: the data of an SVG path for each.

    They overlap by a hair, or the ground would show between them.

    Args:
        counted: what `votes` returned.
        size: of the drawing, whose upper left corner is the origin.

    Returns:
        Ten texts; outlines within each other are holes (rule "evenodd").
    """
    share = counted / counted.sum(0)
    nodes = np.linspace(0, size, counted.shape[1])
    step = nodes[1]
    nodes = np.array([-step, *nodes, size + step])  # so that outlines close beyond the edge
    ax = Figure().subplots()
    paths = []
    for k in range(10):
        lead = np.pad(share[k] - np.delete(share, k, 0).max(0), 1, constant_values=-1)
        outlines = ax.contour(nodes, nodes, lead, levels=[-0.05]).allsegs[0]
        parts = ["L".join(f"{x:.0f} {y:.0f}" for x, y in outline) for outline in outlines]
        paths.append("".join(f"M{part}Z" for part in parts))
    return paths


def name_places(counted: np.ndarray) -> np.ndarray:
    """Return a place for the name of each class: its densest, such that no two names overlap.

    A place counts by the codes of the class there, less those of the class that has most of the
    others. Classes that lead by least choose first: they have the fewest places.

    Args:
        counted: what `votes` returned.

    Returns:
        (10, 2), the middles of names that are 2 x `NAME` large.
    """
    nodes = np.linspace(0, 1, counted.shape[1])
    up, across = np.meshgrid(nodes[::-1], nodes, indexing="ij")
    inside = (np.abs(across - 0.5) <= 0.5 - NAME[0]) & (np.abs(up - 0.5) <= 0.5 - NAME[1])
    lead = np.stack([counted[k] - np.delete(counted, k, 0).max(0) for k in range(10)])
    lead = np.where(inside, lead, -np.inf)
    places = np.zeros((10, 2))
    for k in lead.max((1, 2)).argsort():
        row, column = np.unravel_index(lead[k].argmax(), lead[k].shape)
        places[k] = across[row, column], up[row, column]
        taken = np.abs(across - places[k, 0]) < 2 * NAME[0]
        taken &= np.abs(up - places[k, 1]) < 2 * NAME[1]
        lead[:, taken] = -np.inf
    return places
