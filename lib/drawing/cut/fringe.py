"""Finds ground that a cut has kept at its rim: grass before a sole, a board seen beside a tail.

A colour that abounds around the product and hardly occurs inside it is the ground's, wherever in the cut it stands.
Only strong colours tell: a grey rim is as often the product's own, a can's or a sole's, beside a grey road.
"""

import numpy as np

from lib.drawing.cut import hues
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

NEAR, FAR = 9, 24  # pixels from the product where the ground nearby begins and ends
DEEP = 6  # pixels inside it, where it is itself alone
LIKELIER = 8  # times as common around the product as inside it
VIVID = 25.0  # strength of a ground's colour, where 2 is just visible: its shadow is coloured, too
COMMON = 0.01  # of the pixels: a colour that the ground is made of
MUCH = 0.07  # of the rim: as much is taken away even out of the product's own shape


def find(lab: Floats, solid: Mask) -> Mask:
    """Return the strongly coloured ground that a cut has kept, from its edge inwards."""
    inside = raster.erode(solid, DEEP)
    rim = max(1, int((solid & ~inside).sum()))
    lit = hues.lifted(lab)
    alien = solid & (_alien(lit, solid, inside) | _alien(_unshaded(lit, solid), solid, inside))
    share = float((alien & ~inside).sum()) / rim
    ground = raster.opened(raster.from_border(~solid | raster.dilate(alien, 1)) & solid, 1)
    own = raster.closed(raster.largest(solid & ~ground, share=0.03), DEEP)
    return np.asarray(ground if share >= MUCH else ground & ~own)


def _unshaded(lab: Floats, solid: Mask) -> Floats:
    """Return the colours as light as a strongly coloured ground: a shadow takes as much of its colour as of its light.

    What is too dark to have a colour stays as it is, and so does all before a grey or a pale ground.
    """
    around = raster.dilate(solid, FAR) & ~raster.dilate(solid, NEAR)
    strength = np.hypot(lab[..., 1], lab[..., 2])
    if around.sum() < hues.FEW or np.median(strength[around]) < VIVID:
        return lab
    light = float(np.median(lab[around, 0]))
    factor = np.where((lab[..., 0] < light) & (strength > VIVID / 2), light / np.maximum(lab[..., 0], 1), 1)
    return np.asarray(lab * factor[..., None], dtype=np.float32)


def _alien(lab: Floats, solid: Mask, inside: Mask) -> Mask:
    """Return the pixels of a colour that is common around the product and rare inside it."""
    around = raster.dilate(solid, FAR) & ~raster.dilate(solid, NEAR)
    if min(around.sum(), inside.sum()) < hues.FEW:
        return np.zeros_like(solid)
    numbers = hues.bins(lab)
    common, own = hues.share(numbers[around]), hues.share(numbers[inside])
    likely = (common > COMMON) & (common > LIKELIER * (own + hues.RARE))
    return np.asarray(likely[numbers] & hues.strong(lab))
