"""Finds ground that a cut has kept at its rim: grass before a sole, a board seen beside a tail.

A colour that abounds around the product and hardly occurs inside it is the ground's, wherever in the cut it stands.
Only strong colours tell: a grey rim is as often the product's own, a can's or a sole's, beside a grey road.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

NEAR, FAR = 9, 24  # pixels from the product where the ground nearby begins and ends
DEEP = 6  # pixels inside it, where it is itself alone
LIKELIER = 8  # times as common around the product as inside it
STRONG = 9.0  # of a colour, where 2 is just visible
DIM, LIT = 82.0, 98.0  # lightness of the brightest: a dim photo is lifted first, as the network sees it lifted
BINS = 12  # of each of three colours; the outer ones stay empty
RARE, COMMON = 1e-4, 0.01  # of the pixels: a colour that is no more than noise, and one that the ground is made of
FEW = 50  # pixels that tell nothing
MUCH = 0.07  # of the rim: as much is taken away even out of the product's own shape


@dataclass(frozen=True)
class Fringe:
    """The ground that a cut has kept, and the share of the cut's rim where it hides the product."""

    ground: Mask
    hides: float


def find(lab: Floats, solid: Mask) -> Fringe:
    """Look for strongly coloured ground in a cut, from its edge inwards."""
    inside = raster.erode(solid, DEEP)
    rim = max(1, int((solid & ~inside).sum()))
    alien = solid & _alien(_lifted(lab), solid, inside)
    share = float((alien & ~inside).sum()) / rim
    ground = raster.opened(raster.from_border(~solid | raster.dilate(alien, 1)) & solid, 1)
    own = raster.closed(raster.largest(solid & ~ground, share=0.03), DEEP)
    hides = min(share, float((ground & own).sum()) / rim)
    return Fringe(ground if share >= MUCH else ground & ~own, hides)


def _lifted(lab: Floats) -> Floats:
    brightest = float(np.percentile(lab[..., 0], 99.5))
    return lab if brightest > DIM else np.asarray(lab * np.float32(LIT / max(1.0, brightest)))


def _alien(lab: Floats, solid: Mask, inside: Mask) -> Mask:
    """Return the pixels of a colour that is common around the product and rare inside it."""
    around = raster.dilate(solid, FAR) & ~raster.dilate(solid, NEAR)
    if min(around.sum(), inside.sum()) < FEW:
        return np.zeros_like(solid)
    bins = _bins(lab)
    common, own = _share(bins[around]), _share(bins[inside])
    likely = (common > COMMON) & (common > LIKELIER * (own + RARE))
    return np.asarray(likely[bins] & (np.hypot(lab[..., 1], lab[..., 2]) > STRONG))


def _bins(lab: Floats) -> NDArray[np.intp]:
    """Number the colours coarsely."""
    scaled = (lab + np.array([0, 50, 50], dtype=np.float32)) * np.float32((BINS - 2) / 100) + 1
    places = np.clip(scaled, 1, BINS - 2).astype(np.intp)
    return np.asarray((places[..., 0] * BINS + places[..., 1]) * BINS + places[..., 2])


def _share(bins: NDArray[np.intp]) -> Floats:
    """Return how common each colour is, and colours next to it."""
    counts = np.bincount(bins, minlength=BINS**3).reshape(BINS, BINS, BINS) / len(bins)
    for axis in range(3):
        counts = counts / 2 + (np.roll(counts, 1, axis) + np.roll(counts, -1, axis)) / 4
    return np.asarray(counts.ravel(), dtype=np.float32)
