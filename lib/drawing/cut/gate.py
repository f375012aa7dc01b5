"""Decides how far a cut can be trusted: measures of its mask, held against limits that stand here as data.

Of what one network found, three are weighed together, for a little doubt of each kind says more than much of one: how
far the looks are apart, what the first look saw otherwise, and what was seen beside the cut. The rest are rare: each
puts a cut in doubt alone, though all looks agree. Those limits were set by eye on 1,100 cuts of photos that the network
had not been taught, half of them dim, noisy copies. Where SAM has drawn the outline (outline.py) its answers are held
against each other and against what was found; those limits were set on 350 cuts. A sure cut is used unasked, and a
hopeless one is not even offered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lib.drawing.cut import hues, outline, subject
from lib.drawing.cut.outline import Outline
from lib.drawing.cut.result import Certainty
from lib.drawing.cut.subject import Sighting
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask


@dataclass(frozen=True)
class Marks:
    """Measures of a cut by the network."""

    spread: float  # how far its looks are apart, all pixels together, for each of the product
    strayed: float  # share of cut and first look at the whole photo that only one of them has: of a jar only the lid
    beyond: float  # pixels beside the cut that one look or another takes for product, for each of the product
    overlap: float  # of the two close looks that are most alike
    inner: float  # unsure pixels away from the edge, for each of the product: the ground in a rope's loops
    unsure: float  # how unsure all pixels are together, for each of the product
    area: float  # of the photo
    lacking: float = 0.0  # shares of the product, by its own colours, that a close look left out
    shared: float = 0.0  # share of the product in strong colours that its ground has as well: red on red
    guessed: float = 0.0  # unsure pixels, too, where the product's edge hardly shows: white on white
    dropped: float = 0.0  # shares of the product that one close look saw, and that are not in the cut: wheels, legs
    arm: float = 0.0  # share of it that has the colour of skin, if it comes in from the photo's edge

    @property
    def doubt(self) -> float:
        """Return what speaks against the cut: 1 is too much."""
        return float(sum(np.sqrt(getattr(self, mark) / limit) for mark, limit in TOGETHER.items()))


TOGETHER = {"spread": 0.17, "strayed": 0.12, "beyond": 0.15}
ALONE = {
    "inner": 0.06,
    "lacking": 0.2,
    "shared": 0.33,
    "guessed": 0.004,
    "dropped": 0.015,
    "arm": 0.8,
}
# Of an outline: overlap with what was found, and with the best answers to the other questions; how good SAM holds it
# for; pixels that are neither, for each of the product.
SAME, AGREED, HELD, MOST_VAGUE = 0.88, 0.85, 0.94, 0.05
LEAST_OVERLAP, MOST_UNSURE = 0.6, 0.5  # of any use
LEAST, MOST = 0.004, 0.97  # of the photo: no product, and one with nothing around it
FAINT, ASIDE = 0.3, 4  # of a look that takes a pixel for product; pixels from the cut, where that is no edge
KEPT = 0.04  # of what is certain: as much may be the edge
CERTAIN = 0.85  # of a look that is sure of a pixel
ALIKE = 0.9  # overlap of a plain cut with the first look at the whole photo
NEAR = 3  # pixels by which two masks may differ everywhere
APIECE = 0.02  # of the product: a part that is missing, or too much, as one sees
DEEP, APART = 4, 6  # pixels from the edge, inside and outside, where each is itself alone
STEP, HARDLY = 3.0, 0.1  # in colour, where 2 is just visible; the share of an edge that hardly shows
TWICE = 2  # times as common in the product as around it: less is a colour of both
SKIN = (15.0, 75.0)  # degrees of hue, in any light and of any person
PALE, DEEP_TAN = 6.0, 32.0  # the weakest and the strongest colour of skin


def marks(found: Sighting, lab: Floats) -> Marks:
    """Measure the looks at a box, whose colours `lab` are of the same size."""
    mask = found.mask
    left, top, right, bottom = found.place
    solid: Mask = mask > 0.5
    count = max(1.0, float(solid.sum()))
    most, inner = np.max(found.looks, axis=0), subject.unclear(mask)
    seen = np.maximum(most, found.searched) > FAINT
    return Marks(
        spread=float((most - np.min(found.looks, axis=0)).sum()) / count,
        strayed=1 - raster.iou(found.searched > 0.5, solid),
        beyond=float((seen & ~raster.dilate(solid, ASIDE)).sum()) / count,
        overlap=found.overlap,
        inner=inner,
        unsure=float(np.minimum(mask, 1 - mask).sum()) / count,
        area=float(solid.mean()) * (right - left) * (bottom - top),
        lacking=found.lacking,
        shared=_shared(lab, solid),
        guessed=inner if weak_edge(lab, solid, STEP) > HARDLY else 0.0,
        dropped=found.dropped,
        arm=arm(found, lab),
    )


def _shared(lab: Floats, solid: Mask) -> float:
    """Return how much of the product has a strong colour that its ground has as well, where an edge is a guess."""
    lab, own = hues.lifted(lab), raster.erode(solid, DEEP)
    likelier = hues.likelier(lab, own, ~raster.dilate(solid, APART))
    both = own & hues.strong(hues.uncast(lab)) & (likelier < np.log(TWICE))
    return float(both.sum()) / max(1.0, float(own.sum()))


def arm(found: Sighting, lab: Floats) -> float:
    """Return how much of what comes in from the photo's edge has the colour of skin; 0 where nothing comes in.

    A hand hides what it holds, and is found in its place.
    """
    if not found.sides():
        return 0.0
    plain, solid = hues.uncast(hues.lifted(lab)), found.mask > 0.5
    hue, strength = np.degrees(np.arctan2(plain[..., 2], plain[..., 1])), np.hypot(plain[..., 1], plain[..., 2])
    skin = (hue > SKIN[0]) & (hue < SKIN[1]) & (strength > PALE) & (strength < DEEP_TAN)
    return float((skin & solid).sum()) / max(1.0, float(solid.sum()))


def certainty(found: Marks) -> Certainty:
    """Return how far a cut with these measures can be trusted."""
    if found.overlap < LEAST_OVERLAP or max(found.inner, found.unsure) > MOST_UNSURE:
        return "hopeless"
    if not LEAST <= found.area <= MOST:
        return "hopeless"
    is_sure = found.doubt <= 1 and all(getattr(found, mark) <= limit for mark, limit in ALONE.items())
    return "sure" if is_sure else "unsure"


def outlined(outlines: Sequence[Outline], *, arm: float, lacks: bool) -> Certainty:
    """Return how far the first of these outlines can be trusted.

    `arm` is the mark of that name; `lacks` tells of something beside it on a plain ground: a shadow often, but a white
    shell at times. Whether the looks of u2netp agree does not count: of ten cuts that passed by that alone, four were
    bad.
    """
    best = outlines[0]
    if lacks or arm > ALONE["arm"]:
        return "unsure"
    is_one = best.alike >= SAME and outline.agreed(outlines) >= AGREED
    return "sure" if is_one and best.held >= HELD and best.vague <= MOST_VAGUE else "unsure"


def agrees(found: Sighting, mask: Mask) -> bool:
    """Tell if a cut of the whole photo is what the looks at the product saw.

    It keeps what all of them are sure of, white letters on a shirt, and every larger part that one close look is sure
    of: the white frame of dark glasses. It has no larger part that no look saw: a skirting board. And it is mostly what
    the first look saw: not the dark stripes of a shirt, without the pale ones that the close looks had lost, too.
    """
    left, top, right, bottom = found.place
    height, width = mask.shape
    box = (left * width, top * height, right * width, bottom * height)
    side = len(found.straight)
    own = Image.fromarray(mask.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR, box=box)
    here, most = np.asarray(own) > 0.5, np.maximum(found.straight, found.mirrored)
    certain = np.min(found.looks, axis=0) > CERTAIN
    if float((certain & ~here).sum()) > KEPT * max(1.0, float(certain.sum())):
        return False
    if raster.iou(found.first.within(width, height), mask) < ALIKE:
        return False
    unseen = here & ~raster.dilate(np.maximum(most, found.searched) > 0.5, NEAR)
    lost = (most > CERTAIN) & ~raster.dilate(here, NEAR)
    return max(_part(unseen), _part(lost)) <= APIECE * max(1.0, float(here.sum()))


def _part(mask: Mask) -> int:
    """Return the size of the largest part that is no thin line."""
    return int(raster.largest(raster.opened(mask, 1)).sum())


def passes_plain(lab: Floats, mask: Mask) -> bool:
    """Check a cut by the distance from a plain background: whole, with a clear edge, and nothing left over."""
    if not _whole(mask) or weak_edge(lab, mask, 5) > 0.02 or blurred_edge(lab, mask) > 0.045:
        return False
    return _leftover(lab, mask) < 1.3 and _ragged(mask) < 1.6


def _whole(mask: Mask) -> bool:
    """Check that the product has a sensible size and lies inside the picture."""
    sides = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return 0.015 <= float(mask.mean()) <= 0.78 and max(float(side.mean()) for side in sides) < 0.03


def weak_edge(lab: Floats, mask: Mask, least: float) -> float:
    """Return the share of the edge where the product differs from what is behind it by less than this."""
    means = []
    for side in (raster.erode(mask, 1), ~raster.dilate(mask, 1)):
        weight = raster.box(side.astype(np.float32), 3)[..., None]
        means.append(raster.box(lab * side[..., None], 3) / np.maximum(weight, 1e-4))
    steps = np.linalg.norm(means[0] - means[1], axis=-1)[mask & ~raster.erode(mask, 1)]
    return float((steps < least).mean()) if steps.size else 1.0


def blurred_edge(lab: Floats, mask: Mask) -> float:
    """Return the share of the edge that is soft in the photo: a shadow's end, not the product's."""
    rim = mask & ~raster.erode(mask, 1)
    if not rim.any():
        return 1.0
    slope = np.sqrt(sum(np.square(g) for k in range(3) for g in np.gradient(lab[..., k])))
    near = np.max([np.roll(slope, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    return float((near[rim] < 4).mean())


def _leftover(lab: Floats, mask: Mask) -> float:
    """Return how much edge there is away from the product, in lengths of its own: things that were lost."""
    soft = np.stack([raster.box(lab[..., k], 1) for k in range(3)])
    slope = np.sqrt(sum(np.square(g) for plane in soft for g in np.gradient(plane)))
    slope[:3], slope[-3:], slope[:, :3], slope[:, -3:] = 0, 0, 0, 0
    return float(((slope > 2.2) & ~raster.dilate(mask, 7)).sum()) / max(1.0, _length(mask))


def _ragged(mask: Mask) -> float:
    """Return how much longer the edge is than after smoothing."""
    return _length(mask) / max(1.0, _length(raster.box(mask.astype(np.float32), 5) > 0.5))


def _length(mask: Mask) -> float:
    return float((mask & ~raster.erode(mask, 1)).sum())
