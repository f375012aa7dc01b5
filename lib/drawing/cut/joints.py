"""Finds lines of the ground that a look has taken along: the joint of two tiles, the edge of a wall.

They are thin, the network is not sure of them, and they run on to where the product is surely not. A strap or a cable
is thin, too, but the network is sure of it, or it ends.
"""

import numpy as np

from lib.drawing.cut import matte
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

WIDE = 4  # pixels, twice: a line is narrower
SURE = 0.8  # mean of a line that is the product's own


def find(mask: Floats) -> Mask:
    """Return the lines that reach the edge of the box, though no part of the product does."""
    seen: Mask = mask > matte.NOTHING  # the work at the edges could make a line of it
    thin = seen & ~raster.dilate(raster.opened(seen, WIDE), WIDE // 2)
    found = raster.labels(raster.from_border(raster.dilate(thin, 1)))
    count = int(found.max()) + 1
    lit = np.bincount(found[thin], weights=mask[thin], minlength=count)
    unsure = lit < SURE * np.bincount(found[thin], minlength=count)
    unsure[0] = False
    return np.asarray(thin & unsure[found])
