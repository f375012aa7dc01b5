"""Where the product stands on a card: whole, as large as fits, and hidden but little by what lies before it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.cover.paper import Point, Spot

HIDDEN = 0.06  # of the product, at most, under a seal or a tag
UNDER = 0.02  # of it, at most, under a plate: toes and hems lie low
THIN = 0.002  # of it, at most, that is thin: a leg, a handle, a spout
AIR = 14  # units round a seal that a thin part stays away from
CELLS = 60  # the product is looked at in so many cells a side
LEAST = 7  # of them: what is narrower is thin
EQUAL = 0.97  # of the most structure: no less fine


@dataclass(frozen=True)
class Subject:
    """The product as a design sees it: cropped to itself, and how it stands."""

    image: Image.Image  # RGBA
    hangs: bool = False
    sides: tuple[str, ...] = ()  # edges of the photo that cut it: it must stand at the same edges of the card

    @property
    def aspect(self) -> float:
        """Width to height."""
        return self.image.width / self.image.height

    @property
    def is_wide(self) -> bool:
        """Whether it needs the whole width."""
        return self.aspect > 1.25

    @property
    def is_tall(self) -> bool:
        """Whether it leaves room beside it."""
        return self.aspect < 0.7

    @property
    def is_narrow(self) -> bool:
        """Whether it needs the card's whole height, however small that leaves the title beside it."""
        return self.aspect < 0.5

    @cached_property
    def solid(self) -> np.ndarray:
        """The cells that it fills."""
        return np.asarray(self.image.getchannel("A").resize((CELLS, CELLS), Image.Resampling.BOX)) > 128

    @cached_property
    def thin(self) -> np.ndarray:
        """Those of them that are of something thin."""
        wide = Image.fromarray(np.pad(self.solid, LEAST).astype(np.uint8))
        opened = wide.filter(ImageFilter.MinFilter(LEAST)).filter(ImageFilter.MaxFilter(LEAST))
        thin: np.ndarray = self.solid & (np.asarray(opened)[LEAST:-LEAST, LEAST:-LEAST] == 0)
        return thin


def place(product: Subject, room: Spot, across: float = 0.5, down: float = 1.0, over: float = 1.0) -> Spot:
    """Return where the product stands in a room: as large as fits, times `over`; 0 is left or top, 1 right or low."""
    scale = min(room.width / product.image.width, room.height / product.image.height) * over
    width, height = product.image.width * scale, product.image.height * scale
    return Spot(room.x + (room.width - width) * across, room.y + (room.height - height) * down, width, height)


def smaller(product: Subject, room: Spot, across: float = 0.5, down: float = 1.0) -> Iterator[Spot]:
    """Yield where the product stands in a room, as large as fits and smaller."""
    yield from (place(product, room, across, down, over) for over in (1, 0.94, 0.88, 0.82, 0.76, 0.7))


def aside(product: Subject, room: Spot, down: float = 1.0) -> Iterator[Spot]:
    """Yield the same in the middle of the room, at its left and at its right."""
    return (spot for across in (0.5, 0, 1) for spot in smaller(product, room, across, down))


def clear(product: Subject, places: Iterable[tuple[Spot, Spot]], most: float = HIDDEN) -> tuple[Spot, Spot]:
    """Return the pair, of the product's place and of what lies before it, that shows it largest and hides little."""
    tried = [(_hidden(product, *pair, most), pair) for pair in places]
    good = [pair for hidden, pair in tried if hidden <= 1]
    return max(good, key=lambda pair: pair[0].width) if good else min(tried, key=lambda one: one[0])[1]


def _hidden(product: Subject, spot: Spot, before: Spot, most: float) -> float:
    """Return how much of the product is hidden; more than 1 is too much."""
    whole = max(1, int(product.solid.sum()))
    much = _under(product.solid, spot, before) / whole / most
    around = Spot(before.x - AIR, before.y - AIR, before.width + 2 * AIR, before.height + 2 * AIR)
    return max(much, _under(product.thin, spot, around) / whole / THIN) if before.width else 0


def _under(cells: np.ndarray, spot: Spot, before: Spot) -> int:
    """Return how many cells of a product at its place lie under what is before it."""
    x = (spot.x + (np.arange(CELLS) + 0.5) / CELLS * spot.width)[None, :]
    y = (spot.y + (np.arange(CELLS) + 0.5) / CELLS * spot.height)[:, None]
    return int((cells & (x > before.x) & (x < before.right) & (y > before.y) & (y < before.bottom)).sum())


def with_round(product: Subject, pairs: Iterable[tuple[Spot, Point]], radius: float) -> tuple[Spot, Point]:
    """Return where the product stands, and the middle of a round before it; without a radius there is no round."""
    side = radius * 1.77  # of a square as large
    spot, before = clear(product, [(spot, Spot(x - side / 2, y - side / 2, side, side)) for spot, (x, y) in pairs])
    return spot, (before.middle, before.y + before.height / 2)


def finest(product: Image.Image, count: int, share: float) -> list[Point]:
    """Return the places with the finest structure that are wholly product, far enough from each other, from the top.

    Of places no less fine it is the one in their middle. Each is the middle of a square with this share of the
    shorter side; 0 is left or top, 1 right or bottom.
    """
    factor = 200 / max(product.size)
    size = (max(20, round(product.width * factor)), max(20, round(product.height * factor)))
    grey = np.asarray(product.convert("L").resize(size), dtype=np.float32)
    solid = product.getchannel("A").resize(size).point(lambda level: 255 if level > 200 else 0)
    inner = np.asarray(solid.filter(ImageFilter.MinFilter(7))) > 0
    edges = np.zeros_like(grey)
    edges[:, 1:] += np.abs(np.diff(grey, axis=1))
    edges[1:] += np.abs(np.diff(grey, axis=0))
    side = max(8, round(share * min(size)))
    full = _sums(inner.astype(np.float32), side)
    score = np.where(full > 0.9 * full.max(), _sums(edges * inner, side), -1)
    found = list[Point]()
    while len(found) < count and score.max() >= 0:
        equal = np.argwhere(score >= EQUAL * score.max())
        y, x = (int(one) for one in equal[np.abs(equal - equal.mean(0)).sum(1).argmin()])
        found.append(((x + side / 2) / size[0], (y + side / 2) / size[1]))
        score[max(0, y - side) : y + side, max(0, x - side) : x + side] = -1
    return sorted(found, key=lambda one: one[1])


def _sums(plane: np.ndarray, side: int) -> np.ndarray:
    """Return the sum over each square of this side."""
    total = np.pad(plane.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return np.asarray(total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side])
