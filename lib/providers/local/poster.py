"""Draws the poster for a counter: what there is to gain, the QR code that leads to it, and how it is done. A4, upright.

The picture and the PDF show the same; the code is black on white with its margin, and prints 8 cm wide.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

from lib.providers.local import lettering, output
from lib.providers.local.colour import Rgb

DOTS = 150  # an inch
SIZE = (1240, 1754)
EDGE = 90
CODE = 640
PAPER: Rgb = (250, 246, 238)
BAND: Rgb = (38, 92, 74)
WHITE: Rgb = (255, 255, 255)
INK: Rgb = (34, 38, 44)
FAINT: Rgb = (110, 114, 120)
ACCENT: Rgb = (232, 142, 54)


@dataclass(frozen=True)
class Sheet:
    """What the poster says, in words of its shop's language, and the code as a PNG with a dot for each module."""

    title: str
    promise: str
    welcome: str
    steps: tuple[str, ...]
    link: str
    code: bytes


def render(sheet: Sheet) -> tuple[bytes, bytes]:
    """Return the poster as PNG and as PDF."""
    canvas = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(canvas)
    inside = SIZE[0] - 2 * EDGE
    pen.rectangle((0, 0, SIZE[0], 560), fill=BAND)
    title = lettering.fit(lettering.printable(sheet.title) or "—", lettering.HEAVY, (inside, 190), (92, 36), lines=2)
    lettering.draw(canvas, (EDGE, 90 + (190 - title.height) // 2), title, WHITE, centre_in=inside)
    promise = lettering.fit(sheet.promise, lettering.HEAVY, (inside, 110), (64, 28), lines=2)
    lettering.draw(canvas, (EDGE, 318), promise, ACCENT, centre_in=inside)
    if sheet.welcome:
        welcome = lettering.fit(sheet.welcome, lettering.MEDIUM, (inside, 50), (40, 22), lines=1)
        lettering.draw(canvas, (EDGE, 452), welcome, WHITE, centre_in=inside)
    _code(canvas, pen, sheet.code)
    for place, step in enumerate(sheet.steps):
        _step(canvas, pen, EDGE + 40, 1280 + place * 120, place + 1, step)
    foot = lettering.fit(sheet.link, lettering.MEDIUM, (inside, 34), (30, 16), lines=1)
    lettering.draw(canvas, (EDGE, SIZE[1] - 86), foot, FAINT, centre_in=inside)
    return output.png(canvas), _pdf(canvas)


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


def _step(canvas: Image.Image, pen: ImageDraw.ImageDraw, left: int, top: int, number: int, words: str) -> None:
    pen.ellipse((left, top, left + 80, top + 80), fill=BAND)
    font = lettering.face(lettering.HEAVY, 42)
    pen.text((left + 40, top + 41), str(number), fill=WHITE, font=font, anchor="mm")
    block = lettering.fit(words, lettering.MEDIUM, (SIZE[0] - 2 * EDGE - 160, 84), (38, 20), lines=2)
    lettering.draw(canvas, (left + 116, top + (80 - block.height) // 2), block, INK)


def _pdf(canvas: Image.Image) -> bytes:
    out = io.BytesIO()
    canvas.save(out, "PDF", resolution=DOTS)
    return out.getvalue()
