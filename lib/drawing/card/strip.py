"""Draws a strip: up to four covers of one card on one picture, small, numbered, each marked as a sample."""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from lib.drawing.card import covers
from lib.drawing.card.render import PRESETS
from lib.drawing.cover import letters
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cover.letters import ONEST
from lib.drawing.cut.result import CutPhoto, Way
from lib.drawing.ground import output
from lib.drawing.ground.colour import Rgb

COVERS = 4
WIDE = 480  # pixels of a cover: enough to judge it, too few to upload it
GAP = 40
BADGE = 34  # half of a number's disc
GROUND: Rgb = (238, 237, 234)
DARK: Rgb = (24, 24, 27)
WHITE: Rgb = (255, 255, 255)
MARK = 70  # of 255: how strong the sample's mark is


@dataclass(frozen=True)
class DrawnStrip:
    """A page of covers: the picture, the designs on it in their order, and the number of the first.

    `last` says that no cover follows, `led` that the first of all is the design that was asked for.
    """

    jpeg: bytes
    designs: tuple[str, ...]
    first: int
    last: bool
    led: bool = False


@dataclass(frozen=True)
class StripWords:
    """The words of the card, and the word across each sample."""

    title: str
    benefits: tuple[str, ...]
    sample: str


def draw(
    cut: CutPhoto,
    preset: str,
    words: StripWords,
    page: int,
    way: Way | None = None,
    own: Branding = UNBRANDED,
    design: str = "",
    seen: int | None = None,
) -> DrawnStrip:
    """Draw a page of the covers that take this product and words; after the last page, the first.

    The best come first, before them a `design` that the seller chose for an earlier card. The variant that the seller
    has `seen`, a card that is made, is left out where there is another.
    """
    looks = covers.looks(cut, words.title, words.benefits, design, way, own)
    count = len(looks.designs)
    numbers = [number for number in range(count) if seen is None or count == 1 or number != seen % count]
    start = page * COVERS if page * COVERS < len(numbers) else 0
    size = (WIDE, round(WIDE * PRESETS[preset].height / PRESETS[preset].width))
    shown = numbers[start : start + COVERS]
    cells = [_sample(looks.draw(size, number), words.sample) for number in shown]
    last = start + COVERS >= len(numbers)
    designs = tuple(looks.designs[number] for number in shown)
    return DrawnStrip(output.jpeg(_sheet(cells, start + 1)), designs, start + 1, last, looks.designs[0] == design)


def beside(covers_: list[Image.Image], sample: str) -> bytes:
    """Return covers side by side, each marked as a sample."""
    width, height = covers_[0].size
    sheet = Image.new("RGB", (len(covers_) * (width + GAP) + GAP, height + 2 * GAP), GROUND)
    for place, cover in enumerate(covers_):
        sheet.paste(_sample(cover, sample), (GAP + place * (width + GAP), GAP))
    return output.jpeg(sheet)


def _sheet(cells: list[Image.Image], first: int) -> Image.Image:
    across = min(2, len(cells))
    down = -(-len(cells) // across)
    width, height = cells[0].size
    sheet = Image.new("RGB", (across * (width + GAP) + GAP, down * (height + GAP) + GAP), GROUND)
    for place, cell in enumerate(cells):
        row, column = divmod(place, across)
        left, top = GAP + column * (width + GAP), GAP + row * (height + GAP)
        sheet.paste(cell, (left, top))
        _number(sheet, (left + width, top), first + place)
    return sheet


def _number(sheet: Image.Image, corner: tuple[int, int], number: int) -> None:
    """Put a cover's number on its corner, mostly outside: nothing that the card says is hidden."""
    x, y = corner
    pen = ImageDraw.Draw(sheet)
    pen.ellipse((x - BADGE, y - BADGE, x + BADGE, y + BADGE), fill=DARK, outline=WHITE, width=4)
    pen.text(corner, str(number), fill=WHITE, font=letters.open_face(ONEST.title.face, BADGE), anchor="mm")


def _sample(cover: Image.Image, sample: str) -> Image.Image:
    """Write the word across the cover, light and dark at once: it shows on any ground."""
    font = letters.open_face(ONEST.title.face, WIDE // 8)
    long = round(font.getlength(sample))
    for share in (0.3, 0.75):
        for shift, ink in ((2, DARK), (0, WHITE)):
            line = Image.new("L", (long + 8, WIDE // 5))
            ImageDraw.Draw(line).text((4 + shift, WIDE // 10 + shift), sample, fill=MARK, font=font, anchor="lm")
            turned = line.rotate(24, Image.Resampling.BICUBIC, expand=True)
            at = ((cover.width - turned.width) // 2, round(cover.height * share) - turned.height // 2)
            cover.paste(ink, (*at, at[0] + turned.width, at[1] + turned.height), turned)
    return cover
