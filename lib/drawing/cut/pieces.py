"""Finds the pieces of a cut that may be wrong, for the seller to take away or to put back by one tap each.

areas     of one colour, inside the cut or beside it (areas.py)
measured  how each compares with the product and with the ground, and what the looks say of it
weighed   into how likely it is wrong: ground that was taken along, or a part of the product that was left out
grouped   neighbours that are likely wrong are one piece; the likeliest and largest are offered
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib.drawing.cut import areas, hues
from lib.drawing.cut.result import RIM, SETTLED, Pieces
from lib.drawing.cut.subject import Sighting
from lib.drawing.ground import colour, raster
from lib.drawing.ground.raster import Floats, Mask

AROUND = 0.12  # of the box's side: what lies beyond it may be product as well
MOST = 8  # pieces
LEAST, LARGEST = 0.004, 0.5  # of the product
LIKELY = 0.06  # wrong: with its neighbours one piece; a seller who looks decides
POSSIBLE, FARTHER = 0.03, 0.005  # a piece alone: at first, and where the seller has judged those and wants more
OWN, SEEN, CLOSE = 0.6, 0.4, 0.5  # of a look: surely the product, perhaps, and as likely as not
THIN, NEAR, EDGE, WIDE, FAR = 1, 3, 8, 24, 45  # pixels
HALF = 0.5  # of an area
POWER = 0.75  # of a piece's size, by which it weighs
UNLIKE = 60.0  # in colour: what is farther apart is simply another colour
STEEP = 20.0  # a step in colour: steeper is simply another colour

Values = NDArray[np.float64]

TOUCHES = 9  # which of the measures says how much of an area's border is the cut's edge
# What speaks for an area's being wrong, in the order of `measured`; the constant is last. Learned by dev/cut/weigh.py.
INSIDE: tuple[float, ...] = (
    -0.0738,
    -0.0156,
    -0.0159,
    0.000183,
    -2.68,
    -0.9,
    -0.986,
    -7.18,
    -0.289,
    0.152,
    -0.0191,
    0.0118,
    0.11,
    -0.948,
    1.66,
    13.2,
    -0.00495,
    7.05,
)
BESIDE: tuple[float, ...] = (
    0.129,
    -0.00876,
    0.0128,
    -0.0104,
    -0.24,
    0.884,
    2.1,
    1.79,
    -0.133,
    1.63,
    -0.0834,
    0.0892,
    -0.089,
    0.32,
    -2.66,
    1.33,
    0.0428,
    -4.64,
)


@dataclass(frozen=True)
class View:
    """The box of a product with what is around it, as large on each side as its looks are; planes from 0 to 1."""

    box: tuple[float, float, float, float]  # of the photo, in its pixels
    lab: Floats
    mask: Floats
    least: Floats  # what all close looks have seen
    most: Floats  # what any of them has
    first: Floats  # the look at the whole photo
    inner: tuple[slice, slice] = (slice(None), slice(None))  # where the box itself is

    def settled(self, product: Mask, ground: Mask) -> "View":
        """Return the same with these pixels certain."""
        planes = (self.mask, self.least, self.most, self.first)
        ground = ground | _rim_of(ground, self.mask > 0.5)
        mask, least, most, first = (
            np.where(product, np.float32(1), np.where(ground, np.float32(0), plane)) for plane in planes
        )
        return replace(self, mask=mask, least=least, most=most, first=first)


def find(rgb: Image.Image, found: Sighting) -> Pieces | None:
    """Return the pieces that may be wrong, the weightiest first."""
    seen = view(rgb, found)
    solid: Mask = seen.mask > 0.5
    if not solid.any():
        return None
    return _offered(rgb, seen, *_weighed(seen), POSSIBLE, np.zeros_like(solid))


def again(rgb: Image.Image, pieces: Pieces, wrong: Collection[int]) -> Pieces | None:
    """Return the next pieces of a cut of which these were put right, and the other numbered ones are right."""
    right = [number for number in range(1, len(pieces.signs) + 1) if number not in wrong]
    away, back = pieces.of("-", wrong) | pieces.of("+", right), pieces.of("+", wrong) | pieces.of("-", right)
    left, top, right_side, bottom = (share * side for share, side in zip(pieces.box, rgb.size * 2, strict=True))
    box = (left, top, right_side, bottom)
    planes = (pieces.least, pieces.most, pieces.first)
    looks = [np.asarray(plane / np.float32(255), dtype=np.float32) for plane in planes]
    seen = View(box, _colours(rgb, box, away.shape), pieces.mended(wrong), looks[0], looks[1], looks[2])
    if not (seen.mask > 0.5).any():
        return None
    seen = replace(seen.settled(back, away), mask=seen.mask)
    numbers, likely = _weighed(seen)
    settled = pieces.numbers > 0
    likely[np.bincount(numbers.ravel(), settled.ravel()) > HALF * np.bincount(numbers.ravel())] = 0
    return _offered(rgb, seen, numbers, likely, FARTHER, settled)


def _weighed(seen: View) -> tuple[areas.Numbers, Values]:
    """Return the number of each pixel's area, and how likely each area is wrong."""
    numbers, measures, inside = measured(seen)
    weights = np.where(inside[:, None], [INSIDE], [BESIDE])
    return numbers, 1 / (1 + np.exp(-(measures * weights[:, :-1]).sum(1) - weights[:, -1]))


def _offered(
    rgb: Image.Image, seen: View, numbers: areas.Numbers, likely: Values, least: float, settled: Mask
) -> Pieces | None:
    """Return the pieces that are wrong with at least this likelihood, neighbours together where it is high."""
    solid: Mask = seen.mask > 0.5
    sizes = np.bincount(numbers.ravel())
    likely = np.where(sizes < LARGEST * solid.sum(), likely, 0)
    parts = _parts(numbers, likely > LIKELY, solid)
    parts += [numbers == number for number in np.flatnonzero((likely > least) & (likely <= LIKELY))]
    parts = [part for part in parts if _shows(part, solid)]
    parts.sort(key=lambda part: -float(likely[numbers[part]].mean()) * float(part.sum()) ** POWER)
    if not parts:
        return None
    marks = np.where(settled, SETTLED, 0).astype(np.uint8)
    for number, part in enumerate(parts[:MOST], 1):
        marks[part] = number
    signs = "".join("-" if solid[part].any() else "+" for part in parts[:MOST])
    (left, top, right, bottom), (width, height) = seen.box, rgb.size
    place = (left / width, top / height, right / width, bottom / height)
    planes = [(plane * 255 + 0.5).astype(np.uint8) for plane in (seen.mask, seen.least, seen.most, seen.first)]
    return Pieces(planes[0], planes[1], planes[2], planes[3], marks, signs, place)


def _parts(numbers: areas.Numbers, wrong: Mask, solid: Mask) -> list[Mask]:
    """Return what neighbours make up of these areas, on either side of the cut's edge."""
    parts: list[Mask] = []
    for side in (solid, ~solid):
        joined = raster.labels(wrong[numbers] & side)
        parts += [joined == number for number in range(1, int(joined.max()) + 1)]
    return parts


def _shows(part: Mask, solid: Mask) -> bool:
    """Tell if a piece is large enough to be seen, more than a line, and at the product."""
    size = float(solid.sum())
    if not LEAST * size <= part.sum() <= LARGEST * size:
        return False
    return bool(raster.opened(part, THIN).sum() >= LEAST * size and (part & raster.dilate(solid, NEAR)).any())


def _rim_of(away: Mask, solid: Mask) -> Mask:
    """Return the faint edge that what is taken away had."""
    return np.asarray(raster.dilate(away, RIM) & ~solid)


def measured(seen: View) -> tuple[areas.Numbers, Values, Mask]:
    """Return the number of each pixel's area, the measures of each area, and whether it lies inside the cut."""
    solid: Mask = seen.mask > 0.5
    lab, size = hues.lifted(seen.lab), float(solid.sum())
    any_look = np.maximum(seen.most, seen.first)
    own = raster.erode(seen.least > OWN, NEAR)
    ground = ~raster.dilate(any_look > SEEN, NEAR + 1)
    beside = raster.dilate(solid, FAR) & ground
    likelier = hues.likelier(lab, own, beside if beside.sum() > hues.FEW else ground)
    numbers = areas.find(lab, solid)
    count = np.bincount(numbers.ravel()).astype(np.float64)

    def mean(plane: NDArray[np.generic]) -> Values:
        return np.bincount(numbers.ravel(), plane.ravel().astype(np.float64)) / count

    rim, crossing, step_out, step_in = _borders(numbers, lab, solid)
    down, across = _places(solid)
    columns = [
        mean(np.clip(likelier, -5, 5)),
        mean(_unlike(lab, ground, WIDE)),
        mean(_unlike(lab, own, WIDE)),
        mean(_unlike(lab, ~raster.dilate(any_look > CLOSE, THIN + 1), EDGE)),
        mean(seen.least),
        mean(seen.most),
        mean(seen.first),
        mean(seen.mask),
        np.log(count / size),
        crossing / np.maximum(rim, 1),
        np.minimum(step_out, STEEP),
        np.minimum(step_in, STEEP),
        count / np.maximum(rim, 1),
        mean(down),
        mean(across),
        mean(_rim(solid)),
        mean(np.hypot(lab[..., 1], lab[..., 2])),
    ]
    return numbers, np.stack(columns, axis=1), mean(solid) > 0.5


def view(rgb: Image.Image, found: Sighting) -> View:
    """Look at the box and around it; the looks see nothing there but the first."""
    side, (left, top, right, bottom) = len(found.straight), found.box
    across, down = (right - left) / side, (bottom - top) / side  # pixels of the photo for one of a look
    room = [left / across, top / down, (rgb.width - right) / across, (rgb.height - bottom) / down]
    west, north, east, south = (int(min(AROUND * side, pixels)) for pixels in room)
    box = (left - west * across, top - north * down, right + east * across, bottom + south * down)
    size = (side + west + east, side + north + south)
    shares = np.array(box) / [rgb.width, rgb.height, rgb.width, rgb.height] * len(found.whole)
    first = Image.fromarray(found.whole).resize(size, Image.Resampling.BILINEAR, box=tuple(shares))
    planes = (found.mask, np.min(found.looks, axis=0), found.fullest)
    mask, least, most = (np.pad(plane, ((north, south), (west, east))) for plane in planes)
    inner = (slice(north, north + side), slice(west, west + side))
    return View(box, _colours(rgb, box, mask.shape), mask, least, most, np.asarray(first), inner)


def _colours(rgb: Image.Image, box: tuple[float, float, float, float], shape: tuple[int, ...]) -> Floats:
    small = np.asarray(rgb.resize((shape[1], shape[0]), Image.Resampling.BOX, box=box))
    return np.asarray(colour.oklab(small) * hues.SCALE, dtype=np.float32)


def _places(solid: Mask) -> tuple[Floats, Floats]:
    """Return how far down the product each pixel lies, and how far aside of its middle, in shares of its size."""
    rows, columns = np.nonzero(solid)
    down = (np.arange(solid.shape[0]) - rows.min()) / max(1, int(np.ptp(rows)))
    across = np.abs(np.arange(solid.shape[1]) - columns.mean()) / max(1, int(np.ptp(columns)))
    return np.broadcast_to(down[:, None], solid.shape), np.broadcast_to(across, solid.shape)


def _rim(solid: Mask) -> Mask:
    rim = np.ones_like(solid)
    rim[2:-2, 2:-2] = False
    return rim


def _unlike(lab: Floats, where: Mask, radius: int) -> Floats:
    """Return how far each pixel's colour is from the mean of those `where` nearby, or else of those farther off."""
    weight = where.astype(np.float32)
    planes = np.dstack([lab * weight[..., None], weight])
    sums = raster.box(planes, radius) + raster.box(planes, 4 * radius) * np.float32(0.02)
    means = sums[..., :3] / np.maximum(sums[..., 3:], 1e-5)
    return np.minimum(np.sqrt(((lab - means) ** 2).sum(-1)), np.float32(UNLIKE))


def _borders(numbers: areas.Numbers, lab: Floats, solid: Mask) -> tuple[Values, Values, Values, Values]:
    """Return the length of each area's border, how much of it is the cut's edge, and the steps in colour there and
    along the rest of it.
    """
    one, other = areas.neighbours(solid.shape)
    flat, count = numbers.ravel(), int(numbers.max()) + 1
    border = flat[one] != flat[other]
    one, other = one[border], other[border]
    colours, inside = lab.reshape(-1, 3), solid.ravel()
    step = np.sqrt(((colours[one] - colours[other]) ** 2).sum(1))
    edge = inside[one] != inside[other]

    def total(values: NDArray[np.generic]) -> Values:
        both = (np.bincount(flat[end], values.astype(np.float64), minlength=count) for end in (one, other))
        return np.asarray(sum(both))

    rim, crossing = total(np.ones_like(step)), total(edge)
    step_out, step_in = total(step * edge), total(step * ~edge)
    return rim, crossing, step_out / np.maximum(crossing, 1), step_in / np.maximum(rim - crossing, 1)
