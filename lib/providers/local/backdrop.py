"""Cuts a product off a plain studio background, by its distance from the colour that the background would have.

The background's colour is a smooth surface fitted to the outer ring of the picture, so a lit wall that darkens towards
a corner is still plain. What the surface explains and the edge of the picture reaches is background; a soft shadow is
the same hue, only darker, without an edge of its own.
"""

from dataclasses import dataclass

import numpy as np

from lib.providers.local import raster
from lib.providers.local.raster import Floats, Mask

RING = 0.03  # of the shorter side
PLAIN_SHARE = 0.78  # of the ring that the surface must explain
PLAIN_SPREAD = 3.2  # median distance of the ring from the surface
STABLE = 0.9  # overlap of the cuts at a low and a high threshold


@dataclass(frozen=True)
class Backdrop:
    """The colour each pixel would have without the product, and how far the ring strays from it."""

    surface: Floats
    spread: float
    share: float


def fit(lab: Floats) -> Backdrop | None:
    """Fit the background's colour to the ring, or return None when the ring is not plain."""
    height, width = lab.shape[:2]
    basis = _basis(height, width)
    ring = np.ones((height, width), dtype=bool)
    edge = max(3, round(RING * min(height, width)))
    ring[edge:-edge, edge:-edge] = False
    inputs, seen = basis[ring], lab[ring]
    level = np.median(seen, axis=0)
    far = np.linalg.norm(seen - level, axis=1)
    for _ in range(8):
        near = far <= max(3.0, 2.5 * float(np.median(far)))
        weights, *_ = np.linalg.lstsq(inputs[near], seen[near], rcond=None)
        far = np.linalg.norm(seen - inputs @ weights, axis=1)
    spread = float(np.median(far))
    share = float((far <= max(4.0, 3.0 * spread)).mean())
    if spread > PLAIN_SPREAD or share < PLAIN_SHARE:
        return None
    return Backdrop((basis.reshape(-1, 6) @ weights).reshape(lab.shape).astype(np.float32), spread, share)


def _basis(height: int, width: int) -> Floats:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).astype(np.float32)


def cut(lab: Floats, backdrop: Backdrop) -> Mask | None:
    """Return the product's mask, or None when it depends on where the threshold is set."""
    threshold = float(np.clip(4.0 + 3.0 * backdrop.spread, 5.0, 11.0))
    masks = [_cut_at(lab, backdrop, threshold * factor) for factor in (1.0, 0.7, 1.5)]
    if min(raster.iou(masks[0], other) for other in masks[1:]) < STABLE:
        return None
    return masks[0]


def _cut_at(lab: Floats, backdrop: Backdrop, threshold: float) -> Mask:
    away = lab - backdrop.surface
    far = np.sqrt((away * away).sum(-1))
    hue = np.sqrt((away[..., 1:] ** 2).sum(-1))
    soft = raster.box(lab[..., 0], 1)
    slope = np.hypot(*np.gradient(soft))
    shadow = (away[..., 0] < 1) & (away[..., 0] > -30) & (hue < 4.5) & (slope < 1.3)
    ground = raster.from_border((far < threshold) | shadow)
    product = raster.opened(~ground, 1)
    product = raster.largest(product, share=0.08)
    return product & ~_holes(product, far, shadow, threshold)


def _holes(product: Mask, far: Floats, shadow: Mask, threshold: float) -> Mask:
    """Find the openings in the product (a handle, the legs of a chair) that show clean background.

    White letters on a mug look the same, so an opening must be large and very close to the background.
    """
    inside = product & (far < threshold * 0.7)
    found = raster.labels(raster.opened(inside, 2))
    sizes = np.bincount(found.ravel(), minlength=1)
    sums = np.bincount(found.ravel(), weights=far.ravel(), minlength=1)
    good = (sizes > 0.006 * product.sum()) & (sums / np.maximum(sizes, 1) < threshold * 0.45)
    good[0] = False
    return raster.dilate(np.asarray(good[found]), 1) & inside
