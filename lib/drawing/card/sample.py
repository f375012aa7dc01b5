"""The pictures from which a seller chooses how the product is shown: on a chequered ground, numbered, side by side."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from lib.drawing.cut import framing
from lib.drawing.cut.result import ProductPicture
from lib.drawing.ground import colour, lettering, output

WIDE, HIGH, SEAM = 720, 900, 16
FACE = "Manrope-ExtraBold.ttf"
SQUARE = 30
FILL = 0.88  # of a tile that the product takes at most
LIGHT, DARK = ((255, 255, 255), (226, 228, 232)), ((120, 125, 134), (98, 103, 112))
PALE = 82  # of lightness: a product paler than this is shown on the dark ground


def drawn(pictures: Sequence[ProductPicture]) -> bytes:
    """Return one JPEG of the pictures; a single one bears no number."""
    tiles = [_tile(picture) for picture in pictures]
    sheet = Image.new("RGB", (len(tiles) * (WIDE + SEAM) - SEAM, HIGH), (255, 255, 255))
    for number, tile in enumerate(tiles):
        left = number * (WIDE + SEAM)
        sheet.paste(tile, (left, 0))
        if len(tiles) > 1:
            _number(sheet, left, number + 1)
    return output.jpeg(sheet)


def _tile(picture: ProductPicture) -> Image.Image:
    if not picture.is_cut:
        return _framed(picture)
    tile = _ground(picture)
    factor = min(WIDE * FILL / picture.image.width, HIGH * FILL / picture.image.height, 3.0)
    size = (max(1, round(picture.image.width * factor)), max(1, round(picture.image.height * factor)))
    product = picture.image.resize(size, Image.Resampling.LANCZOS)
    left = {"left": 0, "right": WIDE - size[0]}.get(_one(picture, "left", "right"), (WIDE - size[0]) // 2)
    top = {"top": 0, "bottom": HIGH - size[1]}.get(_one(picture, "top", "bottom"), (HIGH - size[1]) // 2)
    tile.paste(product, (left, top), product)
    return tile


def _one(picture: ProductPicture, *sides: str) -> str:
    """Return the one of two opposite sides at which the photo cuts the product off; "" for none or both."""
    found = [side for side in sides if side in picture.sides]
    return found[0] if len(found) == 1 else ""


def _ground(picture: ProductPicture) -> Image.Image:
    """Return a chequered tile against which the product stands out."""
    small = picture.image.resize((32, 32), Image.Resampling.BOX)
    solid = np.asarray(small.getchannel("A")) > 128
    pixels = np.asarray(small.convert("RGB"))
    lightness = colour.oklab(pixels)[..., 0][solid] * 100
    one, two = DARK if solid.any() and float(np.median(lightness)) > PALE else LIGHT
    rows, columns = np.indices((HIGH // SQUARE, WIDE // SQUARE))
    pattern = np.where(((rows + columns) % 2 == 0)[..., None], one, two)
    return Image.fromarray(pattern.astype(np.uint8)).resize((WIDE, HIGH), Image.Resampling.NEAREST)


def _framed(picture: ProductPicture) -> Image.Image:
    photo = framing.around(picture)
    tile = Image.new("RGB", (WIDE, HIGH), (255, 255, 255))
    photo = photo.convert("RGB")
    factor = min(WIDE / photo.width, HIGH / photo.height)
    photo = photo.resize((max(1, round(photo.width * factor)), max(1, round(photo.height * factor))))
    tile.paste(photo, ((WIDE - photo.width) // 2, (HIGH - photo.height) // 2))
    return tile


def _number(sheet: Image.Image, left: int, number: int) -> None:
    pen, radius = ImageDraw.Draw(sheet), 44
    middle = (left + 28 + radius, 28 + radius)
    pen.ellipse((middle[0] - radius, 28, middle[0] + radius, 28 + 2 * radius), fill=(28, 30, 36))
    pen.text(middle, str(number), font=lettering.face(FACE, 52), fill=(255, 255, 255), anchor="mm")
