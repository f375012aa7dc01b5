"""Quiet designs: editorial, soft, paper, column. Light grounds, much air, one accent."""

import itertools
import math

import numpy as np
from PIL import Image

from lib.drawing.cover import letters
from lib.drawing.cover.letters import BITTER, CORMORANT, ONEST, Style
from lib.drawing.cover.paper import WHITE, WIDTH, Drop, Spot
from lib.drawing.cover.parts import (
    SMALLEST,
    Cover,
    Inks,
    across,
    anchored,
    column,
    draw_column,
    draw_figure,
    draw_row,
    figure_size,
    row,
    set_second,
    set_title,
    stand,
)
from lib.drawing.cover.places import place, smaller, with_round
from lib.drawing.ground.colour import Rgb, contrast, mix

LEAF: Rgb = (93, 122, 58)
PANEL = 308  # units of a line on the column's panel
BELOW = 300  # units below a product of the whole height that hold a title
SPREAD = 220  # units between benefits that have the panel for themselves


def editorial(cover: Cover) -> None:
    """A thin serif as large as the card; the product stands before its letters."""
    pair = cover.pair(CORMORANT)
    paper, tones, facts = cover.paper, cover.tones, cover.facts
    style = Style(pair.title.face, -0.03, 0.82 if pair is CORMORANT else pair.title.leading)
    title = set_title(cover, style, (820, cover.height * 0.22), (190 if cover.is_high else 136, 84), 3)
    start, foot = cover.top + 78, 190
    paper.band(cover.bottom - foot - (150 if cover.is_high else 110), cover.height, tones.shade)
    paper.write(set_second(cover, pair.text, 804, 42), (50, cover.top + 4), tones.muted)
    paper.band(cover.top + 62, cover.top + 64.5, tones.ink, left=50, right=850)
    top = start + title.height + title.size * 0.04
    room = Spot(60, top, 780, cover.bottom - foot - top)
    paper.write(title, (42, start), tones.ink, accent=(facts.accent, tones.accent))
    stand(cover, place(cover.product, room), 0.3, Drop(6, 14, 0.18))
    paper.band(cover.bottom - foot + 40, cover.bottom - foot + 42.5, tones.ink, left=50, right=850)
    lines = list(facts.benefits)
    left = 50.0
    if facts.number:
        size = figure_size(cover, pair.title, 330, 160)
        ink = tones.accent if contrast(tones.accent, tones.shade) >= 3 else tones.ink
        draw_figure(cover, pair.title, (48, cover.bottom - foot + 50), size, ink)
        note = facts.number.note
        lines = [note[:1].upper() + note[1:], *facts.benefits] if note else lines
        left = 410.0
    kept = [line for line in lines if letters.measure(line, pair.text, SMALLEST) <= 850 - left][:3]
    size = min([letters.fit(line, pair.text, (850 - left, 56), (42, SMALLEST), lines=1).size for line in kept] or [42])
    for index, line in enumerate(kept):
        said = letters.TextBlock((line,), letters.suited(line, pair.text), size)
        paper.write(said, (left, cover.bottom - foot + 56 + index * 56), tones.ink)


def soft(cover: Cover) -> None:
    """An arch and a podium, words in the middle."""
    pair = cover.pair(CORMORANT)
    paper, tones = cover.paper, cover.tones
    paper.slope(tones.soft, tones.ground)
    title = set_title(
        cover, pair.title, (804, 130 if cover.product.is_tall else 230), (138 if cover.is_high else 104, 70), 2
    )
    made = row(cover, pair, across(cover), size=38, sign=54, gap=24)
    low = cover.bottom - made.height
    floor = low - (96 if cover.is_high and not cover.product.is_tall else 66)
    top = cover.top + title.height + 90
    paper.tile(Spot(150, top, 600, max(300, floor - top + 340)), 300, mix(tones.shade, tones.accent, 0.3))
    paper.band(floor + 10, cover.height, tones.soft)
    spots = smaller(cover.product, Spot(180, top + 30, 540, floor - top - 20))
    corners = [(WIDTH - 167, top + 135), (167, top + 135)]
    spot, at = with_round(cover.product, itertools.product(spots, corners), 125 if cover.facts.number else 0)
    _podium(cover, max(spot.width * 1.16, 420), floor)
    stand(cover, spot, 0.26, Drop(20, 26, 0.22, tones.ink, right=18))
    paper.write(set_second(cover, pair.text, 804, 42), (0, cover.top), tones.muted, centre=WIDTH)
    paper.write(title, (0, cover.top + 56), tones.ink, centre=WIDTH)
    _pearl(cover, at)
    draw_row(cover, made, (48, low), Inks(tones.ink, tones.accent), centred=True)


def _podium(cover: Cover, width: float, floor: float) -> None:
    paper, tones = cover.paper, cover.tones
    low = Spot(450 - width / 2, floor + 46 - width * 0.09, width, width * 0.18)
    paper.oval(low, tones.shade)
    paper.band(floor, floor + 46, tones.shade, left=low.x, right=low.right)
    paper.oval(Spot(low.x, floor - width * 0.09, width, width * 0.18), WHITE)


def _pearl(cover: Cover, at: tuple[float, float]) -> None:
    """Set the number in a white round."""
    pair = cover.pair(CORMORANT)
    number = cover.facts.number
    if number is None:
        return
    cover.paper.disc(at[0], at[1], 125, WHITE)
    size = figure_size(cover, pair.title, 190, 116)
    line = Style(pair.title.face, 0, 1.0)
    value = letters.TextBlock((f"{number.value} {number.unit}" if len(number.unit) < 3 else number.value,), line, size)
    while value.width > 200:
        value = letters.TextBlock(value.lines, line, value.size - 4)
    under = "" if " " in number.note else number.note
    under = under if len(number.unit) < 3 else f"{number.unit} {under}".strip()
    said = letters.fit(under, pair.text, (190, 80), (34, 26), lines=2)
    top = at[1] - (82 if under else value.height / 2)
    cover.paper.write(value, (at[0] - 125, top), (40, 36, 36), centre=250)
    cover.paper.write(said, (at[0] - 125, at[1] + 28), (40, 36, 36), centre=250)


def paper(cover: Cover) -> None:
    """Kraft paper, slab type, a stamp."""
    pair = cover.pair(BITTER)
    sheet, tones, facts = cover.paper, cover.tones, cover.facts
    _grain(cover)
    for x, y, scale, turn in ((880, 0.46, 1.5, -60), (910, 0.6, 1.6, -95), (850, 0.36, 1.3, -25), (-10, 0.52, 1.2, 50)):
        _leaf(cover, (x, cover.height * y), scale, turn)
    title = set_title(cover, pair.title, (804, 260), (116 if cover.is_high else 90, 60), 2)
    sheet.write(set_second(cover, pair.text, 804), (52, cover.top), tones.ink)
    _marker(cover, title, (50, cover.top + 54))
    sheet.write(title, (50, cover.top + 54), tones.ink)
    top, drop = cover.top + title.height + 84, Drop(10, 16, 0.25, (60, 40, 10))
    above, beside = (column(cover, pair, width, disc=80, gap=34 if cover.is_high else 18) for width in (540, 350))
    spot = place(cover.product, Spot(110, top, 740, cover.bottom - above.height - top - 30), 0.5, 0.6)
    right = place(cover.product, Spot(390, top - 30, 500, cover.bottom - top + 30))
    below = row(cover, pair, 804, size=38, sign=54, gap=28)
    low = cover.bottom - below.height
    room = Spot(80, top - 8, 740, low - top - 30)
    places = [anchored(cover, one) for one in smaller(cover.product, room)]
    corners = [(WIDTH - 173, top + 111), (173, top + 111)]
    middle, at = with_round(cover.product, itertools.product(places, corners), 125 if facts.number else 0)
    wide = cover.product.is_wide or spot.width > right.width
    is_larger = middle.width > (spot.width if wide else 0.9 * right.width)
    if is_larger and not cover.product.is_tall and "bottom" not in cover.product.sides:
        stand(cover, middle, 0.3, drop)
        draw_row(cover, below, (48, low), Inks(tones.ink, tones.ink))
        if facts.number:
            sheet.disc(*at, 132, tones.ground)
        _stamp(cover, at)
        return
    made, spot = (above, spot) if wide else (beside, right)
    low, spot = cover.bottom - made.height, anchored(cover, spot)
    stand(cover, spot, 0.3, drop)
    draw_column(cover, made, (52, low), tones.ink, None, tones.ink)
    _stamp(cover, (715, cover.bottom - 137) if wide else (185, max(top + 131, low - 175)))


def _marker(cover: Cover, title: letters.TextBlock, at: tuple[float, float]) -> None:
    """Draw a marker's stroke below the accented word, not through it."""
    accent = cover.facts.accent
    for index, line in enumerate(title.lines):
        start = line.find(accent) if accent else -1
        if start >= 0:
            left = at[0] + letters.measure(line[:start], title.style, title.size)
            width = letters.measure(accent, title.style, title.size)
            base = at[1] + title.size * (letters.baseline(title.style) + index * title.style.leading)
            shade = cover.others["tint"].shade
            cover.paper.band(base + title.size * 0.03, base + title.size * 0.13, shade, left=left, right=left + width)


def _grain(cover: Cover) -> None:
    """Lay two octaves of noise over the ground; the same noise each time."""
    sheet = cover.paper
    rng = np.random.default_rng(4)
    shape = (max(1, sheet.image.height // 3), max(1, sheet.image.width // 3))
    fine = rng.normal(0, 1, shape)
    coarse = np.asarray(
        Image.fromarray(rng.normal(0, 1, (shape[0] // 4 + 1, shape[1] // 4 + 1)).astype(np.float32)).resize(shape[::-1])
    )
    level = np.clip((0.6 * fine + 0.8 * coarse) * 22, 0, 70).astype(np.uint8)
    sheet.lay((64, 46, 26), Image.fromarray(level).resize(sheet.image.size, Image.Resampling.BICUBIC), (0, 0), 0.5)


def _leaf(cover: Cover, at: tuple[float, float], scale: float, turn: float) -> None:
    angle = math.radians(turn)
    points = []
    for side in (1, -1):
        steps = [step / 20 for step in range(21)]
        for t in steps if side == 1 else reversed(steps):
            x, y = side * 46 * math.sin(math.pi * t), -290 * t
            points.append(
                (
                    at[0] + scale * (x * math.cos(angle) - y * math.sin(angle)),
                    at[1] + scale * (x * math.sin(angle) + y * math.cos(angle)),
                )
            )
    cover.paper.polygon(points, LEAF, 0.2)


def _stamp(cover: Cover, at: tuple[float, float]) -> None:
    pair = cover.pair(BITTER)
    number, ink = cover.facts.number, cover.tones.accent
    if number is None:
        return
    cover.paper.ring(at[0], at[1], 125, 7, ink)
    cover.paper.ring(at[0], at[1], 111, 3, ink)
    size = figure_size(cover, pair.title, 180, 96)
    line = Style(pair.title.face, 0, 1.0)
    value = letters.TextBlock((f"{number.value} {number.unit}",), line, size)
    value = letters.fit(value.lines[0], line, (190, 110), (size, 30), lines=1)
    ink = ink if contrast(ink, cover.tones.ground) >= 4.5 else cover.tones.ink
    note = letters.fit(number.note, pair.strong, (176, 76), (34, 24), lines=2)
    top = at[1] - (value.height + (note.height if number.note else 0)) / 2
    cover.paper.write(value, (at[0] - 125, top), ink, centre=250)
    cover.paper.write(note, (at[0] - 125, top + value.height), ink, centre=250)


def column_(cover: Cover) -> None:
    """The product on the left, a deep panel with the facts on the right."""
    pair = cover.pair(ONEST)
    paper, tones, facts = cover.paper, cover.tones, cover.facts
    left = 520
    hot = cover.others["dark"].accent
    paper.fade(cover.height * 0.72, cover.height, tones.shade, 0.8)
    ridge = [(left - 70 * math.sin(math.pi * step / 40) ** 0.8, cover.height * step / 40) for step in range(41)]
    panel = [*ridge, (WIDTH, cover.height), (WIDTH, 0)]
    if "top" in cover.product.sides:
        _whole_height(cover, panel)
        return
    paper.polygon(panel, tones.deep)
    title = set_title(cover, pair.title, (404, cover.height * 0.3), (92 if cover.is_high else 72, 48), 4)
    second = letters.fit(facts.second, pair.text, (400, 100), (40, 32), lines=2)
    start = cover.top + title.height + (second.height + 30 if facts.second else 20)
    low = cover.bottom if cover.is_story else cover.height - 50
    room = Spot(20, start, 546, low - start)
    paper.write(title, (50, cover.top), tones.ink)
    paper.write(second, (52, cover.top + title.height + 14), tones.muted)
    spot = anchored(cover, place(cover.product, room, 0.5, 0.3 if cover.product.hangs else 1))
    stand(cover, spot, 0.3, Drop(16, 22, 0.25, right=14))
    draw_list(cover, left + 52)
    if facts.number:
        size = figure_size(cover, pair.title, 300, 190 if cover.is_high else 140)
        draw_figure(cover, pair.title, (left + 52, cover.top + 4), size, hot)
        note = letters.fit(facts.number.note, pair.text, (310, 120), (44, 34), lines=2)
        paper.write(note, (left + 54, cover.top + size + 16), tones.on_deep)


def _whole_height(cover: Cover, panel: list[tuple[float, float]]) -> None:
    """The product from the card's upper edge down, for its photo cuts it there; words on the panel.

    The title stands there too, or below a product that leaves room for it.
    """
    pair = cover.pair(ONEST)
    paper, tones, facts = cover.paper, cover.tones, cover.facts
    left, room, high = 560, PANEL, cover.height
    if "bottom" not in cover.product.sides:  # what is whole on both sides stays whole
        high = min(high - 50, 460 / cover.product.aspect)
    width = high * cover.product.aspect
    spot = Spot(max(0, 232 - width / 2) if width < 500 else 252 - width / 2, 0, width, high)
    stand(cover, spot, 0.3, Drop(16, 22, 0.25, right=14))
    paper.polygon(panel, tones.deep)
    below = cover.bottom - high > BELOW
    width = 385 if below else room
    title = set_title(cover, pair.title, (width, cover.height * 0.32), (72 if cover.is_high else 58, 40), 5)
    second = letters.fit(facts.second, pair.text, (width, 100), (40, SMALLEST), lines=2)
    x, y, ink = (48.0, high + 56, tones.ink) if below else (left, cover.top + 90, tones.on_deep)
    paper.write(title, (x, y), ink)
    paper.write(second, (x, y + 14 + title.height), ink)
    low = draw_list(cover, left, SPREAD if below and not facts.number else 0)
    top = cover.top + 90 if below else y + title.height + (second.height if facts.second else 0) + 50
    size = figure_size(cover, pair.title, room, 150 if cover.is_high else 110)
    if facts.number and low - top > size + 110:
        draw_figure(cover, pair.title, (left, top), size, cover.others["dark"].accent)
        note = letters.fit(facts.number.note, pair.text, (room, 90), (42, SMALLEST), lines=2)
        paper.write(note, (left + 2, top + size + 8), tones.on_deep)


def draw_list(cover: Cover, left: float, gap: float = 0) -> float:
    """Draw the panel's list of benefits; return where it begins."""
    made = column(cover, cover.pair(ONEST), PANEL - 8, gap=gap or (40 if cover.is_high else 22))
    low = cover.bottom - made.height
    draw_column(cover, made, (left, low), cover.tones.on_deep, cover.tones.accent, cover.tones.on_accent)
    return low
