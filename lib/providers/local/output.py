"""Writes finished pictures: no metadata, and a preview that a chat shows at once."""

import io

from PIL import Image

PREVIEW_BYTES = 900_000


def png(canvas: Image.Image) -> bytes:
    """Return the picture in full quality."""
    out = io.BytesIO()
    canvas.save(out, "PNG", compress_level=5)
    return out.getvalue()


def jpeg(canvas: Image.Image) -> bytes:
    """Return the picture in the best quality that stays under PREVIEW_BYTES."""
    for quality in (90, 82, 70, 55):
        out = io.BytesIO()
        canvas.save(out, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=0 if quality > 80 else 2)
        if out.tell() < PREVIEW_BYTES:
            break
    return out.getvalue()
