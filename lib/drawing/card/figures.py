"""Draws a shop's figures: four tiles, and a bar for every day, with a scale that reads in round numbers."""

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from lib.drawing.ground import lettering, output
from lib.drawing.ground.colour import Rgb

SIZE = (1200, 1000)
EDGE = 60
PAPER: Rgb = (247, 246, 242)
WHITE: Rgb = (255, 255, 255)
INK: Rgb = (34, 38, 44)
FAINT: Rgb = (128, 134, 142)
LINE: Rgb = (226, 225, 219)
ACCENT: Rgb = (45, 125, 96)
BEST: Rgb = (232, 142, 54)
LABELS = 10


@dataclass(frozen=True)
class FiguresText:
    """The texts of the picture, in words of the reader's language; a bar is a day's label and its value."""

    title: str
    period: str
    tiles: tuple[tuple[str, str], ...]
    heading: str
    bars: tuple[tuple[str, float], ...]
    empty: str


def render(sheet: FiguresText) -> bytes:
    """Return the PNG."""
    canvas = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(canvas)
    inside = SIZE[0] - 2 * EDGE
    title = lettering.fit(lettering.printable(sheet.title) or "—", lettering.HEAVY, (inside, 64), (52, 26), lines=1)
    lettering.draw(canvas, (EDGE, 52), title, INK)
    _write(pen, (EDGE, 152), sheet.period, 30, FAINT, medium=True)
    wide = (inside - 3 * 20) // 4
    for place, (label, value) in enumerate(sheet.tiles):
        _tile(canvas, pen, (EDGE + place * (wide + 20), 190, wide, 150), label, value)
    pen.rounded_rectangle((EDGE, 370, SIZE[0] - EDGE, SIZE[1] - EDGE), 24, fill=WHITE)
    _write(pen, (EDGE + 32, 426), sheet.heading, 30, INK)
    _chart(pen, (EDGE + 130, 470, SIZE[0] - EDGE - 40, SIZE[1] - EDGE - 70), sheet)
    return output.png(canvas)


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    words: str,
    size: int,
    ink: Rgb,
    *,
    medium: bool = False,
    anchor: str = "ls",
) -> None:
    font = lettering.face(lettering.MEDIUM if medium else lettering.HEAVY, size)
    pen.text(at, words, fill=ink, font=font, anchor=anchor)


def _tile(
    canvas: Image.Image, pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], label: str, value: str
) -> None:
    left, top, wide, high = box
    pen.rounded_rectangle((left, top, left + wide, top + high), 24, fill=WHITE)
    small = lettering.fit(label, lettering.MEDIUM, (wide - 40, 30), (26, 14), lines=1)
    lettering.draw(canvas, (left + 20, top + 26), small, FAINT)
    large = lettering.fit(_plain(value), lettering.HEAVY, (wide - 40, 60), (46, 20), lines=1)
    lettering.draw(canvas, (left + 20, top + 82), large, INK)


def _plain(value: str) -> str:
    """Return a value with spaces that keep it on one line whatever their width."""
    return value.replace("\u202f", "\u00a0")


def _chart(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], sheet: FiguresText) -> None:
    left, top, right, bottom = box
    most = max((value for _, value in sheet.bars), default=0)
    if most <= 0:
        _write(pen, ((left + right) / 2, (top + bottom) / 2), sheet.empty, 30, FAINT, medium=True, anchor="mm")
        return
    step = _step(most)
    top_value = math.ceil(most / step) * step
    for number in range(round(top_value / step) + 1):
        height = bottom - (bottom - top) * number * step / top_value
        pen.line((left, height, right, height), fill=LINE, width=2)
        _write(pen, (left - 16, height), _short(number * step), 24, FAINT, medium=True, anchor="rm")
    wide = (right - left) / len(sheet.bars)
    gap = max(1.0, min(12.0, wide * 0.2))
    shown = max(1, math.ceil(len(sheet.bars) / LABELS))
    for place, (label, value) in enumerate(sheet.bars):
        start = left + place * wide
        if value > 0:
            high = bottom - (bottom - top) * value / top_value
            radius = max(0, min(8, (wide - gap) / 2, bottom - high))
            box_of_bar = (start + gap / 2, high, start + wide - gap / 2, bottom)
            ink = BEST if value == most else ACCENT
            pen.rounded_rectangle(box_of_bar, radius, fill=ink, corners=(True, True, False, False))
        if place % shown == 0:
            _write(pen, (start + wide / 2, bottom + 20), label, 22, FAINT, medium=True, anchor="mt")


def _step(most: float) -> float:
    """Return the distance of the lines: 1, 2 or 5 times a power of ten, so that there are two to four."""
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _short(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u00a0") if value >= 1 or value == 0 else f"{value:.1f}"
