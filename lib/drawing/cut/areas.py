"""Divides a small picture into areas of one colour: pixels, then areas, join those next to them that are most alike.

Each round every area joins its likest neighbour, if the two are alike enough: a small area is less sure of its colour,
and may differ by more. In the last rounds what is tiny joins whatever is next to it. No area crosses the edge of the
mask, so that each lies inside of it or beside it as a whole.
"""

import numpy as np
from numpy.typing import NDArray

from lib.drawing.ground.raster import Floats, Mask

Numbers = NDArray[np.int64]

ROUNDS, LAST = 12, 3
ALIKE = 5.0  # in colour, where 2 is just visible: areas of any size that are one
UNSURE = 60.0  # what a single pixel may differ by beyond that; an area by as much less as it is larger
TINY = 30  # pixels


def find(lab: Floats, solid: Mask) -> Numbers:
    """Return the number of the area that each pixel belongs to, from 0."""
    one, other = neighbours(solid.shape)
    same = solid.ravel()[one] == solid.ravel()[other]
    one, other = one[same], other[same]
    of = np.arange(solid.size)
    colours, sizes = lab.reshape(-1, 3).astype(np.float64), np.ones(solid.size)
    for left in range(ROUNDS, 0, -1):
        apart = of[one] != of[other]
        one, other = one[apart], other[apart]
        here, there = of[one], of[other]
        unlike = np.sqrt(((colours[here] - colours[there]) ** 2).sum(1))
        smaller = np.minimum(sizes[here], sizes[there])
        may = (unlike < ALIKE + UNSURE / smaller) | ((left <= LAST) & (smaller < TINY))
        if not may.any():
            break
        joined = _joined(len(sizes), here[may], there[may], unlike[may])
        of = joined[of]
        colours = np.stack([np.bincount(joined, colours[:, k] * sizes) for k in range(3)], 1)
        sizes = np.bincount(joined, sizes)
        colours /= sizes[:, None]
    return of.reshape(solid.shape)


def neighbours(shape: tuple[int, ...]) -> tuple[Numbers, Numbers]:
    """Return the pairs of pixels that are next to each other in a row or a column, as places in the flat picture."""
    places = np.arange(shape[0] * shape[1]).reshape(shape)
    one, other = (places[:, :-1], places[:-1]), (places[:, 1:], places[1:])
    return np.concatenate([part.ravel() for part in one]), np.concatenate([part.ravel() for part in other])


def _joined(count: int, one: Numbers, other: Numbers, unlike: NDArray[np.float64]) -> Numbers:
    """Join each area with its likest neighbour; return the new number of each."""
    one, other, unlike = np.concatenate([one, other]), np.concatenate([other, one]), np.tile(unlike, 2)
    order = np.lexsort((unlike, one))
    one, other = one[order], other[order]
    first = np.r_[True, one[1:] != one[:-1]]
    one, other = one[first], other[first]
    least = np.arange(count)
    np.minimum.at(least, np.maximum(one, other), np.minimum(one, other))
    while not np.array_equal(least[least], least):
        least = least[least]
    return np.unique(least, return_inverse=True)[1]
