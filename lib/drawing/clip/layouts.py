"""What a clip's shots look like, in the covers' type, colours and signs.

opening   the cover that suits the product; of a photo that could not be cut, the photo with the title on a plate
near      a part of the product, larger than the frame, and a benefit on a plate
whole     the product alone, before another ground
closing   the whole once more, the title and the call

A seller's own style gives all of them its ground, its faces, plates in its accent, and the logo: above the call, on the
cover, and in a corner of the others where it hides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from lib.drawing.clip.layers import FilmSheet
from lib.drawing.clip.shots import emptiness
from lib.drawing.clip.story import HEIGHT, SIZE, WIDTH, Actor, Story
from lib.drawing.cover import branding, draw, letters, signs, tones
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cover.choice import DESIGNS
from lib.drawing.cover.facts import CoverFacts, with_note
from lib.drawing.cover.letters import Pair, TextBlock
from lib.drawing.cover.paper import BLACK, WHITE, Drop, Spot, tile_mask
from lib.drawing.cover.parts import show_sign
from lib.drawing.cover.places import UNDER, Subject, clear
from lib.drawing.cover.tones import GAP, Tones
from lib.drawing.cut import framing
from lib.drawing.ground.colour import Rgb, contrast, to_oklch

UNITS = 900  # of the frame's width
SHARP = 2.4  # enlargement beyond which a picture turns to mush
FILLS = 0.94  # of what would fill the frame: how near a close-up comes
LEFT = 0.62  # of a product's width: as much stays in a photo that fills the frame
PLAIN = 0.12  # of a photo's rows that show nothing: with more it does not fill the frame
MARGIN = 48
HIGHEST, LOWEST = 215, 1335  # units between which no app covers a plate
MOODS = ("vivid", "dark", "tint", "pastel")
LAST_LOGO = (340, 120)  # units of the logo above the call


@dataclass(frozen=True)
class ClipStyle:
    """The type of a clip's plates, and the moods of its grounds in their order."""

    pair: Pair
    moods: tuple[str, ...] = MOODS
    outline: float = 0
    own: Branding = UNBRANDED


def branded(style: ClipStyle, own: Branding) -> ClipStyle:
    """Return a style with the seller's own faces and colours in place of its own."""
    return replace(style, pair=letters.PAIRS.get(own.pair, style.pair), own=own)


def is_far(one: Actor, story: Story, design: str) -> bool:
    """Tell whether a cover's ground would be much lighter or darker than the seller's own."""
    if not story.own.ground:
        return False
    takes = DESIGNS[design]
    found = tones.tones(one.look, takes.mood, story.facts.kind, takes.turn, story.own)
    return abs(to_oklch(found.ground)[0] - to_oklch(story.own.ground)[0]) > tones.FAR


def opening(one: Actor, facts: CoverFacts, design: str, turn: int, own: Branding) -> FilmSheet:
    """Draw the cover in a design."""
    picture, takes = one.picture, DESIGNS[design]
    facts = facts if takes.note else with_note(facts)
    made = draw.prepared(SIZE, picture.image, facts, design, turn, picture.sides, own)
    sheet = FilmSheet(SIZE, made.tones.ground, picture.image)
    takes.draw(replace(made, paper=sheet))
    sheet.sign(own, made.top - made.room)
    return sheet


def near(one: Actor, facts: CoverFacts, words: str, style: ClipStyle, number: int) -> FilmSheet:
    """Show a part of the product, and a benefit if there is one; each number shows another part on another ground."""
    colours = _tones(one, facts.kind, style, number)
    plate = _plate(words, style, signs.chosen([words], facts.name)[0])
    low, high = _ends(plate)
    spots = (low, high) if number % 2 == 0 else (high, low)
    if not one.picture.is_cut:
        sheet, spot = _photo(one, colours, style, _part(one, number)), spots[0]
    else:
        sheet, large, is_free = _ground(one, colours, style), _large(one, number), one.picture.stands_free
        places = ((seen, spot) for spot in spots for seen in (large, _beside(large, spot) if is_free else large))
        seen, spot = clear(Subject(one.picture.image), places, UNDER)
        _enlarge(sheet, one, seen, style)
    _show(sheet, plate, spot, colours, style)
    if one.picture.is_cut and (spot == low or not words):  # beside a plate there is room for a speck only
        sheet.sign(style.own, HIGHEST)
    return sheet


def whole(one: Actor, facts: CoverFacts, words: str, style: ClipStyle, number: int) -> FilmSheet:
    """Show all of a picture, as large as the frame takes it, with words on a plate: the title has no sign."""
    colours = _tones(one, facts.kind, style, number)
    plate = _plate(words, style, signs.chosen([words], facts.name)[0] if words != facts.title else "")
    spot = next(_ends(plate))
    if not one.picture.is_cut:
        sheet = _photo(one, colours, style, _all(one))
    else:
        sheet = _ground(one, colours, style, spot.y - 24 if words else 1230)
        _stand(sheet, one, Spot(20, 190, 860, spot.y - 24 - 190 if words else 1180), style)
    _show(sheet, plate, spot, colours, style)
    if one.picture.is_cut:
        sheet.sign(style.own, HIGHEST)
    elif style.own.logo:
        size = _size(style.own.logo, (branding.WIDE, branding.HIGH))
        sheet.mark(style.own.logo, Spot(MARGIN, (spot.y if words else LOWEST) - 40 - size[1], *size), style.own.ground)
    return sheet


def closing(one: Actor, facts: CoverFacts, call: str, style: ClipStyle, number: int) -> FilmSheet:
    """Show the product once more, with its title and the call below it."""
    colours = _tones(one, facts.kind, style, number)
    title = letters.fit(facts.title, style.pair.title, (800, 220), (96, 54), lines=2)
    top = 1345 - 130 - (title.height + 44 if facts.title else 0)
    logo = style.own.logo
    room = LAST_LOGO[1] + 36 if logo else 0
    low = (top if call else 1345 if logo else 1500) - room
    if one.picture.is_cut:
        sheet = _ground(one, colours, style, low - 10)
        _stand(sheet, one, Spot(40, 190, 820, low - 230), style)
    else:
        sheet = _photo(one, colours, style, _all(one))
    is_covered = not one.picture.stands_free
    if call and is_covered:
        fill = colours.ground if style.own.ground else colours.deep
        sheet.tile(Spot(24, low - 40, 852, 1345 - low + 70), 48, fill)
    ink = colours.on_deep if is_covered and not style.own.ground else colours.ink
    if logo:
        size = _size(logo, LAST_LOGO)
        sheet.mark(logo, Spot((UNITS - size[0]) / 2, low + (LAST_LOGO[1] - size[1]) / 2, *size), style.own.ground)
    if not call:
        return sheet
    sheet.write(title, (0, top), ink, centre=UNITS)
    _button(sheet, call, style, colours)
    return sheet


def _button(sheet: FilmSheet, call: str, style: ClipStyle, colours: Tones) -> None:
    fill, ink = _accented(colours, style) or (colours.accent, colours.on_accent)
    said = letters.fit(call, style.pair.strong, (560, 70), (54, 36), lines=1)
    wide = said.width + 202
    left = (UNITS - wide) / 2
    sheet.tile(Spot(left, 1345 - 124, wide, 124), 62, fill)
    show_sign(sheet, "basket", (left + 54, 1345 - 124 + 31), 62, ink)
    sheet.write(said, (left + 142, 1345 - 62 - said.height / 2), ink)


def _size(logo: Image.Image, most: tuple[float, float]) -> tuple[float, float]:
    scale = min(most[0] / logo.width, most[1] / logo.height)
    return logo.width * scale, logo.height * scale


def _accented(colours: Tones, style: ClipStyle) -> tuple[Rgb, Rgb] | None:
    """Return the seller's own accent as it is seen on this ground, and what is read on it."""
    if not style.own.accent:
        return None
    return colours.accent, next(ink for ink in (WHITE, branding.COAL, BLACK) if contrast(ink, colours.accent) >= 4.5)


def _tones(one: Actor, kind: str, style: ClipStyle, number: int) -> Tones:
    """Return the colours of the next mood in which the product stands out.

    The seller's own ground is as near to what they chose as can be; before a disc of the accent it may be any.
    """
    moods = [style.moods[(number + step) % len(style.moods)] for step in range(len(style.moods))]
    tried = [tones.tones(one.look, mood, kind, number // len(moods), style.own) for mood in moods]
    fits = [found for found in tried if found.gap >= GAP] or tried
    if not style.own.ground:
        return fits[0]
    wanted = to_oklch(style.own.ground)[0]
    before = [found for found in tried if _is_before_accent(one, found, style)]
    return min([*fits, *before], key=lambda found: abs(to_oklch(found.ground)[0] - wanted))


def _is_before_accent(one: Actor, colours: Tones, style: ClipStyle) -> bool:
    """Tell whether the product would be lost on the seller's ground, and stands out from their accent."""
    is_lost = style.own.ground is not None and colours.gap < GAP
    return is_lost and abs(to_oklch(colours.accent)[0] - one.look.rim) >= GAP


def _ground(one: Actor, colours: Tones, style: ClipStyle, low: float = 1160) -> FilmSheet:
    """Return a lit ground with a disc; one of the seller's accent ends above `low`, where the words are."""
    sheet = FilmSheet(SIZE, colours.ground, one.picture.image)
    sheet.light((450, 760), (800, 1000), colours.soft, colours.ground, colours.shade, 0.6)
    if _is_before_accent(one, colours, style):
        radius = min(430, (low - 100) / 2)
        sheet.disc(450, low - radius, radius, colours.accent)
    else:
        sheet.disc(450, 800, 430, *((BLACK, 0.11) if colours.is_light else (WHITE, 0.12)))
    return sheet


def _stand(sheet: FilmSheet, one: Actor, room: Spot, style: ClipStyle) -> None:
    """Set the product into a room; one that its photo cuts runs off the frame there."""
    image = one.picture.image
    if one.picture.sides:
        _enlarge(sheet, one, _large(one, 0), style)
        return
    scale = min(room.width / image.width, room.height / image.height)
    wide, high = image.width * scale, image.height * scale
    spot = Spot(room.x + (room.width - wide) / 2, room.y + (room.height - high) * 0.55, wide, high)
    sheet.picture(image, spot, drop=Drop(), outline=style.outline)


def _large(one: Actor, number: int) -> Spot:
    """Return where the product is so large that it runs off the frame, one end or the other in sight."""
    image, sides = one.picture.image, one.picture.sides
    fit = min(WIDTH / image.width, HEIGHT / image.height)
    factor = max(min(SHARP, FILLS * max(WIDTH / image.width, HEIGHT / image.height)), min(1.3 * fit, SHARP))
    wide, high = (side * factor * UNITS / WIDTH for side in image.size)
    across, down = ((0.12, 0.2), (0.85, 0.75), (0.5, 0.4))[number % 3]
    x, y = _along(UNITS, wide, across), _along(1600, high, down)
    if sides:
        x = UNITS - wide if "right" in sides else 0 if "left" in sides else x
        y = 1600 - high if "bottom" in sides else min(y, 0) if "top" in sides else y
    return Spot(x, y, wide, high)


def _beside(large: Spot, plate: Spot) -> Spot:
    """Return the place of a product whose photo is too small to run off the frame, moved off a plate."""
    low = plate.y > 800
    y = min(large.y, plate.y - 24 - large.height) if low else max(large.y, plate.bottom + 24)
    return replace(large, y=y) if y >= 130 and y + large.height <= 1470 else large


def _enlarge(sheet: FilmSheet, one: Actor, spot: Spot, style: ClipStyle) -> None:
    sheet.picture(one.picture.image, spot, outline=0 if one.picture.sides else style.outline)


def _along(frame: float, side: float, share: float) -> float:
    """Return where a side begins: so far along what does not fit, with a little air at its ends; or in the middle."""
    air = 0.06 * frame
    return (frame + 2 * air - side) * share - air if side > frame else (frame - side) / 2


def _photo(one: Actor, colours: Tones, style: ClipStyle, shown: Image.Image) -> FilmSheet:
    """Let a photo fill the frame; a plain one hangs in a frame of its own before a ground."""
    if emptiness(shown).mean() <= PLAIN:
        sheet = FilmSheet(SIZE, colours.deep, one.picture.image)
        sheet.whole(shown)
        return sheet
    sheet = _ground(one, colours, style)
    spot = Spot(70, 190, 760, 1180)
    size = (sheet.px(spot.width), sheet.px(spot.height))
    hung = ImageOps.fit(shown, size, Image.Resampling.BICUBIC)
    hung.putalpha(tile_mask(*size, sheet.px(44)))
    sheet.whole(hung, (sheet.px(spot.x), sheet.px(spot.y)))
    return sheet


def _all(one: Actor) -> Image.Image:
    """Return the product filling the frame; where that would lose much of it, all of it above a part of it."""
    picture = one.picture
    part = framing.around(picture, WIDTH / HEIGHT)
    if part.width >= LEFT * (picture.box[2] - picture.box[0]):
        return part.resize(SIZE, Image.Resampling.LANCZOS)
    high = min(HEIGHT * 6 // 10, max(HEIGHT * 4 // 10, round(WIDTH * picture.image.height / picture.image.width)))
    canvas = Image.new("RGB", SIZE)
    canvas.paste(framing.around(picture, WIDTH / high).resize((WIDTH, high), Image.Resampling.LANCZOS), (0, 0))
    canvas.paste(_part(one, 0, (WIDTH, HEIGHT - high), 0.45), (0, high))
    return canvas


def _part(one: Actor, number: int, size: tuple[int, int] = SIZE, share: float = 0.72) -> Image.Image:
    """Return a part of a photo with much to see, filling a size."""
    photo = one.picture.image
    shape = size[0] / size[1]
    wide = min(photo.width, photo.height * shape) * share
    wide = max(wide, min(size[0] / SHARP, photo.width, photo.height * shape))
    part = (wide, wide / shape)
    points = list(_points(photo, part))
    x, y = points[number % len(points)]
    left = min(max(x - part[0] / 2, 0), photo.width - part[0])
    top = min(max(y - part[1] / 2, 0), photo.height - part[1])
    taken = photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + part[0], top + part[1]))
    return taken.filter(ImageFilter.UnsharpMask(2.0, 70, 2))


def _points(photo: Image.Image, size: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Return two places with much detail that lie apart; `size` is what a shot shows of the photo."""
    grey = np.asarray(photo.convert("L").resize((64, 64), Image.Resampling.BOX), dtype=np.float32)
    detail = np.hypot(*np.gradient(grey))
    reach = (max(2, round(size[0] / photo.width * 20)), max(2, round(size[1] / photo.height * 20)))
    level = Image.fromarray((detail / max(1e-3, float(detail.max())) * 255).astype(np.uint8))
    soft = np.asarray(level.filter(ImageFilter.BoxBlur(reach)), dtype=np.float32)
    y, x = np.mgrid[0:64, 0:64]
    soft = soft * np.exp(-((x - 31.5) ** 2 + (y - 31.5) ** 2) / (2 * 18**2))  # floors have more detail than dresses
    for _ in range(2):
        row, column = (int(place) for place in np.unravel_index(int(soft.argmax()), soft.shape))
        yield (column + 0.5) / 64 * photo.width, (row + 0.5) / 64 * photo.height
        away = ((x - column) / (reach[0] * 1.5)) ** 2 + ((y - row) / (reach[1] * 1.5)) ** 2
        soft = soft * np.clip(away, 0, 1)


@dataclass(frozen=True)
class ClipPlate:
    """Words with their sign, "" for none."""

    said: TextBlock
    sign: str

    @property
    def size(self) -> tuple[float, float]:
        """Its width and height."""
        return self.said.width + self.inset + 96, max(self.said.height + 72, 164)

    @property
    def inset(self) -> float:
        """Units that its sign takes."""
        return 150 if self.sign else 0


def _plate(words: str, style: ClipStyle, sign: str) -> ClipPlate:
    """Set words for a plate."""
    return ClipPlate(letters.fit(words, style.pair.title, (490 if sign else 640, 300), (92, 46), lines=3), sign)


def _ends(plate: ClipPlate) -> Iterator[Spot]:
    """Yield where a plate can be, where no app covers it: low, and high."""
    wide, high = plate.size
    yield Spot(36, LOWEST - high, wide, high)
    yield Spot(36, HIGHEST, wide, high)


def _show(sheet: FilmSheet, plate: ClipPlate, spot: Spot, colours: Tones, style: ClipStyle) -> None:
    """Draw the plate, if it says anything."""
    if not plate.said.width:
        return
    fill, ink = _accented(colours, style) or (colours.deep, colours.on_deep)
    sheet.tile(spot, 44, fill)
    if plate.sign:
        show_sign(sheet, plate.sign, (spot.x + 40, spot.y + (spot.height - 108) / 2), 108, ink)
    top = spot.y + (spot.height - plate.said.height) / 2
    sheet.write(plate.said, (spot.x + 48 + plate.inset, top), ink)
