"""Crops a photo to its product when nothing can be cut out of it, so that the rest fills a card edge to edge."""

from PIL import Image, ImageDraw

from lib.drawing.cut.result import ProductPicture

SHARE = 0.84  # of a canvas that a photo in its frame takes
ROOM = 0.12  # of the product's longer side, around it
LEAST = 0.6  # of a photo's sides that are shown: of a small product a foot may not have been found


def around(picture: ProductPicture, ratio: float | None = None) -> Image.Image:
    """Return the part of a framed photo around its product.

    With a ratio (width to height) the part has it, so that it fills a card: the smallest such part that shows the
    whole product, or as much of it as the photo allows.
    """
    width, height = picture.image.size
    left, top, right, bottom = picture.box
    room = ROOM * max(right - left, bottom - top)
    most = min(width, height * ratio) if ratio else width
    wide = min(width, max(LEAST * most, right - left + 2 * room))
    high = min(height, max(LEAST * (most / ratio if ratio else height), bottom - top + 2 * room))
    if ratio:
        wide, high = max(wide, high * ratio), max(high, wide / ratio)
        shrink = min(1.0, width / wide, height / high)
        wide, high = wide * shrink, high * shrink
    x = min(max(0.0, (left + right - wide) / 2), width - wide)
    y = min(max(0.0, (top + bottom - high) / 2), height - high)
    return picture.image.crop((round(x), round(y), round(x + wide), round(y + high)))


def hang(canvas: Image.Image, picture: ProductPicture) -> None:
    """Put a framed photo on a canvas, round-cornered: what stands in for a product that could not be cut out."""
    wide, high = round(canvas.width * SHARE), round(canvas.height * SHARE)
    shown = around(picture, wide / high).resize((wide, high), Image.Resampling.LANCZOS)
    mask = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, wide - 1, high - 1), wide // 24, fill=255)
    canvas.paste(shown, ((canvas.width - wide) // 2, (canvas.height - high) // 2), mask)
