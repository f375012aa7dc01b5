"""Draws the poster for a counter: the shop, the gain for a client, the QR code that leads there, and how it works.

The picture and the PDFs show the same, on A4 for the wall and on A6 for the table; their words can be selected. The
code is black on white with its margin, and prints 10 cm wide, on A6 5 cm.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps

from lib.drawing.ground import lettering, output
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.leaf import Leaf

FORMATS = {"a4": 210.0, "a6": 105.0}  # widths in millimetres
SIZE = (1240, 1754)
EDGE = 90
CODE = 640
LOGO = 190
PAPER: Rgb = (250, 246, 238)
BAND: Rgb = (38, 92, 74)
WHITE: Rgb = (255, 255, 255)
INK: Rgb = (34, 38, 44)
FAINT: Rgb = (110, 114, 120)
ACCENT: Rgb = (232, 142, 54)


@dataclass(frozen=True)
class PosterText:
    """The texts of the poster, in words of its shop's language, and the code as a PNG with a dot for each module.

    `logo` is a picture that the shop has given itself; without one, or when it cannot be read, the name stands alone.
    """

    title: str
    promise: str
    welcome: str
    steps: tuple[str, ...]
    link: str
    code: bytes
    logo: bytes = b""


def render(sheet: PosterText) -> tuple[bytes, dict[str, bytes]]:
    """Return the poster as PNG, and as a PDF of each of FORMATS."""
    leaf = Leaf(Image.new("RGB", SIZE, PAPER))
    pen = ImageDraw.Draw(leaf.canvas)
    inside = SIZE[0] - 2 * EDGE
    pen.rectangle((0, 0, SIZE[0], 560), fill=BAND)
    _name(leaf, sheet)
    promise = lettering.fit(sheet.promise, lettering.HEAVY, (inside, 110), (64, 28), lines=2)
    leaf.write((EDGE, 318), promise, ACCENT, centre_in=inside)
    if sheet.welcome:
        welcome = lettering.fit(sheet.welcome, lettering.MEDIUM, (inside, 50), (40, 22), lines=1)
        leaf.write((EDGE, 452), welcome, WHITE, centre_in=inside)
    _code(leaf.canvas, pen, sheet.code)
    for place, step in enumerate(sheet.steps):
        _step(leaf, pen, EDGE + 40, 1280 + place * 120, place + 1, step)
    foot = lettering.fit(sheet.link, lettering.MEDIUM, (inside, 34), (30, 16), lines=1)
    leaf.write((EDGE, SIZE[1] - 86), foot, FAINT, centre_in=inside)
    return output.png(leaf.canvas), {name: leaf.pdf(width) for name, width in FORMATS.items()}


def _name(leaf: Leaf, sheet: PosterText) -> None:
    """Write the shop's name, beside its logo if there is one."""
    logo = _logo(sheet.logo)
    left, wide = (EDGE + LOGO + 40, SIZE[0] - 2 * EDGE - LOGO - 40) if logo else (EDGE, SIZE[0] - 2 * EDGE)
    if logo:
        mask = Image.new("L", logo.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, LOGO - 1, LOGO - 1), 28, fill=255)
        leaf.canvas.paste(logo, (EDGE, 90), mask)
    title = lettering.fit(lettering.printable(sheet.title) or "—", lettering.HEAVY, (wide, LOGO), (92, 36), lines=2)
    leaf.write((left, 90 + (LOGO - title.height) // 2), title, WHITE, centre_in=wide)


def _logo(data: bytes) -> Image.Image | None:
    """Return the logo as a square on white, None when there is none that can be read."""
    if not data:
        return None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            whole = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    square = Image.new("RGBA", whole.size, "white")
    square.alpha_composite(whole)
    return ImageOps.fit(square.convert("RGB"), (LOGO, LOGO), Image.Resampling.LANCZOS)


def _code(canvas: Image.Image, pen: ImageDraw.ImageDraw, png: bytes) -> None:
    with Image.open(io.BytesIO(png)) as code:
        square = code.convert("RGB")
    factor = CODE // square.width  # a whole number of dots for each module: uneven ones read badly
    square = square.resize((square.width * factor, square.height * factor), Image.Resampling.NEAREST)
    left, top = (SIZE[0] - square.width) // 2, 600
    pen.rounded_rectangle((left, top, left + square.width, top + square.height), 36, fill=WHITE)
    canvas.paste(
        square.crop((factor, factor, square.width - factor, square.height - factor)), (left + factor, top + factor)
    )


def _step(leaf: Leaf, pen: ImageDraw.ImageDraw, left: int, top: int, number: int, words: str) -> None:
    pen.ellipse((left, top, left + 80, top + 80), fill=BAND)
    font = lettering.face(lettering.HEAVY, 42)
    pen.text((left + 40, top + 41), str(number), fill=WHITE, font=font, anchor="mm")
    block = lettering.fit(words, lettering.MEDIUM, (SIZE[0] - 2 * EDGE - 160, 84), (38, 20), lines=2)
    leaf.write((left + 116, top + (80 - block.height) // 2), block, INK)
