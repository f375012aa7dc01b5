"""Finds the product in a photo: a look at the whole of it, then two at the part where the product is.

The second look is what makes the quality: a small product gets several times the pixels, and what the first look took
along from the room goes. It is done straight and mirrored; where the two differ the network is guessing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageOps

from lib import config
from lib.drawing.cut import network
from lib.drawing.cut.result import Side
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

PART = 0.05  # of the largest part: less than that is no part of the product
MARGIN = 0.1  # of the box's longer side, around it
GROWTH = 0.3  # of the box's longer side, where the product goes on beyond it
ROUNDS = 3
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
    parts: Mask | None = None  # of the box: what is product beyond doubt

    @property
    def mask(self) -> Floats:
        """Return the mean of both looks."""
        return np.asarray((self.straight + self.mirrored) / 2, dtype=np.float32)

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
        return seen_here if self.parts is None else np.maximum(seen_here, self.parts)

    def within(self, width: int, height: int) -> Mask:
        """Return the mask in a copy of the whole photo of this size."""
        left, top, right, bottom = self.place
        x, y = round(left * width), round(top * height)
        wide, high = max(1, round(right * width) - x), max(1, round(bottom * height) - y)
        whole = np.zeros((height, width), dtype=bool)
        part = raster.resized(self.mask, (wide, high)) > 0.5
        whole[y : y + high, x : x + wide] = part[: height - y, : width - x]
        return whole

    def with_parts(self, parts: Mask) -> "Sighting":
        """Return the same with these pixels taken for certain."""
        looks = [np.where(parts, np.float32(1), look) for look in (self.straight, self.mirrored)]
        return replace(self, straight=looks[0], mirrored=looks[1], parts=parts)

    def sides(self) -> tuple[Side, ...]:
        """Return the sides at which the photo crops the product."""
        ends = _ends(self.box, self.size)
        return tuple(side for side, share in _touched(self.mask).items() if ends[side] and share > TOUCH)


def sides_of_looks() -> tuple[int, int]:
    """Return the pixels of a side at which the whole photo, and then its product, are looked at: 192 and 320."""
    side = config.get().cut_side
    return max(64, side * 3 // 5 // 32 * 32), side


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
