"""A cover that is its photo: edge to edge, and it melts into a ground of its own colour where the words stand.

The words stand below, above, or the title above and the benefits below: where they leave the product largest and hide
none of it. They become smaller before a product does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image

from lib.drawing.cover import branding, letters, tones
from lib.drawing.cover.letters import ONEST, TextBlock
from lib.drawing.cover.paper import WIDTH
from lib.drawing.cover.parts import BenefitRow, Cover, Inks, draw_row, row
from lib.drawing.cover.tones import SubjectLook, Tones
from lib.drawing.ground import colour
from lib.drawing.ground.raster import Floats

RAMP = 140  # units in which the photo melts into the ground
PAD = 26  # units between it and the words
SEEN = 0.65  # of them: nearer to the words a product fades
EDGE = 0.002  # of the photo: what ends nearer to its edge is cut by it
AIR = 24  # units between a product that is whole and the card's edge
GUESSED = 0.2  # of a photo's structure, where its product was not found, that may be hidden
LEAP = 60  # of 255: a stronger edge is no more of a structure
NEAR = 0.03  # of the product, around it
CELLS = 100  # rows and columns in which a product is weighed
SHADED = 0.01  # of the product, more of which may be hidden below: there it seems to be in its shadow
GAP = 34  # units between the title and the benefits
# Of a title, whether the benefits have their signs, and how much of the product may be hidden: words give way first.
SIZES = ((96, True, 0.01), (76, True, 0.015), (76, False, 0.015), (64, False, 0.02), (56, False, 0.02))
PALE, GREY = 0.78, 0.05  # a photo that is lighter and greyer there melts into a light ground: fog, on wood, looks odd
FAINTEST = 0.03  # chroma of that ground

type Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


@dataclass(frozen=True)
class PlacedPhoto:
    """A photo, where its product is, and the mask that says so."""

    image: Image.Image
    focus: Box
    mask: Image.Image | None = None
    nearest: float = 1.5  # times that it is enlarged, at most, beyond what fills the card's width

    @property
    def is_found(self) -> bool:
        """Whether it is known where the product is."""
        return self.mask is None or self.mask.getbbox() is not None

    @property
    def near(self) -> tuple[float, float, float, float]:
        """Where the product is with some air around it: a mask may end above a toe."""
        left, top, right, bottom = self.focus
        wide, high = NEAR * (right - left), NEAR * (bottom - top)
        width, height = self.image.size
        return max(0, left - wide), max(0, top - high), min(width, right + wide), min(height, bottom + high)

    @cached_property
    def weight(self) -> Floats:
        """How much of the product, or of the photo's structure, is in each cell; the sum is 1."""
        cells: Floats
        if self.mask and self.is_found:
            sure = self.mask.point(lambda level: max(0, 2 * level - 255))  # what is only guessed counts less
            cells = np.asarray(sure.resize((CELLS, CELLS), Image.Resampling.BOX), dtype=np.float32)
        elif self.is_found:
            product = Image.new("L", self.image.size)
            product.paste(255, self.focus)
            cells = np.asarray(product.resize((CELLS, CELLS), Image.Resampling.BOX), dtype=np.float32)
        else:
            small = self.image.convert("L").resize((CELLS + 1, CELLS + 1), Image.Resampling.BOX)
            grey = np.asarray(small, dtype=np.float32)
            steps = np.abs(np.diff(grey, axis=0))[:, 1:] + np.abs(np.diff(grey, axis=1))[1:]
            cells = np.minimum(steps, LEAP)
        counted = cells / np.sqrt(np.maximum(1, cells.sum(1, keepdims=True)))  # thin parts count: a handle
        return np.asarray(counted / max(1.0, float(counted.sum())), dtype=np.float32)

    def outside(self, window: tuple[float, float, float, float]) -> float:
        """Return how much of the product is outside a window, whose sides are shares of the photo's."""
        left, top, right, bottom = window
        at = (np.arange(CELLS) + 0.5) / CELLS
        return 1 - float(self.weight[(at > top) & (at < bottom)][:, (at > left) & (at < right)].sum())


@dataclass(frozen=True)
class WordsPlace:
    """Where title and benefits begin, where those above end and those below begin; 0 and the card's height for none."""

    title: float
    row: float
    over: float
    under: float


@dataclass(frozen=True)
class FullCover:
    """Words and photo in their places, in units; `scale` is units for a pixel of the photo."""

    title: TextBlock
    benefits: BenefitRow
    words: WordsPlace
    scale: float
    left: float
    top: float
    cost: float  # what is hidden of the product, as it is felt


def plan(cover: Cover, photo: PlacedPhoto) -> FullCover | None:
    """Return the best places of the photo and the words; None where words of any size would hide the product."""
    for size, is_signed, limit in SIZES:
        good = [made for made in _plans(cover, photo, size, is_signed=is_signed) if made.cost <= limit]
        if good:
            return max(good, key=lambda made: round(made.scale - made.cost, 2))  # of equals the first
    return None


def _plans(cover: Cover, photo: PlacedPhoto, size: float, *, is_signed: bool) -> Iterator[FullCover]:
    pair, share = cover.pair(ONEST), 1 if cover.is_high else 0.75
    title = letters.fit(cover.facts.title, pair.title, (804, 230), (size * share, 44), lines=2)
    made = row(cover, pair, 804, size=38, sign=54, gap=28)
    if not is_signed:
        made = replace(made, icons=[""] * len(made.icons))
    top, low = cover.top + cover.room, cover.bottom - made.height
    gap = GAP if made.blocks else 0
    high = cover.bottom - made.height - gap - title.height
    below = top + title.height + gap
    places = [WordsPlace(high, low, 0, high - cover.room), WordsPlace(top, below, below + made.height, cover.height)]
    if made.blocks:
        places.append(WordsPlace(top, low, top + title.height, low))
    return (_placed(cover, photo, FullCover(title, made, words, 1, 0, 0, 1)) for words in places)


def _placed(cover: Cover, photo: PlacedPhoto, made: FullCover) -> FullCover:
    """Return the cover with its photo: as large as its product is whole, in the middle of what the words leave."""
    wide, high = photo.image.size
    x0, y0, x1, y1 = photo.near
    over, under = made.words.over > 0, made.words.under < cover.height
    first, last = made.words.over + PAD if over else 0, made.words.under - PAD if under else cover.height
    above = first + SEEN * RAMP if over else AIR if y0 > 0 else 0
    below = last - SEEN * RAMP if under else last - AIR if y1 < high else last
    across = WIDTH - (AIR if x0 > 0 else 0) - (AIR if x1 < wide else 0)
    least = max(WIDTH / wide, (last - first) / high)
    scale = max(least, min((below - above) / (y1 - y0), across / (x1 - x0), photo.nearest * WIDTH / wide))
    left = min(0, max(WIDTH - wide * scale, (WIDTH - scale * (x0 + x1)) / 2))
    highest, lowest = last - high * scale, first
    top = (above + below - scale * (y0 + y1)) / 2
    if not over:  # what has no room goes into the dark, not beyond the card
        top = max(top, above - scale * y0)
    elif not under:
        top = min(top, below - scale * y1)
    top = min(lowest, max(highest, top))
    width, height = wide * scale, high * scale
    window = (-left / width, (above - top) / height, (WIDTH - left) / width, (below - top) / height)
    hidden = photo.outside(window)
    cost = hidden - GUESSED if not photo.is_found else hidden if over else hidden - SHADED
    placed = replace(made, scale=scale, left=left, top=top, cost=cost)
    return replace(placed, cost=1) if _is_cropped(cover, photo, placed) else placed


def _is_cropped(cover: Cover, photo: PlacedPhoto, made: FullCover) -> bool:
    """Tell if the card's edge cuts a product where the photo has it whole."""
    for axis, (start, length) in enumerate(((made.left, WIDTH), (made.top, cover.height))):
        first, last, whole = photo.focus[axis], photo.focus[axis + 2], photo.image.size[axis]
        if EDGE * whole < first < -start / made.scale or (length - start) / made.scale < last < (1 - EDGE) * whole:
            return True
    return False


def draw(cover: Cover, photo: PlacedPhoto, made: FullCover, seen: SubjectLook) -> None:
    """Draw the cover."""
    paper, words = cover.paper, made.words
    size = (paper.px(made.scale * photo.image.width), paper.px(made.scale * photo.image.height))
    shown = photo.image.resize(size, Image.Resampling.LANCZOS)
    paper.put(shown, (paper.px(made.left), paper.px(made.top)))
    y = (np.arange(paper.image.height) + 0.5) / paper.scale
    level = np.zeros(len(y), dtype=np.float32)
    edges = [(words.over + PAD, 1)] if words.over else []
    edges += [(words.under - PAD, -1)] if words.under < cover.height else []
    for start, way in edges:
        near = np.clip(1 - (y - start) * way / RAMP, 0, 1)
        level = np.maximum(level, near * near * (3 - 2 * near)).astype(np.float32)
    found = _ground(cover, paper.image, level, seen)
    mask = Image.fromarray((level * 255 + 0.5).astype(np.uint8)[:, None])
    paper.lay(found.ground, mask.resize(paper.image.size), (0, 0))
    branding.sign(paper, cover.own, min(words.title, words.row) - cover.room)
    paper.write(made.title, (48, words.title), found.ink, accent=(cover.facts.accent, found.accent))
    draw_row(cover, made.benefits, (48, words.row), Inks(found.ink, found.accent))


def _ground(cover: Cover, drawn: Image.Image, level: Floats, seen: SubjectLook) -> Tones:
    """Return the colours of the ground into which the drawn photo melts: its own there, made light or dark."""
    rows = np.asarray(drawn)[(level > 0) & (level < 1)]
    red, green, blue = (int(one) for one in np.median(rows, (0, 1)))
    light, chroma, hue = colour.to_oklch((red, green, blue))
    mood = "light" if light > PALE and chroma < GREY else "dark"
    own = colour.oklch(0.95 if mood == "light" else 0.17, min(chroma, FAINTEST), hue)
    return tones.tones(seen, mood, cover.facts.kind, own=replace(cover.own, ground=cover.own.ground or own))
