"""Designs for a photo that could not be cut: it fills its place to the edges, and the words have their own ground."""

import zlib
from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps

from lib.drawing.cover import branding, full, letters, tones
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cover.draw import zone
from lib.drawing.cover.facts import CoverFacts, without_number
from lib.drawing.cover.full import PlacedPhoto
from lib.drawing.cover.letters import ONEST, OSWALD, UNBOUNDED, Pair
from lib.drawing.cover.paper import WHITE, WIDTH, CoverSheet, Spot, tile_mask
from lib.drawing.cover.parts import BenefitRow, Cover, Inks, draw_row, row, set_title
from lib.drawing.cover.places import Subject, finest
from lib.drawing.cover.tones import SubjectLook, Tones
from lib.drawing.cut import framing
from lib.drawing.ground import raster
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.raster import Floats

INK: Rgb = (29, 32, 48)
EDGE = 0.002  # of the photo: what ends nearer to its edge is cut by it
KEPT = 0.66  # of the length of a product that its photo cuts at both ends
AIR = 0.06  # of what is shown, beyond an end of the product: a slanted band hides that much
PLAIN = 14  # of 255: what differs less from most of an edge is plain
NEAR = 0.42  # of the product's shorter side: what a picture of its finest part shows
MIDDLE = 0.62  # of each side: what one of its middle shows
SHARP = 700  # pixels of a photo's shorter side at least: of a smaller one a part is blurred
FADE = 0.12  # of what is beside a photo: so far from its edge that one's own light and dark are gone
LEAP = 6  # of 255: more from one line of an edge to the next is another thing, less is the light
STRIP = 0.02  # of a photo's length: its edge
CALM = 0.85  # of an edge, at least, that changes slowly: what it shows can go on beside it
BESIDE = 0.2  # of a place, at most, in which what is beside a photo need not be calm
EMPTY = 0.3  # of a place, at most, beside a photo that stands at one side of it: more is a half-empty card
LINED = 0.01  # of a photo's length: black lines at its edge, no wider than that, are none of what it shows
BLACK = 40  # of 255
MARGIN = 30  # units round a photo that stands on the ground

type Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels

# The mood of each, and its turn.
MOODS = {"full": ("dark", 0), "band": ("dark", 0), "panel": ("light", 0), "head": ("vivid", 2), "diagonal": ("dark", 0)}
DESIGNS = tuple(MOODS)
# The shapes of their places for the photo; one that leaves least room is not for a photo that stands on its ground.
SHAPES = {"band": (900, 800), "panel": (840, 730), "head": (900, 700), "diagonal": (900, 800)}
STANDING = ("panel", "band", "diagonal")  # where it stands: the lightest and that of the largest photo first
CARD = (90, 120)  # what is chosen for it is chosen for a story, too


def fitting(facts: CoverFacts, photo: PlacedPhoto, wanted: str = "") -> tuple[list[str], list[str]]:
    """Return the designs that the photo fills, and others; of the first three the title says which leads.

    It goes by the design that is `wanted`, where there is one: photos of a batch that cannot have it look alike. Where
    something must go on beside the photo, a design comes later.
    """
    cover, _ = _prepared(CARD, photo, facts, "full")
    alone_ = ["full"] if full.plan(cover, photo) else []
    alone_ += [name for name in SHAPES if _is_cropped(photo, SHAPES[name])]
    beside = [name for name in SHAPES if name not in alone_ and _goes_on(photo.image, photo.focus, SHAPES[name])]
    filled = alone_ or beside
    lead = zlib.crc32((wanted or facts.title).encode()) % max(1, min(3, len(filled)))
    first = [*filled[lead:3], *filled[:lead], *filled[3:], *(beside if alone_ else [])]
    return first, [name for name in STANDING if name not in first]


def placed(photo: Image.Image, focus: Box, mask: Image.Image | None) -> PlacedPhoto:
    """Return a photo without the black lines that an editor has left at its edges: a smear of them would go on."""
    dark = np.asarray(photo.convert("RGB")).max(-1) < BLACK
    columns, rows = (dark.mean(axis) > 0.98 for axis in (0, 1))
    inner = (_lines(columns), _lines(rows), photo.width - _lines(columns[::-1]), photo.height - _lines(rows[::-1]))
    box = [min(max(focus[side], inner[side % 2]), inner[side % 2 + 2]) - inner[side % 2] for side in range(4)]
    return PlacedPhoto(photo.crop(inner), (box[0], box[1], box[2], box[3]), mask.crop(inner) if mask else None)


def _lines(are_dark: np.ndarray) -> int:
    count = int(np.argmin(are_dark))
    return count if count <= LINED * len(are_dark) else 0


def _is_cropped(photo: PlacedPhoto, size: tuple[int, int]) -> bool:
    """Tell if the photo alone fills a size."""
    shape = size[0] / size[1]
    left, top, right, bottom = _around(photo.focus, photo.image.size, shape)
    return _may_lose(photo.focus, photo.image.size, (right - left, bottom - top), shape)


def _prepared(
    size: tuple[int, int], photo: PlacedPhoto, facts: CoverFacts, design: str, own: Branding = UNBRANDED
) -> tuple[Cover, SubjectLook]:
    """Return the empty sheet of a design, and what the product looks like."""
    facts = without_number(facts)  # the row says what it is a number of
    seen = replace(tones.character(photo.image.crop(photo.focus).convert("RGBA"), facts.name), rim=0.5)
    others = {mood: tones.tones(seen, mood, facts.kind, own=own) for mood in ("dark", "tint")}
    found = tones.tones(seen, MOODS[design][0], facts.kind, MOODS[design][1], own)
    paper = CoverSheet(*size, found.ground)
    return Cover(paper, Subject(photo.image.convert("RGBA")), facts, found, others, *zone(size), own), seen


def draw(
    size: tuple[int, int],
    photo: PlacedPhoto,
    facts: CoverFacts,
    design: str,
    own: Branding = UNBRANDED,
    part: Box | None = None,
) -> Image.Image:
    """Return the cover at this size in pixels.

    With a `part` of the product it shows that alone, in the colours of the whole.
    """
    cover, seen = _prepared(size, photo, facts, design, own)
    shown = PlacedPhoto(photo.image, part, nearest=9) if part else photo
    made = full.plan(cover, shown) if design == "full" else None
    if made:
        full.draw(cover, shown, made, seen)
    else:
        drawn = {"head": _head, "panel": _panel, "diagonal": _diagonal}
        drawn.get(design, _band)(cover, shown.image, shown.focus)
    return cover.paper.image


def views(placed: PlacedPhoto) -> list[Box]:
    """Return where the product's structure is finest, and its middle; nothing where the photo is too small for that."""
    photo, focus, mask = placed.image, placed.focus, placed.mask
    if min(photo.size) < SHARP:
        return []
    seen = photo.crop(focus).convert("RGBA")
    if mask and mask.getbbox():
        seen.putalpha(mask.crop(focus))
    [(x, y)] = finest(seen, 1, NEAR) or [(0.5, 0.5)]
    side = NEAR * min(seen.size)
    fine, middle = (x, y, side, side), (0.5, 0.5, MIDDLE * seen.width, MIDDLE * seen.height)
    return [_within(focus, *one) for one in (fine, middle)]


def _within(focus: Box, x: float, y: float, width: float, height: float) -> Box:
    """Return the part of this size whose middle is there in the product, as shares of it."""
    left = round(focus[0] + x * (focus[2] - focus[0]) - width / 2)
    top = round(focus[1] + y * (focus[3] - focus[1]) - height / 2)
    return left, top, left + round(width), top + round(height)


def alone(size: tuple[int, int], photo: Image.Image, focus: Box) -> Image.Image:
    """Return the photo alone, as near to its product as its shape allows."""
    return _cropped(photo, focus, size)


def _band(cover: Cover, photo: Image.Image, focus: Box) -> None:
    """Words on a deep band across the foot."""
    title, made, high = _words(cover, cover.pair(UNBOUNDED))
    top = cover.bottom - high - 40 if cover.is_high else cover.height - high - 72
    _fill(cover, photo, focus, Spot(0, 0, WIDTH, top + 2))
    cover.paper.band(top, cover.height, cover.tones.deep)
    cover.paper.band(top, top + 12, cover.tones.accent)
    _write(cover, title, made, top + 40, cover.tones)


def _head(cover: Cover, photo: Image.Image, focus: Box) -> None:
    """A large title above the photo, white tiles across its lower edge."""
    paper, tones_ = cover.paper, cover.tones
    branding.sign(paper, cover.own, cover.top)
    cover = replace(cover, top=cover.top + cover.room)
    title = set_title(cover, cover.pair(ONEST).title, (804, 230), (112 if cover.is_high else 80, 48), 2)
    made = row(cover, cover.pair(ONEST), 804, size=38, sign=54, gap=20, pad=22)
    low = cover.bottom - (made.height if made.blocks else -40)
    top = cover.top + title.height + 36
    over = 44 if made.blocks and focus[3] < (1 - AIR) * photo.height else 0  # no tile hides a foot
    if over:  # a mask may end above a toe
        focus = (*focus[:3], min(photo.height, round(focus[3] + AIR * (focus[3] - focus[1]))))
    _fill(cover, photo, focus, Spot(0, top, WIDTH, low + over - top))
    paper.write(title, (48, cover.top), tones_.ink)
    draw_row(cover, made, (48, low), Inks(INK, cover.others["dark"].deep, WHITE))


def _panel(cover: Cover, photo: Image.Image, focus: Box) -> None:
    """The photo in a round frame, the words below on paper."""
    title, made, high = _words(cover, cover.pair(ONEST))
    edge = cover.top if cover.is_story else 30
    top = cover.bottom - high + (0 if cover.is_story else 12)
    _tile(cover.paper, photo, focus, Spot(MARGIN, edge, WIDTH - 2 * MARGIN, top - edge - 34))
    _write(cover, title, made, top, cover.tones)


def _diagonal(cover: Cover, photo: Image.Image, focus: Box) -> None:
    """A slanted band below, capitals on it."""
    capitals = replace(
        cover, facts=replace(cover.facts, title=cover.facts.title.upper(), accent=cover.facts.accent.upper())
    )
    title, made, high = _words(capitals, cover.pair(OSWALD))
    top = cover.bottom - high - 50 if cover.is_high else cover.height - high - 72
    left = top + 22 if focus[3] < (1 - AIR) * photo.height else top - 68  # the slant hides no foot
    _fill(cover, photo, focus, Spot(0, 0, WIDTH, left + 2), left + 70 - top)
    points = [(0, top + 40), (WIDTH, top - 50), (WIDTH, cover.height), (0, cover.height)]
    cover.paper.polygon([(0, left), (WIDTH, top - 68), *points[2:]], cover.tones.accent)
    cover.paper.polygon(points, cover.tones.deep)
    _write(capitals, title, made, top + 50, cover.tones)


def _words(cover: Cover, pair: Pair) -> tuple[letters.TextBlock, BenefitRow, float]:
    """Set the title and the benefits; return them and the units that both take."""
    title = letters.fit(cover.facts.title, pair.title, (800, 190), (88 if cover.is_high else 68, 40), lines=2)
    made = row(cover, pair, 804, size=40, sign=54, gap=28)
    return title, made, cover.room + title.height + (made.height + 34 if made.blocks else 0)


def _write(cover: Cover, title: letters.TextBlock, made: BenefitRow, top: float, tones_: Tones) -> None:
    branding.sign(cover.paper, cover.own, top)
    top += cover.room
    cover.paper.write(title, (48, top), tones_.ink, accent=(cover.facts.accent, tones_.accent))
    draw_row(cover, made, (48, top + title.height + 34), Inks(tones_.ink, tones_.accent))


def _fill(cover: Cover, photo: Image.Image, focus: Box, spot: Spot, slant: float = 0) -> None:
    """Fill a place with the photo; one of another shape that cannot go on stands on a light ground, above a slant."""
    size = (cover.paper.px(spot.width), cover.paper.px(spot.height))
    if _goes_on(photo, focus, size):
        cover.paper.put(_cropped(photo, focus, size), (cover.paper.px(spot.x), cover.paper.px(spot.y)))
        return
    if not spot.y:
        cover.paper.band(0, spot.bottom, cover.others["tint"].ground)
    top = spot.y + (MARGIN if spot.y else cover.top if cover.is_story else MARGIN)
    _tile(cover.paper, photo, focus, Spot(MARGIN, top, WIDTH - 2 * MARGIN, spot.bottom - slant - MARGIN - top))


def _tile(paper: CoverSheet, photo: Image.Image, focus: Box, spot: Spot) -> None:
    """Show the photo with round corners; one of another shape that cannot go on is narrower or lower than the place."""
    size = (paper.px(spot.width), paper.px(spot.height))
    if _goes_on(photo, focus, size):
        shown = _cropped(photo, focus, size)
    else:
        part = photo.crop(_around(focus, photo.size, size[0] / size[1]))
        shown = ImageOps.contain(part, size, Image.Resampling.LANCZOS)
    corner = (paper.px(spot.middle) - shown.width // 2, paper.px(spot.y) + (size[1] - shown.height) // 2)
    paper.image.paste(shown, corner, tile_mask(*shown.size, paper.px(44)))


def _goes_on(photo: Image.Image, focus: Box, size: tuple[int, int]) -> bool:
    """Tell if the photo can fill a size: cropped, nearly of its shape, or with calm edges that go on beside it."""
    shape = size[0] / size[1]
    part = photo.crop(_around(focus, photo.size, shape))
    if _may_lose(focus, photo.size, part.size, shape):
        return True
    axis = 1 if part.width > part.height * shape else 0
    at = _side(focus, photo.size, axis)
    near = STRIP * photo.size[axis]
    if (at > 0 and focus[axis] < near) or (at < 1 and photo.size[axis] - focus[axis + 2] < near):
        return False  # the product is in the strip that would go on: a sleeve would be a band
    share = min(part.width / shape / part.height, part.height * shape / part.width)
    if share > 1 - BESIDE:
        return True
    if axis == 0 and at != 0.5 and share < 1 - EMPTY:
        return False
    turned = part.rotate(90, expand=True) if axis else part
    strip = max(2, round(turned.width * STRIP))
    edges = ((0, at > 0), (turned.width - strip, at < 1))
    return all(_is_calm(turned.crop((left, 0, left + strip, turned.height))) for left, is_seen in edges if is_seen)


def _is_calm(edge: Image.Image) -> bool:
    """Tell if an edge of a photo changes slowly along most of it: no pattern, no other thing."""
    lines = np.median(np.asarray(edge, dtype=np.float32), 1)
    step = max(1, len(lines) // 75)
    return bool(np.mean(np.abs(lines[step:] - lines[:-step]).max(-1) < 2 * LEAP) >= CALM)


def _cropped(photo: Image.Image, focus: Box, size: tuple[int, int]) -> Image.Image:
    """Return the photo filling a size, as near to its product as that keeps all of it and its grain."""
    shape = size[0] / size[1]
    box = _around(focus, photo.size, shape)
    part = photo.crop(box)
    if not _may_lose(focus, photo.size, part.size, shape):
        axis = 1 if part.width * size[1] > part.height * size[0] else 0
        free = (focus[axis] - box[axis], box[axis + 2] - focus[axis + 2])
        if focus == (0, 0, *photo.size):  # the product was hardly found: a straight edge would show
            free = part.size
        return _whole(part, size, _side(focus, photo.size, axis), free)
    near = (min(part.width, part.height * shape), min(part.height, part.width / shape))
    centre = [_start(focus, photo.size, box, axis, near[axis]) for axis in (0, 1)]
    return ImageOps.fit(part, size, Image.Resampling.LANCZOS, centering=(centre[0], centre[1]))


def _start(focus: Box, whole: tuple[int, int], box: Box, axis: int, near: float) -> float:
    """Return where a window of this length begins in the box, as a share of its way: an end that is whole stays whole.

    The product is in the middle, but what the photo cuts loses more of that end.
    """
    first, last, spare = focus[axis], focus[axis + 2], box[axis + 2] - box[axis] - near
    begin = (first + last - near) / 2
    air = min(AIR * near, max(0, near - (last - first)) / 2)
    if last < (1 - EDGE) * whole[axis]:
        begin = max(begin, last + air - near)
    if first > EDGE * whole[axis]:
        begin = min(begin, first - air)
    return min(1, max(0, (begin - box[axis]) / spare)) if spare > 0 else 0.5


def _may_lose(focus: Box, whole: tuple[int, int], part: tuple[int, int], shape: float) -> bool:
    """Tell if cropping the part to the shape keeps all of its product, with some air around it.

    Of one that the photo cuts at two opposite ends it keeps most: those ends were never whole. One that reaches all
    four was hardly found.
    """
    cut = [focus[axis] <= EDGE * whole[axis] and focus[axis + 2] >= (1 - EDGE) * whole[axis] for axis in (0, 1)]
    kept = [KEPT if cut[axis] and not all(cut) else 1 + AIR for axis in (0, 1)]
    width, high = (kept[axis] * (focus[axis + 2] - focus[axis]) for axis in (0, 1))
    return shape * part[1] >= min(width, part[0]) and part[0] / shape >= min(high, part[1])


def _side(focus: Box, whole: tuple[int, int], axis: int) -> float:
    """Return where a photo stands, 0 to 1 along an axis: at the edge at which it alone cuts its product."""
    first, last = focus[axis] <= EDGE * whole[axis], focus[axis + 2] >= (1 - EDGE) * whole[axis]
    return 0.5 if first == last else float(last)


def _whole(part: Image.Image, size: tuple[int, int], at: float, free: tuple[int, int]) -> Image.Image:
    """Return all of a picture where its product has another shape: beside it goes on what its edges show.

    `free` are the pixels beside the product: the picture fades into what goes on there, and the product does not.
    """
    shown = ImageOps.contain(part, size, Image.Resampling.LANCZOS)
    corner = (round((size[0] - shown.width) * at), round((size[1] - shown.height) * at))
    canvas = _beyond(shown, size, max(corner))
    is_low = shown.height < size[1]
    length = shown.height if is_low else shown.width
    scale = shown.width / part.width
    most = max(2, round(min(shown.size) * 0.06))
    first, last = (min(most, max(2, round(room * scale))) for room in free)
    lines = np.arange(length) + 0.5
    near = np.minimum(lines / first if at else 1, (length - lines) / last if at < 1 else 1).clip(0, 1)
    shades = np.broadcast_to(near[:, None] if is_low else near, (shown.height, shown.width))
    canvas.paste(shown, corner, Image.fromarray((shades * 255 + 0.5).astype(np.uint8)))
    return canvas


def _beyond(shown: Image.Image, size: tuple[int, int], left: int) -> Image.Image:
    """Return what lies behind a picture that begins there: the colours of its edges, softer the farther they go on.

    A mirrored picture would show its product once more.
    """
    is_low = shown.height < size[1]
    turned = shown.rotate(90, expand=True) if is_low else shown
    wide, high = (size[1], size[0]) if is_low else size
    strip = max(2, round(turned.width * STRIP))
    made = np.empty((high, wide, 3), dtype=np.float32)
    half = left + turned.width // 2
    for edge, border, side in (
        (turned.crop((0, 0, strip, high)), left, slice(0, half)),
        (turned.crop((turned.width - strip, 0, turned.width, high)), left + turned.width, slice(half, wide)),
    ):
        pixels = np.asarray(edge, dtype=np.float32)
        middle = np.median(pixels, (0, 1))
        is_plain = np.mean(np.abs(pixels - middle).max(-1) < PLAIN) > 0.5
        lines = np.median(pixels, 1)
        lines = (_ground(lines, middle) if is_plain else lines)[:, None]
        near, far = (raster.box(raster.box(lines, max(1, high // part)), max(1, high // part)) for part in (30, 5))
        away = np.minimum(np.abs(np.arange(wide)[side] - border) / (FADE * wide), 1)[None, :, None]
        made[:, side] = near + (far - near) * away
    canvas = Image.fromarray((made + 0.5).clip(0, 255).astype(np.uint8))
    return canvas.rotate(-90, expand=True) if is_low else canvas


def _ground(lines: Floats, plain: Floats) -> Floats:
    """Return the lines of a plain edge without the product: where it reaches the edge, the ground goes on."""
    run = np.concatenate([[0], np.cumsum(np.abs(np.diff(lines, axis=0)).max(-1) > LEAP)])
    own = np.isin(run, run[np.abs(lines - plain).max(-1) < PLAIN])
    if not own.any():
        return lines
    at = np.arange(len(lines))
    return np.stack([np.interp(at, at[own], plane[own]) for plane in lines.T], -1).astype(np.float32)


def _around(focus: Box, whole: tuple[int, int], aspect: float) -> Box:
    """Return the part of the photo with the product, a margin round it, and this shape as far as the photo reaches."""
    width, height = (focus[2] - focus[0]) * 1.16, (focus[3] - focus[1]) * 1.16
    most = min(whole[0], whole[1] * aspect)
    width = max(width, height * aspect, most * framing.LEAST)
    height = max(height, width / aspect, most / aspect * framing.LEAST)
    width, height = min(whole[0], max(width, height * aspect)), min(whole[1], max(height, width / aspect))
    left = min(max(0, (focus[0] + focus[2] - width) / 2), whole[0] - width)
    top = min(max(0, (focus[1] + focus[3] - height) / 2), whole[1] - height)
    return round(left), round(top), round(left + width), round(top + height)
