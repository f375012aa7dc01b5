"""Finds the product in a photo: a look at the whole of it, then two at the part where the product is.

The second look is what makes the quality: a small product gets several times the pixels, and what the first look took
along from the room goes. It is done straight and mirrored; where the two differ the network is guessing, and a
third look, from farther away, tells what goes with the product: the whole bowl, not its berries alone. It is as coarse
as the first: the fewer pixels, the more of a thing is seen as one, and an edge is the two close looks' affair.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lib import config
from lib.drawing.cut import network
from lib.drawing.cut.result import Side
from lib.drawing.cut.vote import Votes
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

PART = 0.05  # of the largest part: less than that is no part of the product
MARGIN = 0.1  # of the box's longer side, around it
GROWTH = 0.3  # of the box's longer side, where the product goes on beyond it
ROUNDS = 3
STEP_BACK = 0.25  # of the box's longer side, on all sides, for the look from farther away
TOUCH = 0.012  # of a side: a corner may graze it

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sighting:
    """The product as it was found; masks are floats from 0 to 1."""

    size: tuple[int, int]  # of the photo
    whole: Floats  # of the photo, squashed to a square
    box: Box  # of the photo, in its pixels
    straight: Floats  # of the box, squashed to a square
    mirrored: Floats
    farther: Floats | None = None  # of the box, too: what was seen from farther away
    parts: Mask | None = None  # of the box: what is product beyond doubt
    gaps: Mask | None = None  # of the box: what is ground, though a coarse look takes it for product
    lacking: float = 0.0  # shares of the product, by its own colours, that a close look left out
    dropped: float = 0.0  # shares of the product that one close look saw, and that are not in the cut
    outline: Floats | None = None  # of the box: the mask as SAM draws it; without it, what the looks make of it

    @property
    def first(self) -> "Sighting":
        """Return what the first look at the whole photo saw, as if it were all."""
        return Sighting(self.size, self.whole, (0, 0, *self.size), self.whole, self.whole)

    @property
    def looks(self) -> list[Floats]:
        """Return the close looks at the box."""
        return [self.straight, self.mirrored, *([] if self.farther is None else [self.farther])]

    @functools.cached_property
    def mask(self) -> Floats:
        """Return the outline; or the mean of two looks; of three what two agree on, or all saw, as the first has it."""
        if self.outline is not None:
            return self.outline
        if self.farther is None:
            return self.agreed
        return max(self.agreed, self.fullest, key=lambda mask: self._as_searched(mask) - unclear(mask))

    @property
    def agreed(self) -> Floats:
        """Return what most looks agree on."""
        return np.asarray(np.median(self.looks, axis=0), dtype=np.float32)

    @property
    def fullest(self) -> Floats:
        """Return all that one look or another saw."""
        return np.asarray(np.max(self.looks, axis=0), dtype=np.float32)

    def _as_searched(self, mask: Floats) -> float:
        return raster.iou(mask > 0.5, self.searched > 0.5)

    @property
    def overlap(self) -> float:
        """Return how well the two looks overlap that are most alike."""
        pairs = itertools.combinations([look > 0.5 for look in self.looks], 2)
        return max(raster.iou(one, other) for one, other in pairs)

    @property
    def place(self) -> tuple[float, float, float, float]:
        """Return the box in shares of the photo's sides."""
        (width, height), (left, top, right, bottom) = self.size, self.box
        return left / width, top / height, right / width, bottom / height

    @property
    def searched(self) -> Floats:
        """Return what the first look saw in the box, of the size of the others."""
        left, top, right, bottom = (value * len(self.whole) for value in self.place)
        picture, side = Image.fromarray(self.whole), len(self.straight)
        seen = picture.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, right, bottom))
        seen_here = np.asarray(seen, dtype=np.float32)
        whole = seen_here if self.parts is None else np.maximum(seen_here, self.parts)
        return self.opened(whole)

    def opened(self, look: Floats) -> Floats:
        """Return a coarse look without the gaps that it has not seen."""
        return look if self.gaps is None else np.where(self.gaps, np.float32(0), look)

    def within(self, width: int, height: int, mask: Floats | None = None) -> Mask:
        """Return the mask, or another of the box, in a copy of the whole photo of this size."""
        left, top, right, bottom = self.place
        x, y = round(left * width), round(top * height)
        wide, high = max(1, round(right * width) - x), max(1, round(bottom * height) - y)
        whole = np.zeros((height, width), dtype=bool)
        part = raster.resized(self.mask if mask is None else mask, (wide, high)) > 0.5
        whole[y : y + high, x : x + wide] = part[: height - y, : width - x]
        return whole

    def with_parts(self, parts: Mask) -> "Sighting":
        """Return the same with these pixels taken for certain."""
        return replace(self._with(parts, 1), parts=parts)

    def voted(self, votes: Votes) -> "Sighting":
        """Return the same with these parts settled in every look."""
        return replace(
            self._with(votes.product, 1)._with(votes.ground | votes.gaps, 0),
            gaps=votes.gaps if self.gaps is None else self.gaps | votes.gaps,
            lacking=max(self.lacking, votes.lacking),
        )

    def without(self, ground: Mask) -> "Sighting":
        """Return the same with these pixels taken for ground."""
        return self._with(ground, 0)

    def outlined(self, outline: Floats) -> "Sighting":
        """Return the same with its mask drawn anew."""
        return replace(self, outline=outline)

    def widened(self, box: Box) -> "Sighting":
        """Return the same with a larger box, where nothing was seen beyond the old one."""
        size = (box[2] - box[0], box[3] - box[1])
        place = tuple(
            (old - start) / length
            for old, start, length in zip(self.box, (*box[:2], *box[:2]), (*size, *size), strict=True)
        )
        looks = [_placed(look, place) for look in self.looks]
        masks = [None if mask is None else _placed(mask, place) > 0.5 for mask in (self.parts, self.gaps)]
        farther = looks[2] if len(looks) > 2 else None
        return replace(
            self,
            box=box,
            straight=looks[0],
            mirrored=looks[1],
            farther=farther,
            parts=masks[0],
            gaps=masks[1],
            outline=None if self.outline is None else _placed(self.outline, place),
        )

    def lacking_of(self, seen: Mask) -> "Sighting":
        """Return the same with a note of how much of what was seen is not in the cut, but for an edge's thin line."""
        solid: Mask = self.mask > 0.5
        gone = raster.opened(seen & ~solid, 1)
        return replace(self, dropped=max(self.dropped, float(gone.sum()) / max(1.0, float(solid.sum()))))

    def _with(self, where: Mask, value: float) -> "Sighting":
        looks = [np.where(where, np.float32(value), look) for look in self.looks]
        return replace(self, straight=looks[0], mirrored=looks[1], farther=looks[2] if len(looks) > 2 else None)

    def sides(self) -> tuple[Side, ...]:
        """Return the sides at which the photo crops the product."""
        ends = _ends(self.box, self.size)
        return tuple(side for side, share in _touched(self.mask).items() if ends[side] and share > TOUCH)


def sides_of_looks() -> tuple[int, int]:
    """Return the pixels of a side at which the whole photo, and then its product, are looked at: 192 and 320."""
    side = config.get().cut_side
    return max(64, side * 3 // 5 // 64 * 64), side


def find(photo: Image.Image, beside: Callable[[Mask], Mask] | None = None) -> Sighting | None:
    """Look for the product, or return None where nothing stands out.

    Of a mask of the whole photo `beside` gives what else belongs to the product: its loose parts and thin legs.
    """
    search, side = sides_of_looks()
    whole = network.find(photo, search)
    seen = whole > 0.5
    box = _box(seen | beside(seen) if beside else seen, photo.size)
    if box is None:
        return None
    for _ in range(ROUNDS):
        crop = photo.crop(box)
        straight = network.find(crop, side)
        grown = _grown(box, straight, photo.size)
        if grown == box:
            break
        box = grown
    else:
        crop = photo.crop(box)
        straight = network.find(crop, side)
    mirrored = network.find(ImageOps.mirror(crop), side)[:, ::-1]
    return Sighting(photo.size, whole, box, straight, mirrored)


def again(photo: Image.Image, found: Sighting) -> Sighting:
    """Look once more at what two looks have left in doubt: from farther away."""
    left, top, right, bottom = found.box
    step = STEP_BACK * max(right - left, bottom - top)
    wider = _inside((left - step, top - step, right + step, bottom + step), photo.size)
    search, side = sides_of_looks()
    seen = network.find(photo.crop(wider), search)
    across, down = search / (wider[2] - wider[0]), search / (wider[3] - wider[1])
    place = (
        (left - wider[0]) * across,
        (top - wider[1]) * down,
        (right - wider[0]) * across,
        (bottom - wider[1]) * down,
    )
    part = Image.fromarray(seen).resize((side, side), Image.Resampling.BILINEAR, box=place)
    return replace(found, farther=found.opened(np.asarray(part, dtype=np.float32)))


def unclear(mask: Floats) -> float:
    """Return how many pixels away from the edge are neither product nor ground, for each of the product."""
    solid: Mask = mask > 0.5
    edge = raster.dilate(solid, 4) & ~raster.erode(solid, 4)
    return float(((mask > 0.15) & (mask < 0.85) & ~edge).sum()) / max(1.0, float(solid.sum()))


def wider(found: Sighting, masks: Sequence[Floats]) -> Box:
    """Return the box with its sides moved outwards that one of the masks touches, as far as there is photo."""
    return _grown(found.box, np.max(masks, axis=0), found.size)


def _placed(plane: NDArray[Any], place: tuple[float, ...]) -> Floats:
    """Return a plane of the same size in which the old one fills this place, in shares of its sides."""
    side = len(plane)
    left, top, right, bottom = (round(share * side) for share in place)
    whole = np.zeros((side, side), dtype=np.float32)
    whole[top:bottom, left:right] = raster.resized(plane, (right - left, bottom - top))
    return whole


def _box(seen: Mask, size: tuple[int, int]) -> Box | None:
    mask = raster.largest(seen, share=PART)
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    across, down = size[0] / seen.shape[1], size[1] / seen.shape[0]
    left, right = columns[0] * across, (columns[-1] + 1) * across
    top, bottom = rows[0] * down, (rows[-1] + 1) * down
    margin = MARGIN * max(right - left, bottom - top)
    return _inside((left - margin, top - margin, right + margin, bottom + margin), size)


def _inside(box: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
    left, top, right, bottom = (round(value) for value in box)
    return max(0, left), max(0, top), min(size[0], right), min(size[1], bottom)


def _grown(box: Box, mask: Floats, size: tuple[int, int]) -> Box:
    """Move the sides that the product touches outwards, as far as there is photo."""
    ends, touched = _ends(box, size), _touched(mask)
    step = GROWTH * max(box[2] - box[0], box[3] - box[1])
    move = {side: step if touched[side] > TOUCH and not ends[side] else 0.0 for side in ends}
    wider = (box[0] - move["left"], box[1] - move["top"], box[2] + move["right"], box[3] + move["bottom"])
    return _inside(wider, size)


def _ends(box: Box, size: tuple[int, int]) -> dict[Side, bool]:
    """Tell which sides of the box are the photo's own."""
    return {"top": box[1] == 0, "right": box[2] == size[0], "bottom": box[3] == size[1], "left": box[0] == 0}


def _touched(mask: Floats) -> dict[Side, float]:
    """Return the share of each side that the product touches."""
    solid: Mask = mask > 0.5
    lines = {"top": solid[:2], "right": solid[:, -2:].T, "bottom": solid[-2:], "left": solid[:, :2].T}
    return {side: float(line.any(0).mean()) for side, line in lines.items()}  # type: ignore[misc]
