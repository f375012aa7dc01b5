"""Decodes, checks and encodes a stranger's pictures again. No byte of the original is passed on, no EXIF and no GPS."""

import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from lib import errors
from lib.drawing.ground import output, photo
from lib.drawing.ground.output import FinishedCard

CLIP = (1080, 1920)
STRAY = 0.1  # how far a result's proportions may be from those ordered: so much is cut off at most
LEAST = 0.5  # of the ordered size: a smaller result would look blurred


@dataclass(frozen=True)
class CleanPhoto:
    """A photo that can be kept and handed on: a JPEG, or a PNG when it came as a cut-out."""

    data: bytes
    ext: str
    content_type: str
    width: int
    height: int


def clean(data: bytes) -> CleanPhoto:
    """Return the seller's photo upright, in sRGB, without metadata; raise Rejected for one that cannot be used."""
    opened = photo.open_photo(data)
    width, height = opened.rgb.size
    if opened.alpha is None:
        return CleanPhoto(output.encoded(opened.rgb, 92), "jpg", "image/jpeg", width, height)
    cut = opened.rgb.copy()
    cut.putalpha(opened.alpha)
    out = io.BytesIO()
    cut.save(out, "PNG", compress_level=5)
    return CleanPhoto(out.getvalue(), "png", "image/png", width, height)


def flat(data: bytes, side: int = 2000) -> bytes:
    """Return a photo as a JPEG no longer than `side`, on white where it was a cut-out: what a provider is given."""
    opened = photo.open_photo(data)
    picture = photo.on_white(opened)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return output.encoded(picture, 92)


def fitted(data: bytes, width: int, height: int) -> FinishedCard:
    """Return a provider's picture in the wanted size, what sticks out cut off evenly."""
    picture = as_ordered(data, width, height)
    return FinishedCard(output.png(picture), output.jpeg(picture), width, height, "made")


def still(data: bytes) -> bytes:
    """Return a picture in a clip's proportions, as what the clip begins with."""
    return output.encoded(as_ordered(data, *CLIP), 95)


def check_shape(size: tuple[int, int], width: int, height: int) -> None:
    """Raise Rejected("odd_result") for a size that is not nearly enough what was ordered."""
    stray = abs(size[0] * height / (size[1] * width) - 1)
    if stray > STRAY or size[0] < width * LEAST or size[1] < height * LEAST:
        raise errors.Rejected("odd_result", f"{size[0]}x{size[1]} for {width}x{height}")


def as_ordered(data: bytes, width: int, height: int) -> Image.Image:
    """Return a provider's picture in the wanted size; raise Rejected for one that is far from it."""
    picture = photo.on_white(photo.open_photo(data))
    check_shape(picture.size, width, height)
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def thumbnail(poster: bytes) -> bytes:
    """Return a poster as small as Telegram wants a film's thumbnail: 320 pixels, far below 200 kB."""
    picture = Image.open(io.BytesIO(poster)).convert("RGB")
    picture.thumbnail((320, 320), Image.Resampling.LANCZOS)
    return output.encoded(picture, 85)
