"""Draws the outline of the product that was found: SAM is asked for it in several ways, and one answer is taken.

u2netp tells what stands out of a photo, and where; SAM tells where a thing ends, but not which thing is meant. So it is
asked what lies in the product's box, at points that are certain, and in the boxes of the product's parts. The answer
that is taken is like what was found and held for good by SAM itself. Where the two differ much it is mostly what was
found that is wrong: an opening that was filled, a white side that was lost, a blanket that was taken along.
"""

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from lib.drawing.cut import subject
from lib.drawing.cut.sam import decoder, encoder
from lib.drawing.cut.sam.decoder import MaskAnswer
from lib.drawing.cut.sam.encoder import Embedding
from lib.drawing.cut.sam.prompts import Box, Point
from lib.drawing.cut.subject import Sighting
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

SIDE = 1024  # pixels of the longer side, as it was taught
CERTAIN, SURELY_NOT = 0.7, 0.15  # of what all looks saw, and of what any of them saw
POINTS = 4  # on the product, and as many beside it
DEEP, APART = 2, 0.15  # pixels from the edge of what is certain; of the side, from each other
PART, PARTS = 0.03, 5  # of the largest part: less is none; so many are asked for
ROUNDS = 3  # in which the box is widened
LIKELY, LIKELY_HELD = 0.6, 0.9  # an outline that may be of the whole product, and tells where that goes on
HELD = 0.6  # how SAM's own judgement weighs against the likeness with what was found
VAGUE = 0.15  # and 1 less that: a pixel between these is neither
SOFT = 1.0  # of an answer's numbers: below it is not certain of a pixel
FAINT, LED = 0.02, 0.5  # what was found, and how much it weighs where an answer is not certain

Question = Literal["box", "both", "points", "parts"]


@dataclass(frozen=True, eq=False)
class Outline:
    """One answer: the mask of the sighting's box, and what speaks for it, each from 0 to 1."""

    question: Question
    mask: Floats
    quality: float  # overlap with the true mask, as SAM guesses it
    steady: float  # overlap of its masks at two thresholds
    alike: float  # overlap with what was found

    @property
    def held(self) -> float:
        """Return how good SAM holds it for."""
        return self.quality * self.steady

    @property
    def vague(self) -> float:
        """Return how many pixels are neither product nor ground, for each of the product."""
        unsure = (self.mask > VAGUE) & (self.mask < 1 - VAGUE)
        return float(unsure.sum()) / max(1.0, float((self.mask > 0.5).sum()))

    @property
    def worth(self) -> float:
        """Return how much speaks for it."""
        return self.alike + HELD * self.held


def find(rgb: Image.Image, seen: Sighting) -> tuple[Sighting, list[Outline]]:
    """Return the outlines of what was seen, the best first; none where nothing was seen, or without SAM's weights.

    Where one of them goes on beyond the box the box is widened, and all is asked once more: a guitar has its neck.
    """
    if not (seen.mask > 0.5).any() or not decoder.is_ready():
        return seen, []
    outlines = _asked(rgb, seen)
    for _ in range(ROUNDS):
        likely = [one.mask for one in outlines if one.alike > LIKELY and one.held > LIKELY_HELD]
        box = subject.wider(seen, [outlines[0].mask, *likely])
        if box == seen.box:
            break
        moved = [side for side, (old, new) in enumerate(zip(seen.box, box, strict=True)) if old != new]
        seen = seen.outlined(np.maximum(seen.mask, outlines[0].mask)).widened(box)
        outlines = _asked(rgb, seen, moved)
    return seen, outlines


def _asked(rgb: Image.Image, seen: Sighting, moved: Collection[int] = ()) -> list[Outline]:
    """Ask for the product; its box reaches to the sides that were moved: left, top, right, bottom."""
    crop = rgb.crop(seen.box)
    looked, ends = encoder.embed(crop, SIDE), (0, 0, *crop.size)
    tight = _box(looked, seen.mask > 0.5)
    left, top, right, bottom = (ends[side] if side in moved else tight[side] for side in range(4))
    answers = _answers(looked, seen, (left, top, right, bottom))
    outlines = [_outline(question, *answer, seen.mask) for question, answer in answers]
    return sorted(outlines, key=lambda outline: outline.worth, reverse=True)


def agreed(outlines: Sequence[Outline]) -> float:
    """Return how well the best outline overlaps with the best answer to each other question."""
    best = {outline.question: outline for outline in reversed(outlines) if outline.question != "parts"}
    others = [other for other in best.values() if other is not outlines[0]]
    return min((raster.iou(outlines[0].mask > 0.5, other.mask > 0.5) for other in others), default=0.0)


def _answers(looked: Embedding, seen: Sighting, box: Box) -> Iterator[tuple[Question, tuple[Floats, float]]]:
    """Ask for the product, and give each mask with its quality."""
    solid: Mask = seen.mask > 0.5
    on = _points(looked, np.min(seen.looks, axis=0) > CERTAIN, on=True)
    off = _points(looked, np.max(seen.looks, axis=0) < SURELY_NOT, on=False)
    yield from (("box", one) for one in _masks(decoder.ask(looked, box)))
    if on:
        yield from (("both", one) for one in _masks(decoder.ask(looked, box, [*on, *off]))[1:])
        yield from (("points", one) for one in _masks(decoder.ask(looked, points=on))[1:])
    parts = [
        max(_masks(decoder.ask(looked, _box(looked, part)))[1:], key=lambda one: one[1])
        for part in _parts(raster.opened(solid, 1))
    ]
    if len(parts) > 1:
        together: Floats = functools.reduce(np.maximum, [mask for mask, _ in parts])
        yield "parts", (together, min(quality for _, quality in parts))


def _masks(answer: MaskAnswer) -> list[tuple[Floats, float]]:
    return list(zip(answer.masks, answer.quality.tolist(), strict=True))


def _outline(question: Question, numbers: Floats, quality: float, found: Floats) -> Outline:
    side = len(found)
    large = np.asarray(Image.fromarray(numbers).resize((side, side), Image.Resampling.BILINEAR), dtype=np.float32)
    own = np.clip(found, FAINT, 1 - FAINT)
    led = np.clip(large + LED * np.log(own / (1 - own)), -30, 30)
    return Outline(
        question=question,
        mask=np.asarray(1 / (1 + np.exp(-led)), dtype=np.float32),
        quality=min(1.0, max(0.0, quality)),
        steady=raster.iou(large > SOFT, large > -SOFT),
        alike=raster.iou(large > 0, found > 0.5),
    )


def _box(looked: Embedding, part: Mask) -> Box:
    """Return the box of a part of a mask, in pixels of what SAM looked at before it was enlarged."""
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    across, down = _steps(looked, part)
    return columns[0] * across, rows[0] * down, (columns[-1] + 1) * across, (rows[-1] + 1) * down


def _steps(looked: Embedding, mask: Mask) -> tuple[float, float]:
    """Return how many pixels of the picture one of the mask is, across and down."""
    width, height = looked.size
    return width / looked.scale / mask.shape[1], height / looked.scale / mask.shape[0]


def _points(looked: Embedding, certain: Mask, *, on: bool) -> list[Point]:
    """Return points deep inside a mask and far from each other."""
    depth, left = _depth(certain), certain
    rows, columns = np.mgrid[: certain.shape[0], : certain.shape[1]]
    across, down = _steps(looked, certain)
    points: list[Point] = []
    while len(points) < POINTS:
        deepest = np.where(left, depth, 0)
        row, column = np.unravel_index(int(deepest.argmax()), deepest.shape)
        if deepest[row, column] <= DEEP:
            break
        points.append(((column + 0.5) * across, (row + 0.5) * down, on))
        away = max(2 * float(depth[row, column]), APART * len(certain))
        left = left & ((rows - row) ** 2 + (columns - column) ** 2 >= away**2)
    return points


def _depth(mask: Mask) -> Floats:
    """Return how many pixels deep in the mask each pixel lies; a side of the picture is no edge of the mask."""
    depth, left = np.zeros(mask.shape, dtype=np.float32), mask
    for _ in range(len(mask) // 2):
        depth += left
        left = raster.erode(left, 1)
    return depth


def _parts(solid: Mask) -> list[Mask]:
    """Return the larger parts of a mask that do not hang together, the largest first."""
    numbers = raster.labels(solid)
    sizes = np.bincount(numbers.ravel())[1:]
    largest = np.argsort(-sizes)[:PARTS]
    return [numbers == number + 1 for number in largest if sizes[number] >= PART * sizes.max()]
