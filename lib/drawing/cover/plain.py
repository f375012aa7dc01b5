"""Designs of facts: split, dark, bento, food. The words have a place of their own, the product has the light."""

import math
from collections.abc import Iterator
from dataclasses import replace

from lib.drawing.cover import letters
from lib.drawing.cover.letters import ONEST, OSWALD, UNBOUNDED, YESEVA, Pair, Style, TextBlock
from lib.drawing.cover.paper import WHITE, WIDTH, Drop, Spot
from lib.drawing.cover.parts import (
    Cover,
    Inks,
    across,
    draw_figure,
    draw_row,
    figure_size,
    figure_width,
    icons_of,
    picked,
    row,
    seal,
    set_second,
    set_title,
    show_sign,
    stand,
)
from lib.drawing.cover.places import aside, clear, place, smaller, with_round
from lib.drawing.ground.colour import Rgb, contrast, mix

COAL: Rgb = (21, 24, 30)
GROWN = 1.5  # times as large as others may words be that fill a tile
SIGN = {True: 92, False: 66}  # units of a tile's sign, on a high sheet and on another


def split(cover: Cover) -> None:
    """A diagonal between a dark and a light half; capitals, and the number in a slanted tag."""
    pair = cover.pair(OSWALD)
    paper, tones = cover.paper, cover.tones
    left, right = cover.height * 0.60, cover.height * 0.40
    paper.polygon([(0, 0), (WIDTH, 0), (WIDTH, right), (0, left)], tones.deep)
    paper.polygon([(0, left), (WIDTH, right), (WIDTH, right + 16), (0, left + 16)], tones.accent)
    title, beside = _above_or_beside(cover, pair)
    made = row(cover, pair, across(cover), size=42, sign=64, gap=44)
    low = cover.bottom - made.height
    top = cover.top + 78 + title.height
    left, high = max(500, 74 + title.width), low - cover.top - 50
    room = Spot(left, cover.top + 10, 880 - left, high) if beside else Spot(70, top, 760, low - top - 40)
    spot, tag = clear(cover.product, _tagged(cover, room, low, beside))
    stand(cover, spot, 0.3, Drop(18, 26, 0.35))
    paper.write(set_second(cover, pair.text), (52, cover.top), mix(tones.on_deep, tones.deep, 0.2))
    hot = cover.others["dark"].accent
    paper.write(title, (50, cover.top + 54), tones.on_deep, accent=(cover.facts.accent.upper(), hot))
    _tag(cover, tag)
    draw_row(cover, made, (48, low), Inks(tones.ink, tones.accent, rule=tones.shade))


def _above_or_beside(cover: Cover, pair: Pair) -> tuple[TextBlock, bool]:
    """Set the title, and tell if it stands beside the product: a tall one needs the card's height."""
    sizes = (142 if cover.is_high else 88, 40 if cover.own.pair else 60)
    said, high = cover.facts.title.upper(), cover.height * 0.3
    if cover.product.is_tall:
        title = letters.fit(said, pair.title, (430, high), sizes, lines=3)
        if title.size >= 84 or cover.product.is_narrow or not cover.is_high:
            return title, True
    return letters.fit(said, pair.title, (800, high), sizes, lines=2), False


def _tagged(cover: Cover, room: Spot, low: float, beside: bool) -> Iterator[tuple[Spot, Spot]]:
    """Yield where the product and the number's tag may stand: the tag at either edge, below a title at the left."""
    width = _tag_size(cover)[1]
    for spot in smaller(cover.product, room, 0.5, 0.5):
        tag = Spot(48, min(low - 200, spot.bottom - 60), width, 150)
        if beside or not width:
            yield spot, tag
            continue
        far, over = replace(tag, x=WIDTH - width - 20), 0.15 * spot.width
        for x in (max(40, min(spot.x, far.x + over - spot.width)), 40):
            yield replace(spot, x=x), far
        for x in (min(860 - spot.width, max(spot.x, tag.right - over)), 860 - spot.width):
            yield replace(spot, x=x), tag


def _tag_size(cover: Cover) -> tuple[float, float]:
    """Return the size of the tag's figures, and its width; both are nothing without a number."""
    if cover.facts.number is None:
        return 0, 0
    style = cover.pair(OSWALD).title
    size = figure_size(cover, style, 380, 120)
    return size, figure_width(cover, style, size) + 110


def _tag(cover: Cover, spot: Spot) -> None:
    """Draw the number in a slanted tag."""
    size = _tag_size(cover)[0]
    if not size:
        return
    points = [(spot.x + 34, spot.y), (spot.right, spot.y), (spot.right - 34, spot.bottom), (spot.x, spot.bottom)]
    cover.paper.polygon(points, cover.tones.accent)
    figure = cover.pair(OSWALD).title
    draw_figure(cover, figure, (spot.x + 55, spot.y + 75 - size * 0.54), size, cover.tones.on_accent)


def dark(cover: Cover) -> None:
    """A light behind the product in the dark, a strip of facts below."""
    pair = cover.pair(UNBOUNDED)
    paper, tones, facts = cover.paper, cover.tones, cover.facts
    wide = cover.product.is_wide
    title = set_title(cover, pair.title, (804, 260), (96 if cover.is_high else 76, 50), 2)
    made = row(cover, pair, across(cover), size=40, sign=58, gap=40)
    low = cover.bottom - made.height
    size = figure_size(cover, pair.title, 800 if wide else 276, 170 if cover.is_high else 130)
    start, floor = cover.top + title.height + 70, low - 46
    if wide:
        taken = size + (24 if cover.is_high else 8) if facts.number else 0
        spot = place(cover.product, Spot(40, start, 820, floor - start - taken), 0.5, 0.8)
    elif facts.number:
        spot = place(
            cover.product, Spot(350, start - 4, 580 if cover.product.is_tall else 542, floor - start + 4), 0.5, 1
        )
    else:
        spot = place(cover.product, Spot(120, start, 660, floor - start))
    middle = (spot.middle, spot.y + spot.height * 0.46)
    paper.light(middle, (0.62 * WIDTH, 0.46 * cover.height), tones.glow, tones.shade, tones.ground)
    paper.fade(low - 46, cover.height, (0, 0, 0), 0.45)
    paper.write(set_second(cover, pair.text, 804, 42), (52, cover.top), tones.muted)
    paper.write(title, (50, cover.top + 56), tones.ink, accent=(facts.accent, tones.accent))
    stand(cover, spot, 0.75, Drop(0, 40, 0.5, tones.glow))
    if facts.number:
        draw_figure(cover, pair.title, (50, floor - size - (10 if wide else 104)), size, tones.ink)
        note = letters.fit(facts.number.note, pair.text, (420 if wide else 300, 110), (42, 34), lines=2)
        at = (852, floor - size * 0.55) if wide else (54, floor - 98)
        paper.write(note, at, tones.muted, right=wide)
    if made.blocks:
        paper.band(low - 32, low - 30, mix(tones.ground, WHITE, 0.3), left=48, right=852)
    draw_row(cover, made, (48, low), Inks(tones.ink, tones.accent, rule=mix(tones.ground, WHITE, 0.25)))


def bento(cover: Cover) -> None:
    """Tiles: one for the product and its name, three for the facts."""
    pair = cover.pair(ONEST)
    shown = picked(cover.facts.benefits, pair.strong, 214, 38, 3)
    cover = replace(cover, facts=replace(cover.facts, benefits=shown))
    paper, tint = cover.paper, cover.others["tint"]
    top = cover.top if cover.is_story else 30 + cover.room
    bottom = cover.bottom + 30 if cover.is_story else cover.height - 30
    tiles = _tiles(cover)
    high = (300 if cover.is_high else 226) if tiles else -20
    room = Spot(30, top, 840, bottom - high - 20 - top)
    paper.tile(room, 44, tint.ground)
    title = set_title(cover, pair.title, (760, 200), (80 if cover.is_high else 68, 50), 2)
    paper.write(set_second(cover, pair.text, 760, 42), (72, top + 36), mix(tint.ink, tint.ground, 0.25))
    head = top + (86 if cover.facts.second else 50)
    paper.write(title, (70, head), tint.ink)
    start = head + title.height + 30
    stand(cover, place(cover.product, Spot(120, start, 660, room.bottom - start - 22), 0.5, 0.7), 0.3)
    width = (840 - 20 * (len(tiles) - 1)) / max(1, len(tiles))
    said = _said(cover, pair, (width, high))
    for index, (kind, fill, ink, mark) in enumerate(tiles):
        spot = Spot(30 + index * (width + 20), bottom - high, width, high)
        paper.tile(spot, 44, fill)
        if kind < 0:
            _number_tile(cover, spot, ink, mark)
        else:
            _benefit_tile(cover, spot, said[kind], ink, mark)


def _said(cover: Cover, pair: Pair, room: tuple[float, float]) -> list[tuple[str, TextBlock]]:
    """Return the sign and the words of each tile of a size: beside a sign all have one size of type, others grow."""
    width, high = room[0] - 52, room[1] - SIGN[cover.is_high] - 60
    shown = cover.facts.benefits[: 2 if cover.facts.number else 3]
    icons = icons_of(cover, shown, lacking=1 if len(shown) > 2 else 0)

    def words(benefit: str, icon: str, most: float) -> TextBlock:
        if icon:
            return letters.fit(benefit, pair.strong, (width, high), (min(42, most), 30), lines=3)
        return letters.fit(benefit, pair.title, (width, room[1] - 60), (min(72, GROWN * most), 28), lines=4)

    both = list(zip(shown, icons, strict=True))
    most = min((words(*one, 72).size for one in both if one[1] or not any(icons)), default=42)
    return [(icon, words(benefit, icon, most)) for benefit, icon in both]


def _tiles(cover: Cover) -> list[tuple[int, Rgb, Rgb, Rgb]]:
    """Return (benefit, or -1 for the number; fill; words; sign) of each tile."""
    tones, hot = cover.tones, cover.others["dark"].accent
    looks = [
        (_under(tones.on_accent, tones.accent), tones.on_accent, tones.on_accent),
        (WHITE, COAL, tones.accent),
        (tones.deep, tones.on_deep, hot),
    ]
    first = [(-1, tones.deep, tones.on_deep, hot)] if cover.facts.number else []
    count = min(3 - len(first), len(cover.facts.benefits))
    return [*first, *((index, *looks[index]) for index in range(count))]


def _under(words: Rgb, ground: Rgb) -> Rgb:
    """Return the ground, made darker or lighter until small words read on it."""
    other = COAL if contrast(words, COAL) > contrast(words, WHITE) else WHITE
    tried = (mix(ground, other, step / 10) for step in range(10))
    return next((one for one in tried if contrast(words, one) >= 4.6), other)


def _number_tile(cover: Cover, spot: Spot, ink: Rgb, hot: Rgb) -> None:
    pair = cover.pair(ONEST)
    number = cover.facts.number
    if number is None:
        return
    size = figure_size(cover, pair.title, spot.width - 52, 150 if cover.is_high else 104)
    draw_figure(cover, pair.title, (spot.x + 26, spot.y + (46 if cover.is_high else 20)), size, hot)
    note = letters.fit(number.note, pair.text, (spot.width - 52, 100), (40 if cover.is_high else 36, 28), lines=2)
    cover.paper.write(note, (spot.x + 28, spot.bottom - note.height - 24), ink)


def _benefit_tile(cover: Cover, spot: Spot, said: tuple[str, TextBlock], ink: Rgb, mark: Rgb) -> None:
    icon, words = said
    if icon:
        show_sign(cover.paper, icon, (spot.x + 28, spot.y + 28), SIGN[cover.is_high], mark)
    low = spot.bottom - 24 if icon else spot.y + (spot.height + words.height) / 2
    cover.paper.write(words, (spot.x + 28, low - words.height), ink)


def food(cover: Cover) -> None:
    """Rays behind, a curved table below, a round seal."""
    pair = cover.pair(YESEVA)
    paper, tones, facts = cover.paper, cover.tones, cover.facts
    hot = cover.others["dark"].accent
    title = set_title(
        cover, pair.title, (800, 130 if cover.product.is_tall else 250), (132 if cover.is_high else 100, 66), 2
    )
    made = row(cover, pair, 780, size=40, sign=64, gap=24)
    low = cover.bottom - made.height
    band = low - (190 if cover.is_high and not cover.product.is_tall else 130)
    middle = band - cover.height * 0.08
    for step in range(22):
        start, end = step * math.pi / 11, step * math.pi / 11 + math.pi / 22
        far = [(450 + 1400 * math.cos(angle), middle + 1400 * math.sin(angle)) for angle in (start, end)]
        paper.polygon([(450, middle), *far], tones.soft, 0.8)
    paper.oval(Spot(-600, band, 2100, 1400), tones.deep)
    top = cover.top + title.height + 76
    pairs = (
        (spot, (x, y))
        for spot in aside(cover.product, Spot(90, top, 720, band + 120 - top))
        for y in (band - 40, top + 124)
        for x in (*(min(spot.right + far, 740) for far in (20, 70, 120)), max(160, spot.x - 70))
    )
    spot, at = with_round(cover.product, pairs, 124 if facts.number else 0)
    paper.write(
        letters.fit(facts.second, pair.text, (800, 50), (44, 34), lines=1), (0, cover.top), tones.muted, centre=WIDTH
    )
    paper.write(title, (0, cover.top + 56), tones.ink, centre=WIDTH)
    stand(cover, spot, 0.5, Drop(8, 14, 0.25))
    if facts.number:
        paper.disc(at[0], at[1], 124, tones.ground)
        seal(cover, pair.title, at, 116, (tones.accent, tones.on_accent), Style(pair.text.face))
    draw_row(cover, made, (60, low), Inks(tones.on_deep, hot), centred=True)
