"""Settles by colour what looks at a product see differently: black sleeves on a pale wall, a ring of the mat below.

Where one look sees a part and another does not, the part's colours are held against those of which all looks are sure.
A part of the product's own colours is product, one of the ground's is ground, and what has neither stays in doubt.
A look that left out what is product may have left out more: its cut is for the seller to judge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.drawing.cut import hues
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

SEEN, UNSEEN = 0.85, 0.15  # of a look that is sure of a pixel
DEEP = 4  # pixels from an edge, where each is itself alone
THIN = 2  # pixels: what is thinner is an edge, which the colours of the whole photo settle better
LIKELIER = 6  # times as likely, over all pixels of a part, as the colour of the other
MOST = 0.2  # of all that was seen: more than that is not a piece of the ground, but a product of its colour
AFTER_ALL = 4  # the same, where one close look is already certain that a part is ground
SMALL = 0.004  # of the product: less is not worth a vote


@dataclass(frozen=True)
class Votes:
    """Of what was in doubt: what is product, and what is ground."""

    product: Mask
    ground: Mask
    gaps: Mask  # ground, too, that any coarser look takes for product: between two boots, or trouser legs
    lacking: float  # in shares of the product: parts of its own colours that a close look left out


def cast(lab: Floats, looks: list[Floats], searched: Floats) -> Votes:
    """Let the colours decide about the parts that some of the looks see and others do not.

    For ground only strong colours tell: what is grey or black is as often the product's own, unless one of the two
    close looks, which come first, is certain that it is not.
    """
    lab = hues.lifted(lab)
    least, most = np.min(looks, axis=0), np.max(looks, axis=0)
    own = raster.erode(least > SEEN, DEEP)
    other = ~raster.dilate(np.maximum(most, searched) > UNSEEN, DEEP)
    likelier, size = hues.likelier(lab, own, other), max(1.0, float(own.sum()))
    parts = raster.labels(raster.opened((most > 0.5) & (least <= 0.5), THIN))
    vote = _of_parts(likelier, parts, SMALL * size)
    coloured = _of_parts(hues.strong(hues.uncast(lab)).astype(np.float32), parts, 0)
    product, ground = vote > np.log(LIKELIER), (vote < -np.log(LIKELIER)) & (coloured > 0.5)
    if ground[parts].sum() > MOST * float((most > 0.5).sum()):
        ground[:] = False
    beyond = raster.labels(raster.opened((searched > 0.5) & ~raster.dilate(most > 0.5, THIN), THIN))
    lacking = (_of_parts(likelier, beyond, SMALL * size) > np.log(LIKELIER))[beyond]
    won, lost = product[parts], ground[parts]
    opposed = raster.opened(_opposed(looks[:2]) & ~won & ~lost, THIN)
    apart = raster.labels(opposed)
    gaps = (_of_parts(likelier, apart, SMALL * size) < -np.log(AFTER_ALL))[apart]
    gaps = raster.dilate(gaps, THIN) & (least <= 0.5)
    return Votes(won, lost, gaps, float((lacking | won).sum()) / size)


def _opposed(looks: list[Floats]) -> Mask:
    """Tell which pixels one look surely sees, and another surely does not."""
    return np.asarray((np.max(looks, axis=0) > SEEN) & (np.min(looks, axis=0) < UNSEEN))


def _of_parts(plane: Floats, parts: NDArray[np.int64], least: float) -> Floats:
    """Return the mean of the plane over each part; 0 for one that is smaller than `least`, and for what is no part."""
    sizes = np.bincount(parts.ravel())
    means = np.bincount(parts.ravel(), weights=plane.ravel()) / np.maximum(sizes, 1)
    means[(sizes < least) | (np.arange(len(sizes)) == 0)] = 0
    return np.asarray(means, dtype=np.float32)
