"""Cuts a product off a plain studio background, by its distance from the colour that the background would have.

The background's colour is a smooth surface fitted to the outer ring of the picture, so a lit wall that darkens towards
a corner is still plain. What the surface explains and the edge of the picture reaches is background; a soft shadow is
the same hue, only darker, without an edge of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

RING = 0.03  # of the shorter side
PLAIN_SHARE = 0.78  # of the ring that the surface must explain
PLAIN_SPREAD = 3.2  # median distance of the ring from the surface
JOINT = 3  # pixels, twice, over which a line may be too faint to see
MANY = 40  # pixels of a floor's joints, by which their colour is known
SPOT = 0.005  # of the product
GLINT = 28.0  # from the background: few shadows are so deep
TINTED = 10.0  # away from the background's colour: more than the light that a product throws on the floor
SHARP = 7.0  # a step in colour from pixel to pixel that no shadow has
STUDIO = 7.5  # a threshold up to which the background is as even as a studio's: no floor, no folds of cloth
EVEN, SMOOTH = 0.2, 1.0  # spread of a ground that is one colour, and of one that a photo shows smooth
NEXT = 2.5  # from the background: the least that is not the background's own
FADES, ROUGH = 0.8, 1.9  # steps in lightness of a soft shadow, on a ground of one colour and on others
STEP, STEPS = 4.0, 0.3  # a step in colour where a shadow has none, and the share of a thing's rim that has it
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


def cuts(lab: Floats, backdrop: Backdrop) -> list[Mask]:
    """Return the product's possible masks, best first; none when they depend on where the threshold is set."""
    threshold = _threshold(backdrop)
    masks = [_cut_at(lab, backdrop, threshold * factor) for factor in (1.0, 0.7, 1.5)]
    if min(raster.iou(masks[0], other) for other in masks[1:]) < STABLE:
        return []
    bare = _unshadowed(masks[0], _shadow(lab, backdrop), 0.22)
    return [masks[0]] if bare is masks[0] else [masks[0], bare]


def _shadow(lab: Floats, backdrop: Backdrop, tint: float = 4.5) -> Mask:
    """Find what could be a shadow: the background's hue, only darker.

    Dimmed light takes colour along with lightness; a lit wall nearby gives some of it back. Either will do.
    """
    away = lab - backdrop.surface
    dimmed = backdrop.surface[..., 1:] * (lab[..., :1] / np.maximum(backdrop.surface[..., :1], 1))
    hue = np.sqrt(np.minimum(((lab[..., 1:] - dimmed) ** 2).sum(-1), (away[..., 1:] ** 2).sum(-1)))
    return np.asarray((away[..., 0] < tint - 3.5) & (away[..., 0] > -38) & (hue < tint))


def _threshold(backdrop: Backdrop) -> float:
    """Return how far from the background a colour is no longer its own."""
    return float(np.clip(4.0 + 3.0 * backdrop.spread, 5.0, 11.0))


def within(backdrop: Backdrop, box: tuple[float, float, float, float], side: int) -> Backdrop:
    """Return the background of a part of the picture, `side` squared; the box is in shares of the picture's sides."""
    height, width = backdrop.surface.shape[:2]
    place = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    planes = [
        Image.fromarray(plane).resize((side, side), Image.Resampling.BILINEAR, box=place)
        for plane in np.ascontiguousarray(np.moveaxis(backdrop.surface, -1, 0))
    ]
    return replace(backdrop, surface=np.dstack([np.asarray(plane) for plane in planes]))


def parts(lab: Floats, backdrop: Backdrop, product: Mask) -> Mask:
    """Return what belongs to the product beyond all doubt: of its mask, and thin legs and loose parts that it lacks.

    A shadow is neither coloured nor both thin and sharp. What goes on beyond the picture is the room.
    """
    away = lab - backdrop.surface
    least = 1.5 * _threshold(backdrop)
    unlike = np.linalg.norm(away, axis=-1) > least
    coloured = np.hypot(away[..., 1], away[..., 2]) > max(TINTED, least)
    sure = unlike & (coloured | ((_steepest(lab) > SHARP) & ~raster.opened(unlike, 3)))
    apart = ~raster.dilate(product, 1)
    # The joints of a floor are thin and sharp, too, and go on to the edge, here and there faintly.
    room = raster.from_border(raster.dilate(unlike & apart, JOINT))
    lacking = _unlike_joints(lab, sure & apart & ~room, sure & apart & room)
    lacking = _edged(lacking, _steepest(lab) > STEP, product)
    kept = raster.largest(raster.dilate(lacking | product, 2), share=0.03)
    return np.asarray(kept & (lacking | (sure & product)))


def _unlike_joints(lab: Floats, lacking: Mask, joints: Mask) -> Mask:
    """Drop what has the colour of a floor's joints: between two legs of trousers they end at the product."""
    if joints.sum() < MANY:
        return lacking
    alike = lacking & (np.linalg.norm(lab - np.median(lab[joints], axis=0), axis=-1) < TINTED)
    found = raster.labels(raster.dilate(lacking, 1))
    sizes = np.bincount(found[lacking], minlength=int(found.max()) + 1)
    return np.asarray(lacking & (np.bincount(found[alike], minlength=len(sizes)) * 2 < sizes)[found])


def _edged(lacking: Mask, steep: Mask, product: Mask) -> Mask:
    """Drop the parts that fade away where they end: a lamp's glare on red cloth is orange, and no part of a jacket."""
    found = raster.labels(lacking)
    rim = lacking & ~raster.erode(lacking, 1) & ~raster.dilate(product, 5)
    lengths = np.bincount(found[rim], minlength=int(found.max()) + 1)
    sharp = np.bincount(found[rim & steep], minlength=len(lengths))
    return np.asarray(lacking & (sharp >= STEPS * lengths)[found])


def left_out(lab: Floats, backdrop: Backdrop, product: Mask) -> float:
    """Return how much on an even background a cut left out, in shares of the cut: a pale shell, a hand before it.

    Not what is a shadow, by its hue or because it fades away.
    """
    threshold = _threshold(backdrop)
    if threshold > STUDIO:
        return 0.0
    unlike = (np.linalg.norm(lab - backdrop.surface, axis=-1) > 1.5 * threshold) & ~_shadow(lab, backdrop)
    beside = raster.largest(raster.opened(unlike & ~raster.dilate(product, 3), 1), share=0.2)
    rim = beside & ~raster.erode(beside, 1) & ~raster.dilate(product, 5)
    sharp = float((_steepest(lab)[rim] > STEP).mean()) if rim.any() else 0.0
    return float(beside.sum()) / max(1.0, float(product.sum())) if sharp > STEPS else 0.0


def standing(lab: Floats, backdrop: Backdrop) -> Mask | None:
    """Return all that stands out from a smooth background, white from white, with any sharp shadow; else None."""
    if backdrop.spread > SMOOTH:
        return None
    found = _apart(lab, backdrop, NEXT, FADES if backdrop.spread < EVEN else ROUGH)
    return found if found.any() else None


def _apart(lab: Floats, backdrop: Backdrop, threshold: float, step: float) -> Mask:
    """Return what the background does not reach from the picture's edge: not over a step in lightness, nor a hue."""
    far = np.linalg.norm(lab - backdrop.surface, axis=-1)
    slope = np.hypot(*np.gradient(raster.box(lab[..., 0], 1)))
    ground = raster.from_border((far < threshold) | (_shadow(lab, backdrop) & (slope < step)))
    return raster.largest(raster.opened(~ground, 1), share=0.08)


def _steepest(lab: Floats) -> Floats:
    """Return the largest step in colour at each pixel and next to it."""
    slope = np.sqrt(sum(np.square(g) for k in range(3) for g in np.gradient(lab[..., k])))
    near = [np.roll(slope, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return np.asarray(np.max(near, axis=0), dtype=np.float32)


def _cut_at(lab: Floats, backdrop: Backdrop, threshold: float) -> Mask:
    far, shadow = np.linalg.norm(lab - backdrop.surface, axis=-1), _shadow(lab, backdrop)
    product = _apart(lab, backdrop, threshold, ROUGH)
    rim = product & ~raster.erode(product, 2)
    # Light that bounces off a bright product tints the floor beside it. Steel, grey cloth and black rubber look
    # like shadows themselves: of them, less may be taken.
    tinted = _shadow(lab, backdrop, tint=10.0)
    unlike = float(tinted[rim].mean() if rim.any() else 1.0) < 0.25
    product = _unshadowed(product, tinted, 0.15) if unlike else _unshadowed(product, shadow, 0.06)
    product = _mended(product, far)
    coloured = float(np.median(np.linalg.norm(backdrop.surface[..., 1:], axis=-1))) > 9
    if coloured:
        # Hardly anything has the colour of a coloured background by chance: every such island is an opening.
        return product & ~raster.opened(tinted | (far < threshold), 1)
    return product & ~_holes(product, far, threshold)


def _unshadowed(product: Mask, shadow: Mask, most: float) -> Mask:
    """Take shadow-like parts off the outside, or return the product as it is when that would take too much."""
    bare = raster.from_border(~product | shadow)
    less = raster.largest(raster.opened(product & ~bare, 2), share=0.08)
    lost = 1 - float(less.sum()) / max(1, int(product.sum()))
    return less if 0 < lost < most else product


def _mended(product: Mask, far: Floats) -> Mask:
    """Take in small notches that are too far from the background for a shadow: a glint on a black base is as grey."""
    found = raster.labels(raster.closed(product, 5) & ~product)
    flat, sizes = found.ravel(), np.bincount(found.ravel())
    beside, free = np.zeros(len(sizes)), np.zeros(len(sizes))
    for step in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        own = np.roll(product, step, (0, 1))
        beside += np.bincount(flat, weights=own.ravel())
        free += np.bincount(flat, weights=(~own & (np.roll(found, step, (0, 1)) == 0)).ravel())
    deep = np.bincount(flat, weights=far.ravel()) > GLINT * sizes
    good = deep & (sizes < SPOT * product.sum()) & (beside > 2.2 * free)
    good[0] = False
    return np.asarray(product | good[found])


def _holes(product: Mask, far: Floats, threshold: float) -> Mask:
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
