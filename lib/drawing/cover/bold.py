"""Loud designs: bleed, number, pattern, sticker. Vivid grounds, and the product as large as the card takes."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image

from lib.drawing.cover import letters
from lib.drawing.cover.letters import ONEST, RUBIK, UNBOUNDED, Style, TextBlock
from lib.drawing.cover.paper import WHITE, WIDTH, CoverSheet, Drop, Spot
from lib.drawing.cover.parts import (
    Cover,
    Inks,
    across,
    anchored,
    draw_figure,
    draw_row,
    figure_width,
    row,
    seal,
    set_second,
    set_title,
    stand,
)
from lib.drawing.cover.places import HIDDEN, UNDER, aside, clear, place, smaller, with_round
from lib.drawing.ground.colour import Rgb, contrast

INK: Rgb = (29, 32, 48)
LARGE, LARGE_SQUARE = (0.62, 0.56), (0.52, 0.5)  # of the card's width or height: a product that takes this is large


@dataclass(frozen=True)
class Plate:
    """The dark plate at the lower left: its place, and its words below each other."""

    spot: Spot
    lines: list[TextBlock]


def bleed(cover: Cover) -> None:
    """The product as large as the card takes; the number on a plate before it."""
    paper, tones, high = cover.paper, cover.tones, cover.height
    paper.light((0.68 * WIDTH, 0.58 * high), (0.8 * WIDTH, 0.6 * high), tones.soft, tones.ground, tones.ground, 1)
    paper.disc(640, high * 0.62, min(430, high * 0.4), tones.shade, 0.55)
    plate = _plate(cover)
    title, spot = _placed(cover, plate)
    if cover.product.hangs:
        stand(cover, spot, drop=Drop())
    else:
        paper.picture(cover.product.image, spot, turn=-9 if _lies(cover) else 0, drop=Drop())
    paper.write(set_second(cover, cover.pair(ONEST).text), (52, cover.top), tones.ink)
    paper.write(title, (48, cover.top + 58), tones.ink)
    _show_plate(cover, plate)


def _placed(cover: Cover, plate: Plate) -> tuple[TextBlock, Spot]:
    """Return the title and the place of the product: a smaller title where the product would else be small."""
    made = [(title, _place(cover, plate, title, beside)) for title, beside in _titles(cover)]
    wide, high = LARGE if cover.is_high else LARGE_SQUARE
    large = (one for one in made if one[1].width >= wide * WIDTH or one[1].height >= high * cover.height)
    return next(large, max(made, key=lambda one: one[1].width))


def _place(cover: Cover, plate: Plate, title: TextBlock, beside: bool) -> Spot:
    top = cover.top if beside else cover.top + title.height + 90
    right = max(470, 72 + title.width)  # of a title beside the product
    if cover.product.sides:
        spots = _cut(cover, top, plate, right)
    else:
        spots = _beside_title(cover, top, plate, right) if beside else _below_title(cover, top, plate)
    most = HIDDEN if "bottom" in cover.product.sides else UNDER  # its toes and hems are not in the photo
    return clear(cover.product, ((one, plate.spot) for one in spots), most)[0]


def _lies(cover: Cover) -> bool:
    return cover.product.is_wide and not cover.product.sides and cover.facts.kind not in ("home", "lamp")


def _below_title(cover: Cover, top: float, plate: Plate) -> Iterator[Spot]:
    """Yield places: over the card, beside the plate, and above it."""
    top -= 10
    edge = 60 if _lies(cover) else 30  # what is turned is wider
    for down in (0.7, 0):
        yield from smaller(cover.product, Spot(edge, top, 900 - 2 * edge, cover.height - top - edge), 0.9, down)
    clear_of = min(cover.bottom, plate.spot.y - 24) if plate.lines else cover.bottom
    beside = plate.spot.right + 20 if plate.lines else 50
    yield place(cover.product, Spot(beside, top, max(60, 864 - beside), cover.bottom - top), 0.5, 0.9)
    yield place(cover.product, Spot(50, top, 800, max(clear_of, top + 0.3 * (cover.bottom - top)) - top), 0.8, 0.8)


def _cut(cover: Cover, top: float, plate: Plate, right: float) -> Iterator[Spot]:
    """Yield places of a product that its photo cuts: over the card, and above the plate, or beside it on the ground."""
    beside = top == cover.top
    room = (
        Spot(right, top - 10, WIDTH - right, cover.bottom - top) if beside else Spot(200, top, 700, cover.height - top)
    )
    above = replace(room, height=max(plate.spot.y - 24, top + 200) - room.y)
    left = max(room.x, plate.spot.right + 20)
    aside_ = replace(room, x=left, width=max(60, room.right - left))
    for free in (room, aside_ if "bottom" in cover.product.sides else above):
        for across_ in (0.3,) if beside else (0.6, 0.9):
            for spot in smaller(cover.product, free, across_, 0 if beside else 1):
                yield anchored(cover, spot)


def _beside_title(cover: Cover, top: float, plate: Plate, left: float) -> Iterator[Spot]:
    """Yield places of a tall product right of the title: beside the plate, and above it."""
    room = Spot(left, top - 10, 870 - left, cover.bottom - top)
    yield from smaller(cover.product, room, 0.3, 0.55)
    yield from smaller(cover.product, room, 1, 0.3)
    yield place(cover.product, replace(room, height=plate.spot.y - 24 - room.y), 0.3)


def _titles(cover: Cover) -> Iterator[tuple[TextBlock, bool]]:
    """Yield the title, large and smaller, and if it stands beside the product: a narrow one needs the card's height."""
    pair = cover.pair(ONEST)
    if cover.product.is_narrow or (cover.product.is_tall and not cover.is_high):
        title = set_title(cover, pair.title, (430, cover.height * 0.44), (104 if cover.is_high else 80, 52), 5)
        if letters.fits(title, 430, 5):
            yield title, True
            return
    for share, least in ((0.27, 64), (0.17, 84)):
        room, sizes = (800, cover.height * share), (136 if cover.is_high else 108, least)
        yield set_title(cover, pair.title, room, sizes, 3), False


def _plate(cover: Cover) -> Plate:
    """Set the number's note, or two benefits, for the plate."""
    number, size = cover.facts.number, _figure(cover)
    if number is None:
        style = cover.pair(ONEST).strong
        said = cover.facts.benefits[: 2 if cover.is_high else 1]
        is_beside = cover.product.is_tall and not cover.product.sides
        room = 330 if is_beside else 400 if "bottom" in cover.product.sides else 560  # such ones stand beside the plate
        sizes = [letters.fit(one, style, (room, 50), (44, 34), lines=1).size for one in said]
        lines = [letters.fit(one, style, (room, 50), (min(sizes), min(sizes)), lines=1) for one in said]
        width, high = max([line.width for line in lines] or [-72.0]) + 72, sum(map(_step, lines)) + 50
    else:
        lines = [letters.fit(number.note, cover.pair(ONEST).strong, (430, 50), (42, 34), lines=1)]
        width = max(figure_width(cover, cover.pair(ONEST).title, size), lines[0].width) + 72
        high = size + (84 if number.note else 30)
    return Plate(Spot(36, cover.bottom - high + 12, width, high), lines)


def _step(line: TextBlock) -> float:
    """Return the units from a benefit on the plate to the next: long words take two lines."""
    return max(62.0, line.height + 20)


def _figure(cover: Cover) -> float:
    return 150 if cover.is_high else 116


def _show_plate(cover: Cover, plate: Plate) -> None:
    """Draw the plate with the number and its note, or with two benefits."""
    dark, spot = cover.others["dark"].ground, plate.spot
    fill, ink = (dark, WHITE) if contrast(dark, cover.tones.ground) > 3 else (WHITE, dark)
    if not plate.lines:
        return
    cover.paper.tile(spot, 40, fill)
    first = 30.0
    if cover.facts.number:
        draw_figure(cover, cover.pair(ONEST).title, (70, spot.y + 12), _figure(cover), ink)
        first = _figure(cover) + 18
    top = spot.y + first
    for line in plate.lines:
        cover.paper.write(line, (72, top), ink)
        top += _step(line)


def number(cover: Cover) -> None:
    """The number is the picture; the product stands before it."""
    pair = cover.pair(ONEST)
    paper, tones, facts = cover.paper, cover.tones, cover.facts
    paper.slope(tones.soft, tones.ground, 0, cover.height * 0.6)
    paper.slope(tones.ground, tones.shade, cover.height * 0.6, cover.height)
    title = set_title(cover, pair.title, (800, 210), (88 if cover.is_high else 74, 54), 2)
    paper.write(title, (50, cover.top), tones.ink)
    if facts.number is None:
        return
    style = Style(pair.title.face, -0.05, 1.0)
    made = row(cover, pair, across(cover), size=40, sign=60, gap=28)
    low, top = cover.bottom - made.height, cover.top + title.height + 30
    size = min(620 if cover.is_high else 440, 800 / letters.measure(facts.number.value, style, 1), (low - top) * 0.72)
    paper.write(letters.TextBlock((facts.number.value,), style, size), (40, top - size * 0.04), tones.accent)
    wide = cover.product.is_wide
    unit = letters.TextBlock((facts.number.unit,), Style(pair.title.face, -0.02, 1.0), 88)
    paper.write(unit, (54, top + size * 0.93), tones.ink)
    under = top + size * 0.93 + (94 if cover.is_high else 30)
    beside = 54 if cover.is_high and not wide else 54 + unit.width + 24
    width = 810 - beside if wide else 270
    note = letters.fit(
        facts.number.note, pair.text, (width, max(50, low - under - 20)), (44, 30), lines=1 if wide else 3
    )
    paper.write(note, (beside, under - (64 if wide and cover.is_high else 0)), tones.ink)
    start = top + size * (0.5 if wide else 0.26 if cover.product.is_tall else 0.36)
    room = Spot(60 if wide else 300, start, 800 if wide else 580, low - start - 40)
    stand(cover, place(cover.product, room, 0.5 if wide else 0.75), 0.34, Drop(10, 18, 0.22))
    draw_row(cover, made, (48, low), Inks(tones.ink, tones.accent))


def pattern(cover: Cover) -> None:
    """The product's shadow repeated as wallpaper; words on a solid band below."""
    pair = cover.pair(UNBOUNDED)
    paper, tones, product = cover.paper, cover.tones, cover.product
    dark = cover.others["dark"]
    hot = tones.ground if contrast(tones.ground, dark.ground) > 4.5 else dark.accent
    _wallpaper(cover)
    title = set_title(cover, pair.title, (790, 200), (92 if cover.is_high else 72, 48), 2)
    line = "  ·  ".join(cover.facts.benefits[:2])
    if letters.measure(line, pair.strong, 34) > 790:
        line = cover.facts.benefits[0]
    said = letters.fit(line, pair.strong, (790, 60), (44, 32), lines=1)
    band = (cover.bottom + 60 if cover.is_story else cover.height) - title.height - (160 if line else 100)
    top = (230 if cover.is_story else 70) + cover.room
    paper.disc(450, (top + band) / 2, min(390, (band - top) * 0.52), tones.soft)
    is_cut = "bottom" in product.sides  # the band lies before a foot that the photo cuts, and behind another
    room = Spot(90, top, 720, band - top + (-40 if product.is_wide else 30 if is_cut else 6))
    corners = [(x, y) for y in (max(cover.top + 128, band - 158), top + 128) for x in (WIDTH - 172, 172)]
    spots = aside(product, room, 0.6 if product.is_wide else 1)
    spot, at = with_round(product, itertools.product(spots, corners), 128 if cover.facts.number else 0)
    if not is_cut:
        paper.band(band, cover.height, dark.ground)
    turn = 0 if product.sides else -6 if product.is_wide else 4
    paper.picture(product.image, anchored(cover, spot, band + 10), turn=turn, drop=Drop())
    if is_cut:
        paper.band(band, cover.height, dark.ground)
    paper.write(title, (55, band + 42), WHITE, accent=(cover.facts.accent, hot))
    paper.write(said, (58, band + title.height + 66), WHITE)
    seal(cover, pair.title, at, 128, (dark.ground, hot), pair.strong)


def _wallpaper(cover: Cover) -> None:
    paper, product = cover.paper, cover.product
    scale = 215 / max(product.image.size)
    size = (max(1, paper.px(product.image.width * scale)), max(1, paper.px(product.image.height * scale)))
    alpha = product.image.getchannel("A").resize(size, Image.Resampling.LANCZOS, reducing_gap=2)
    for across_ in range(-1, 5):
        for down in range(-1, int(cover.height / 230) + 1):
            turned = alpha.rotate(25 - (across_ * 37 + down * 53) % 50, Image.Resampling.BICUBIC, expand=True)
            at = (paper.px(across_ * 250 + (125 if down % 2 else 0) - 40), paper.px(down * 230))
            paper.lay((0, 0, 0), turned, at, 0.11)


def sticker(cover: Cover) -> None:
    """A white outline round the product, blobs behind it, tilted words."""
    pair = cover.pair(RUBIK)
    paper, tones, high = cover.paper, cover.tones, cover.height
    other = cover.others["bright1"].ground
    paper.disc(120, high * 0.30, 230, tones.soft)
    paper.disc(830, high * 0.50, 330, tones.shade)
    _wave(cover, high * 0.74, other)
    for x, y, radius in ((84, 0.52, 16), (800, 0.27, 22), (150, 0.66, 10)):
        paper.disc(x, high * y, radius, WHITE, 0.85)
    title = set_title(cover, pair.title, (740, 250), (104 if cover.is_high else 84, 56), 2)
    made = row(cover, pair, across(cover), size=40, sign=66, gap=18, pad=18)
    low, start = cover.bottom - made.height, cover.top + title.height + 30
    corners = [(x, y) for y in (max(start + 120, low - 200), start + 120) for x in (WIDTH - 160, 160)]
    spots = aside(cover.product, Spot(110, start, 680, low - start - 40), 0.5)
    spot, at = with_round(cover.product, itertools.product(spots, corners), 130 if cover.facts.number else 0)
    for index, line in enumerate(title.lines):
        _label(cover, index, line, title.style, title.size, other)
    paper.picture(cover.product.image, spot, turn=-4, drop=Drop(18, 20, 0.25), outline=12)
    _burst(cover, at)
    draw_row(cover, made, (48, low), Inks(INK, _readable(tones.accent), WHITE), centred=True)


def _readable(accent: Rgb) -> Rgb:
    return accent if contrast(accent, WHITE) >= 2.6 else INK


def _wave(cover: Cover, level: float, fill: Rgb) -> None:
    ridge = [(x, level - 45 * math.sin(x / 225 * math.pi)) for x in range(0, 901, 9)]
    cover.paper.polygon([*ridge, (WIDTH, cover.height), (0, cover.height)], fill)


def _label(cover: Cover, index: int, line: str, style: Style, size: float, other: Rgb) -> None:
    """Draw one line of the title on a block of its own, a little turned."""
    paper = cover.paper
    flat = Style(style.face, 0, 1.22)
    width, high = letters.measure(line, flat, size) + 64, size * 1.24
    sheet = CoverSheet(max(1, paper.px(width)), max(1, paper.px(high)), WHITE)
    sheet.scale = paper.scale
    fill = other if index % 2 else WHITE
    sheet.band(0, high, fill, right=width)
    ink = INK if contrast(INK, fill) > 3 else WHITE
    sheet.write(letters.TextBlock((line,), flat, size), (0, 0), ink, centre=width)
    picture = sheet.image.convert("RGBA")
    shape = CoverSheet(picture.width, picture.height, (0, 0, 0))
    shape.scale = paper.scale
    shape.tile(Spot(0, 0, width, high), 30, WHITE)
    picture.putalpha(shape.image.convert("L"))
    spot = Spot(48 + index * 22, cover.top + index * size * 1.26, width, high)
    paper.picture(picture, spot, turn=1.6 if index % 2 else -2.4)


def _burst(cover: Cover, at: tuple[float, float]) -> None:
    pair = cover.pair(RUBIK)
    number = cover.facts.number
    if number is None:
        return
    for radius, fill in ((130, WHITE), (119, cover.tones.accent)):
        points = []
        for step in range(24):
            far, angle = radius * (1 if step % 2 else 0.84), step * math.pi / 12 + 0.16
            points.append((at[0] + far * math.cos(angle), at[1] + far * math.sin(angle)))
        cover.paper.polygon(points, fill)
    seal(cover, pair.title, at, 100, (cover.tones.accent, cover.tones.on_accent), pair.text)
