"""The sheet of a cover: shapes, words, pictures and shadows, placed in units of a 900th of its width at any size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lib.drawing.cover import letters
from lib.drawing.cover.letters import Style, TextBlock
from lib.drawing.ground.colour import Rgb

WIDTH = 900
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)
FINE = 3  # an edge is drawn so many times larger and shrunk

type Point = tuple[float, float]


@dataclass(frozen=True)
class Spot:
    """A place on the sheet, in units."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def middle(self) -> float:
        """The middle of the width."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Drop:
    """A shadow cast behind a picture: how far down, how soft, how strong."""

    down: float = 26
    blur: float = 30
    share: float = 0.28
    ink: Rgb = BLACK
    right: float = 0


class CoverSheet:
    """One sheet. Everything is drawn at once, in the order of the calls."""

    def __init__(self, width: int, height: int, ground: Rgb) -> None:
        self.image = Image.new("RGB", (width, height), ground)
        self.scale = width / WIDTH
        self.height = height / self.scale
        self.taken: list[Spot] = []  # where there are words or a picture, for what must not hide them

    def px(self, units: float) -> int:
        """Return whole pixels."""
        return round(units * self.scale)

    def lay(self, fill: Rgb, mask: Image.Image, at: tuple[int, int], share: float = 1) -> None:
        """Lay a colour through a mask whose corner lies at these pixels."""
        if share < 1:
            mask = mask.point(lambda level: round(level * share))
        self.image.paste(fill, (at[0], at[1], at[0] + mask.width, at[1] + mask.height), mask)

    def polygon(self, points: Sequence[Point], fill: Rgb, share: float = 1) -> None:
        """Fill a polygon."""
        left, top = min(x for x, _ in points), min(y for _, y in points)
        size = (max(x for x, _ in points) - left, max(y for _, y in points) - top)
        fine = self.scale * FINE
        big = Image.new("L", (max(FINE, math.ceil(size[0] * fine)), max(FINE, math.ceil(size[1] * fine))))
        ImageDraw.Draw(big).polygon([((x - left) * fine, (y - top) * fine) for x, y in points], fill=255)
        self.lay(fill, big.reduce(FINE), (self.px(left), self.px(top)), share)

    def disc(self, x: float, y: float, radius: float, fill: Rgb, share: float = 1) -> None:
        """Fill a circle."""
        self.oval(Spot(x - radius, y - radius, 2 * radius, 2 * radius), fill, share)

    def oval(self, spot: Spot, fill: Rgb, share: float = 1) -> None:
        """Fill an ellipse."""
        mask = _oval(max(1, self.px(spot.width)), max(1, self.px(spot.height)))
        self.lay(fill, mask, (self.px(spot.x), self.px(spot.y)), share)

    def ring(self, x: float, y: float, radius: float, width: float, ink: Rgb) -> None:
        """Draw the outline of a circle."""
        side, hole = self.px(2 * radius), self.px(2 * (radius - width))
        mask = _oval(side, side).copy()
        mask.paste(0, ((side - hole) // 2, (side - hole) // 2), _oval(hole, hole))
        self.lay(ink, mask, (self.px(x - radius), self.px(y - radius)))

    def tile(self, spot: Spot, radius: float, fill: Rgb, share: float = 1) -> None:
        """Fill a rectangle with round corners."""
        mask = tile_mask(max(1, self.px(spot.width)), max(1, self.px(spot.height)), self.px(radius))
        self.lay(fill, mask, (self.px(spot.x), self.px(spot.y)), share)

    def band(self, top: float, bottom: float, fill: Rgb, *, left: float = 0, right: float = WIDTH) -> None:
        """Fill a rectangle."""
        self.image.paste(fill, (self.px(left), self.px(top), self.px(right), self.px(bottom)))

    def slope(self, start: Rgb, end: Rgb, top: float = 0, bottom: float = 0, right: float = WIDTH) -> None:
        """Fill with a slope of colour downwards."""
        bottom = bottom or self.height
        high = max(1, self.px(bottom) - self.px(top))
        share = np.linspace(0, 1, high, dtype=np.float32)[:, None]
        column = (np.array(start) * (1 - share) + np.array(end) * share + 0.5).astype(np.uint8)[:, None, :]
        self.image.paste(Image.fromarray(column).resize((self.px(right), high)), (0, self.px(top)))

    def fade(self, top: float, bottom: float, ink: Rgb, share: float) -> None:
        """Darken downwards, from nothing to `share`."""
        high = max(1, self.px(bottom) - self.px(top))
        level = (np.clip(np.linspace(0, 3.3, high), 0, 1) * 255 * share).astype(np.uint8)[:, None]
        self.lay(ink, Image.fromarray(level).resize((self.image.width, high)), (0, self.px(top)))

    def light(self, at: Point, reach: Point, middle: Rgb, edge: Rgb, outer: Rgb, bend: float = 0.46) -> None:
        """Fill the sheet with a light: from the middle over the edge colour, at `bend` of the way, to the outer one."""
        small = (max(2, self.image.width // 4), max(2, self.image.height // 4))
        y, x = np.mgrid[0 : small[1], 0 : small[0]].astype(np.float32)
        unit = self.scale / 4
        far = np.hypot((x / unit - at[0]) / reach[0], (y / unit - at[1]) / reach[1])
        planes = [
            np.interp(far, (0, bend, 1), (a, b, c)).astype(np.uint8)
            for a, b, c in zip(middle, edge, outer, strict=True)
        ]
        light = Image.merge("RGB", [Image.fromarray(plane) for plane in planes])
        self.image.paste(light.resize(self.image.size, Image.Resampling.BICUBIC))

    def line(self, start: Point, end: Point, width: float, ink: Rgb, share: float = 1) -> None:
        """Draw a straight line."""
        length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1
        dx, dy = (end[1] - start[1]) / length * width / 2, (start[0] - end[0]) / length * width / 2
        points = ((start[0] - dx, start[1] - dy), (end[0] - dx, end[1] - dy), (end[0] + dx, end[1] + dy))
        self.polygon((*points, (start[0] + dx, start[1] + dy)), ink, share)

    def write(
        self,
        words: TextBlock,
        at: Point,
        ink: Rgb,
        *,
        centre: float = 0,
        right: bool = False,
        accent: tuple[str, Rgb] | None = None,
    ) -> None:
        """Write lines from their top left; centred in a width, or ending at `at`; one word may have a colour."""
        style, size = words.style, words.size
        for index, line in enumerate(words.lines):
            wide = letters.measure(line, style, size)
            left = at[0] + ((centre - wide) / 2 if centre else -wide if right else 0)
            self.taken.append(Spot(left, at[1] + index * size * style.leading, wide, size * style.leading))
            base = at[1] + size * (letters.baseline(style) + index * style.leading)
            for start, part, colour in _coloured(line, ink, accent):
                begin = left + letters.measure(line[:start], style, size)
                self.say(part, (begin * self.scale, base * self.scale), style, size * self.scale, colour)

    def say(self, line: str, at: Point, style: Style, size: float, ink: Rgb) -> None:
        """Write a line from its base line's left end; both in pixels."""
        letters.draw_line(ImageDraw.Draw(self.image), at, line, style, size, ink)

    def picture(
        self, image: Image.Image, spot: Spot, *, turn: float = 0, drop: Drop | None = None, outline: float = 0
    ) -> None:
        """Set a picture with alpha into a place, turned about its middle by degrees clockwise."""
        size = (max(1, self.px(spot.width)), max(1, self.px(spot.height)))
        self.taken.append(spot)
        shown = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
        if turn:
            shown = shown.rotate(-turn, Image.Resampling.BICUBIC, expand=True)
        corner = (
            round(spot.middle * self.scale - shown.width / 2),
            round((spot.y + spot.height / 2) * self.scale - shown.height / 2),
        )
        alpha = shown.getchannel("A")
        if outline:
            grown = _grown(alpha, self.px(outline))
            if drop:
                self._drop(grown, (corner[0] - self.px(outline), corner[1] - self.px(outline)), drop)
            self.lay(WHITE, grown, (corner[0] - self.px(outline), corner[1] - self.px(outline)))
        elif drop:
            self._drop(alpha, corner, drop)
        self.put(shown, corner)

    def put(self, picture: Image.Image, corner: tuple[int, int]) -> None:
        """Lay a picture, with its alpha if it has one, so that its corner lies at these pixels."""
        self.image.paste(picture, corner, picture.getchannel("A") if picture.mode == "RGBA" else None)

    def seen(self, box: tuple[int, int, int, int]) -> Image.Image:
        """Return what the sheet shows there so far; in pixels."""
        return self.image.crop(box)

    def _drop(self, alpha: Image.Image, corner: tuple[int, int], drop: Drop) -> None:
        margin = self.px(drop.blur * 2)
        small = 4 if self.scale > 0.6 else 1
        size = ((alpha.width + 2 * margin) // small + 1, (alpha.height + 2 * margin) // small + 1)
        soft = Image.new("L", size)
        core = alpha.resize((max(1, alpha.width // small), max(1, alpha.height // small)), Image.Resampling.BOX)
        soft.paste(core, (margin // small, margin // small))
        soft = soft.filter(ImageFilter.GaussianBlur(max(0.5, drop.blur * self.scale / 2 / small)))
        soft = soft.resize((size[0] * small, size[1] * small), Image.Resampling.BICUBIC)
        at = (corner[0] - margin + self.px(drop.right), corner[1] - margin + self.px(drop.down))
        self.lay(drop.ink, soft, at, drop.share)

    def contact(self, spot: Spot, share: float) -> None:
        """Darken the floor under a foot: a close shadow and a wide one."""
        close = Spot(
            spot.middle - spot.width * 0.46, spot.bottom - spot.width * 0.055, spot.width * 0.92, spot.width * 0.11
        )
        wide = Spot(
            spot.middle - spot.width * 0.62, spot.bottom - spot.width * 0.1, spot.width * 1.24, spot.width * 0.2
        )
        for place, strength in ((wide, share * 0.34), (close, share)):
            width, height = max(2, self.px(place.width)), max(2, self.px(place.height))
            y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
            level = np.interp(np.hypot(x, y), (0, 0.45, 1), (1, 0.45, 0))
            mask = Image.fromarray((level * 255).astype(np.uint8))
            self.lay(BLACK, mask, (self.px(place.x), self.px(place.y)), strength)


@lru_cache(maxsize=64)
def _oval(width: int, height: int) -> Image.Image:
    big = Image.new("L", (width * FINE, height * FINE))
    ImageDraw.Draw(big).ellipse((0, 0, big.width - 1, big.height - 1), fill=255)
    return big.reduce(FINE)


@lru_cache(maxsize=64)
def tile_mask(width: int, height: int, radius: int) -> Image.Image:
    """Return the mask of a rectangle with round corners, in pixels."""
    big = Image.new("L", (width * FINE, height * FINE))
    ImageDraw.Draw(big).rounded_rectangle((0, 0, big.width - 1, big.height - 1), radius * FINE, fill=255)
    return big.reduce(FINE)


def _grown(alpha: Image.Image, by: int) -> Image.Image:
    """Return a mask that is larger by so many pixels all round."""
    wide = Image.new("L", (alpha.width + 2 * by, alpha.height + 2 * by))
    wide.paste(alpha, (by, by))
    soft = wide.filter(ImageFilter.GaussianBlur(by * 0.6))
    return soft.point(lambda level: min(255, max(0, (level - 16) * 12)))


def _coloured(line: str, ink: Rgb, accent: tuple[str, Rgb] | None) -> list[tuple[int, str, Rgb]]:
    """Split a line into (start, part, colour), so that the accented word has its own colour."""
    start = line.lower().find(accent[0].lower()) if accent and accent[0] else -1
    if accent is None or start < 0:
        return [(0, line, ink)]
    end = start + len(accent[0])
    parts = [(0, line[:start], ink), (start, line[start:end], accent[1]), (end, line[end:], ink)]
    return [part for part in parts if part[1]]
