"""Finds what a cut has lost where it hardly differs from a pale ground: clear glass, a white bowl, thin straps.

Such a thing is no darker than a soft shadow and has the same hue, but it has lines: a shadow fades over many pixels,
the rim of a glass over two. Lines that reach the picture's edge belong to the room, a table or a wall.
"""

import numpy as np

from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

LEAST = 0.85  # of a line's contrast, where 2 is just visible
NOISE = 1.6  # times what the empty rim of the picture shows
NEAR = 5  # pixels around a cut where lines are its own
PALE = 55.0  # lightness of a ground that shows a pale thing's lines in pieces
BESIDE = 12  # pixels around a cut within which on a darker ground its own lines begin: a carpet's ornament is apart
SMALL = 40  # pixels of a speck, grown


def lost(lab: Floats, mask: Mask) -> float:
    """Return how much farther than the cut the thing reaches with its faint lines: 1 is not at all, 2 twice as far."""
    near = mask if np.median(lab[~mask, 0]) < PALE else np.ones_like(mask)
    whole = mask | _own(_lines(lab) & ~raster.dilate(mask, NEAR), near)
    return _reach(whole) / max(1, _reach(mask))


def _lines(lab: Floats) -> Mask:
    """Return what differs from its near neighbourhood by more than the noise of the picture's rim."""
    planes = [raster.box(lab[..., k], 1) - raster.box(lab[..., k], 4) for k in range(3)]
    contrast = np.sqrt(sum(np.square(plane) for plane in planes))
    noise = float(np.percentile(contrast[_rim(contrast.shape, 0.04)], 98))
    return np.asarray(contrast > max(LEAST, NOISE * noise))


def _own(lines: Mask, near: Mask) -> Mask:
    """Drop specks, lines from the picture's edge, and on dark ground those that begin nowhere near the cut."""
    found = raster.labels(raster.dilate(lines, 2))
    kept = np.bincount(found.ravel(), minlength=1) > SMALL
    kept[0] = False
    kept[np.unique(found[_rim(found.shape, 0.03)])] = False
    kept &= np.isin(np.arange(len(kept)), np.unique(found[raster.dilate(near, BESIDE)]))
    return np.asarray(kept[found] & lines)


def _rim(shape: tuple[int, ...], share: float) -> Mask:
    edge = max(4, round(share * min(shape)))
    rim = np.ones(shape, dtype=bool)
    rim[edge:-edge, edge:-edge] = False
    return rim


def _reach(mask: Mask) -> int:
    """Return the lengths of all rows and columns from the first pixel to the last."""
    total = 0
    for side in (mask, mask.T):
        lines = side[side.any(1)]
        total += int((lines.shape[1] - lines[:, ::-1].argmax(1) - lines.argmax(1)).sum())
    return total
