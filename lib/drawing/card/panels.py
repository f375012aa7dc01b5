"""Draws the parts of a report: tiles, bars with those of the period before, a table whose cells are shaded.

All sizes are in units of a sheet that is 960 wide, as a phone shows it in full; `scale` makes pixels of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from lib import text
from lib.drawing.card.report import BarsText, GridText, ReportText, TileText
from lib.drawing.ground import lettering
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.leaf import Leaf, PrintedLine

PAPER: Rgb = (247, 246, 242)
WHITE: Rgb = (255, 255, 255)
INK: Rgb = (34, 38, 44)
FAINT: Rgb = (112, 118, 126)
LINE: Rgb = (226, 225, 219)
ACCENT: Rgb = (45, 125, 96)
BEST: Rgb = (232, 142, 54)
PALE: Rgb = (201, 216, 209)
WORSE: Rgb = (192, 62, 48)
WIDE, EDGE = 960, 44
BETWEEN = 12  # two labels
LAST = WIDE - EDGE - 20  # where the last label ends

type Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Plot:
    """A sheet to draw on."""

    leaf: Leaf
    scale: float = 1.0

    @classmethod
    def blank(cls, high: float, scale: float = 1.0) -> "Plot":
        """Return an empty sheet."""
        return cls(Leaf(Image.new("RGB", (round(WIDE * scale), round(high * scale)), PAPER)), scale)

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        """What draws on it."""
        return ImageDraw.Draw(self.leaf.canvas)

    def write(
        self,
        at: tuple[float, float],
        words: str,
        size: float,
        ink: Rgb,
        *,
        medium: bool = False,
        anchor: str = "ls",
        room: float = WIDE,
    ) -> None:
        """Write a line, smaller where there is less room."""
        line, face = words.replace("\u202f", "\u00a0"), lettering.MEDIUM if medium else lettering.HEAVY
        wide = lettering.width(line, face) * size / lettering.RULER
        pixels = round(size * self.scale * min(1, room / max(wide, 1)))
        font = lettering.face(face, pixels)
        place = (at[0] * self.scale, at[1] * self.scale)
        self.pen.text(place, line, ink, font, anchor=anchor)
        left, _, right, base = self.pen.textbbox(place, line, font, anchor=anchor)
        self.leaf.lines.append(PrintedLine(line, left, base, pixels, right - left))

    def fit(
        self, at: tuple[float, float], words: str, room: tuple[float, float], sizes: tuple[int, int], ink: Rgb
    ) -> None:
        """Write a line as large as its room allows; `at` is its upper left corner."""
        inside = (round(room[0] * self.scale), round(room[1] * self.scale))
        large, small = (round(size * self.scale) for size in sizes)
        line = lettering.printable(words.replace("\u202f", "\u00a0")) or "—"
        block = lettering.fit(line, lettering.HEAVY, inside, (large, small), lines=1)
        self.leaf.write((round(at[0] * self.scale), round(at[1] * self.scale)), block, ink)

    def block(self, box: Box, radius: float, ink: Rgb, *, top_only: bool = False) -> None:
        """Fill a rectangle with round corners."""
        corners = (True, True, False, False) if top_only else None
        inside = tuple(side * self.scale for side in box)
        room = min(inside[2] - inside[0], inside[3] - inside[1]) / 2
        self.pen.rounded_rectangle(inside, max(0, min(radius * self.scale, room)), fill=ink, corners=corners)

    def line(self, left: float, right: float, at: float) -> None:
        """Draw a thin line across."""
        self.pen.line([one * self.scale for one in (left, at, right, at)], LINE, max(1, round(2 * self.scale)))


def tile(plot: Plot, box: Box, one: TileText) -> None:
    """Draw a figure with its name above it and its change beside the name."""
    left, top, right, bottom = box
    plot.block(box, 24, WHITE)
    plot.fit((left + 22, top + 26), one.label, (right - left - 40, 34), (28, 16), FAINT)
    plot.fit((left + 22, top + (74 if one.change else 90)), one.value, (right - left - 40, 60), (48, 22), INK)
    if one.change:
        ink = ACCENT if one.change.startswith("↑") else WORSE if one.change.startswith("↓") else FAINT
        arrow, _, by = one.change.replace("\u00a0", " ").partition(" ")
        _arrow(plot, (left + 22, bottom - 46), arrow, ink)
        plot.write((left + 56, bottom - 24), by, 28, ink)


def _arrow(plot: Plot, at: tuple[float, float], arrow: str, ink: Rgb) -> None:
    """Draw the arrow, which the typeface lacks."""
    left, top = at
    shapes = {
        "↑": ((0, 22), (12, 0), (24, 22)),
        "↓": ((0, 0), (12, 22), (24, 0)),
        "→": ((0, 0), (22, 11), (0, 22)),
    }
    points = [((left + x) * plot.scale, (top + y) * plot.scale) for x, y in shapes[arrow]]
    plot.pen.polygon(points, fill=ink)


def bars(plot: Plot, box: Box, panel: BarsText, report: ReportText) -> None:
    """Draw bars on a scale of round numbers, the best of them marked; those of the period before stand behind."""
    left, top, right, bottom = box
    before = panel.before[: len(panel.bars)]
    most = max([*(value for _, value in panel.bars), *before], default=0)
    if most <= 0:
        plot.write(((left + right) / 2, (top + bottom) / 2), report.empty, 32, FAINT, medium=True, anchor="mm")
        return
    left += 110
    distance = step(most)
    top_value = math.ceil(most / distance) * distance
    for number in range(round(top_value / distance) + 1):
        height = bottom - (bottom - top) * number * distance / top_value
        plot.line(left, right, height)
        mark = text.decimal(report.language, round(number * distance * 100))
        plot.write((left - 16, height), mark, 26, FAINT, medium=True, anchor="rm")
    wide = (right - left) / len(panel.bars)
    gap = max(2.5, min(12.0, wide * 0.2))
    best = max(value for _, value in panel.bars)
    for place, (_, value) in enumerate(panel.bars):
        start, end = left + place * wide + gap / 2, left + (place + 1) * wide - gap / 2
        if place < len(before) and before[place] > 0:
            plot.block(
                (start, bottom - (bottom - top) * before[place] / top_value, end, bottom), 8, PALE, top_only=True
            )
        if value > 0:
            inset = (end - start) * 0.22 if before else 0
            ink = BEST if value == best else ACCENT
            high = bottom - (bottom - top) * value / top_value
            plot.block((start + inset, high, end - inset, bottom), 8, ink, top_only=True)
    _labels(plot, (left, bottom, wide), panel)


def _labels(plot: Plot, at: tuple[float, float, float], panel: BarsText) -> None:
    """Write the labels that there is room for, the last one always; a second line only where it is another."""
    (left, bottom, wide), known = at, ""
    lines = [label.partition("\n")[::2] for label, _ in panel.bars]
    middles = [min(left + (place + 0.5) * wide, LAST - _size(line) / 2) for place, (line, _) in enumerate(lines)]
    for place in _fitting([line for line, _ in lines], middles):
        first, second = lines[place]
        plot.write((middles[place], bottom + 36), first, 24, FAINT, medium=True, anchor="ms")
        if second and second != known:
            plot.write((middles[place], bottom + 61), second, 22, FAINT, medium=True, anchor="ms")
        known = second


def _fitting(labels: Sequence[str], middles: Sequence[float]) -> list[int]:
    """Return the places of the labels that can stand beside each other, chosen from the right."""
    chosen, free = list[int](), math.inf
    for place in reversed(range(len(labels))):
        half = _size(labels[place]) / 2
        if middles[place] + half + BETWEEN <= free or not labels[place]:
            chosen.insert(0, place)
            free = middles[place] - half if labels[place] else free
    return chosen


def _size(label: str) -> float:
    return lettering.width(label, lettering.MEDIUM) * 24 / lettering.RULER


def key(plot: Plot, right: float, top: float, panel: BarsText) -> None:
    """Write what the bars and the pale ones are, from the right."""
    for words, ink in ((panel.key[1], PALE), (panel.key[0], ACCENT)):
        if words:
            wide = _size(words)
            plot.write((right - wide, top), words, 24, FAINT, medium=True, anchor="lm")
            plot.block((right - wide - 32, top - 10, right - wide - 12, top + 10), 5, ink)
            right -= wide + 62


def grid(plot: Plot, box: Box, panel: GridText, report: ReportText) -> None:
    """Draw the table, each cell shaded by its part of the most."""
    left, top, right, bottom = box
    most = max([cell or 0 for _, cells in panel.rows for cell in cells], default=0)
    if most <= 0:
        plot.write(((left + right) / 2, (top + bottom) / 2), report.empty, 32, FAINT, medium=True, anchor="mm")
        return
    wide, high = (right - left - 130) / len(panel.columns), (bottom - top - 44) / len(panel.rows)
    for column, words in enumerate(panel.columns):
        plot.write((left + 130 + (column + 0.5) * wide, top + 14), words, 26, FAINT, medium=True, anchor="mm")
    for number, (label, cells) in enumerate(panel.rows):
        upper = top + 44 + number * high
        size = min(26, high * 0.7)
        plot.write((left + 114, upper + high / 2), label, size, FAINT, medium=True, anchor="rm", room=104)
        for column, cell in enumerate(cells):
            start = left + 130 + column * wide
            if cell is not None:
                words = (
                    text.percent(report.language, cell * 100) if panel.shares else text.number(report.language, cell)
                )
                _cell(plot, (start + 2, upper + 2, start + wide - 2, upper + high - 2), cell / most, words)


def _cell(plot: Plot, box: Box, part: float, words: str) -> None:
    left, top, right, bottom = box
    plot.block(box, 8, shade(part))
    if part > 0:
        ink = WHITE if part > 0.45 else INK
        size = min(26, (bottom - top) * 0.66)
        plot.write(((left + right) / 2, (top + bottom) / 2), words, size, ink, medium=True, anchor="mm")


def shade(part: float) -> Rgb:
    """Return the colour of a part of the most: from nearly paper to the accent."""
    if part <= 0:
        return PAPER
    weight = 0.12 + 0.88 * part
    red, green, blue = (round(paper + (ink - paper) * weight) for paper, ink in zip(PAPER, ACCENT, strict=True))
    return red, green, blue


def step(most: float) -> float:
    """Return the distance of the lines: 1, 2 or 5 times a power of ten, so that there are two to four."""
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
