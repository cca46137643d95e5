"""A still figure of panels side by side: on a telephone each panel has a row of its own.

Scaled down to a telephone, letters of a wide figure are five pixels high. So its panels are found,
by the blank columns around them, and are shown one below the other where the page is narrow
(dgm.css), each cut from the same file. What has no such columns, or many, stays as it is: a grid
of digits is one picture.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image

WIDE = 1.8  # width by height, from which a figure is cut
MOST = 6  # panels
GAP = 6  # blank columns between a panel and the labels of the next
NARROWEST = 0.13  # of the figure's width: a panel, which its axis holds together; else a label
PICTURE = re.compile(r'<img alt="([^"]*)" src="([^"]*_images/([^"/]+\.png))" />')


def columns(picture: np.ndarray) -> list[tuple[int, int]]:
    """Return where the panels of a picture begin and end, in pixels; none, if it has no
    panels.

    Args:
        picture: (H, W), bright where nothing is drawn.
    """
    high, wide = picture.shape
    if wide < WIDE * high:
        return []
    drawn = np.flatnonzero((picture < picture.max()).any(0))
    if not drawn.size:
        return []
    gaps = np.flatnonzero(np.diff(drawn) > GAP)
    starts, ends = drawn[[0, *(gaps + 1)]].tolist(), (drawn[[*gaps, -1]] + 1).tolist()
    found, since = [], None
    for start, end in zip(starts, ends, strict=True):
        since = start if since is None else since
        if end - start >= NARROWEST * wide:  # with the labels on its left
            found.append((since, end))
            since = None
    if found and since is not None:  # what stands on the right of the last
        found[-1] = found[-1][0], ends[-1]
    return found if 2 <= len(found) <= MOST else []


def rows(alt: str, source: str, picture: np.ndarray) -> str:
    """Return the HTML of a picture's panels, in rows; nothing, if it has none.

    Args:
        alt: what the picture shows, as HTML.
        source: its address.
        picture: (H, W).
    """
    high, wide = picture.shape
    cuts = []
    for start, end in columns(picture):
        start, end = max(start - 4, 0), min(end + 4, wide)
        width = end - start
        style = (
            f"background-image: url({source}); aspect-ratio: {width} / {high}; "
            f"background-size: {100 * wide / width:.3f}% 100%; "
            f"background-position-x: {100 * start / (wide - width):.3f}%; "
            f"max-width: {round(320 * width / high)}px"
        )
        cuts.append(f'<span style="{style}"></span>')
    inside = "".join(cuts)
    return inside and f'<span class="dgm-panels" role="img" aria-label="{alt}">{inside}</span>'


def split(page: str, files: dict[str, Path]) -> str:
    """Return a page whose wide pictures also come in rows of panels.

    Args:
        page: its HTML.
        files: of the pictures, by the names under which pages ask for them.
    """

    def both(match: re.Match) -> str:
        alt, source, name = match.groups()
        if name not in files:
            return match[0]
        with Image.open(files[name]) as file:
            found = rows(alt, source, np.asarray(file.convert("L")))
        return match[0].replace("<img ", '<img class="dgm-whole" ') + found if found else match[0]

    return PICTURE.sub(both, page)
