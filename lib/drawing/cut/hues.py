"""Counts the colours of a product and of what is around it, coarsely."""

import numpy as np
from numpy.typing import NDArray

from lib.drawing.ground.raster import Floats, Mask

SCALE = np.array([100, 200, 200], dtype=np.float32)  # OKLab to units where 2 is just visible
BINS = 12  # of each of three colours; the outer ones stay empty
RARE = 1e-4  # of the pixels: a colour that is no more than noise
FEW = 50  # pixels that tell nothing
BRIGHT = 95  # the percentile from which pixels show the tint of the light
STRONG = 9.0  # of a colour, where 2 is just visible
DIM, LIT = 82.0, 98.0  # lightness of the brightest: a dim photo is lifted first, as the network sees it lifted


def lifted(lab: Floats) -> Floats:
    """Return the colours of a dim photo as if it were lit."""
    brightest = float(np.percentile(lab[..., 0], 99.5))
    return lab if brightest > DIM else np.asarray(lab * np.float32(LIT / max(1.0, brightest)))


def strong(lab: Floats) -> Mask:
    """Tell which pixels are far from grey."""
    return np.asarray(np.hypot(lab[..., 1], lab[..., 2]) > STRONG)


def uncast(lab: Floats) -> Floats:
    """Return the colours without the tint of the light, which the brightest pixels show: lamplit white is no colour."""
    bright = lab[lab[..., 0] >= np.percentile(lab[..., 0], BRIGHT)]
    tint = bright[:, 1:].mean(0) / max(1.0, float(bright[:, 0].mean()))
    return np.asarray(lab - np.pad(tint, (1, 0)) * lab[..., :1], dtype=np.float32)


def bins(lab: Floats) -> NDArray[np.intp]:
    """Number the colours coarsely."""
    scaled = (lab + np.array([0, 50, 50], dtype=np.float32)) * np.float32((BINS - 2) / 100) + 1
    places = np.clip(scaled, 1, BINS - 2).astype(np.intp)
    return np.asarray((places[..., 0] * BINS + places[..., 1]) * BINS + places[..., 2])


def share(numbers: NDArray[np.intp]) -> Floats:
    """Return how common each colour is, and colours next to it."""
    counts = np.bincount(numbers, minlength=BINS**3).reshape(BINS, BINS, BINS) / len(numbers)
    for axis in range(3):
        counts = counts / 2 + (np.roll(counts, 1, axis) + np.roll(counts, -1, axis)) / 4
    return np.asarray(counts.ravel(), dtype=np.float32)


def likelier(lab: Floats, own: Mask, other: Mask) -> Floats:
    """Return of each pixel how much likelier its colour is in the one mask than in the other, as a logarithm."""
    if min(own.sum(), other.sum()) < FEW:
        return np.zeros(own.shape, dtype=np.float32)
    numbers = bins(lab)
    ratio = np.log((share(numbers[own]) + RARE) / (share(numbers[other]) + RARE))
    return np.asarray(ratio[numbers], dtype=np.float32)
