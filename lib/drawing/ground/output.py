"""Writes finished pictures: no metadata, and a preview that a chat shows at once."""

import io
from dataclasses import dataclass

from PIL import Image

PREVIEW_BYTES = 900_000


@dataclass(frozen=True)
class FinishedCard:
    """The finished card: `png` is width × height; `jpeg` is the preview for the chat, under 1 MB.

    `layout` tells how the product is shown, and ends in " only" where its photo allows no other way.
    """

    png: bytes
    jpeg: bytes
    width: int
    height: int
    layout: str


def png(canvas: Image.Image) -> bytes:
    """Return the picture in full quality."""
    out = io.BytesIO()
    canvas.save(out, "PNG", compress_level=5)
    return out.getvalue()


def encoded(picture: Image.Image, quality: int) -> bytes:
    """Return the picture as a JPEG. Its tables are the standard ones: those made to measure need the whole file in a
    buffer, which Pillow makes too small for glitter and noise.
    """
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, subsampling=0 if quality > 80 else 2)
    return out.getvalue()


def jpeg(canvas: Image.Image) -> bytes:
    """Return the picture in the best quality that stays under PREVIEW_BYTES."""
    for quality in (90, 82, 70, 55):
        data = encoded(canvas, quality)
        if len(data) < PREVIEW_BYTES:
            break
    return data
