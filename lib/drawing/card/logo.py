"""Frees a logo of its ground: by its own alpha, else from a plain ground, else as a product is cut out of a photo."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lib import errors
from lib.drawing.cut import cutout
from lib.drawing.ground import photo

SIDE = 700  # pixels of a logo's longer side
LEAST, MOST = 0.004, 0.92  # of the picture that a logo covers, when its ground was taken away
NEAR, FAR = 10.0, 60.0  # of 255: as near to the ground's colour it is ground, as far it is all logo


@dataclass(frozen=True)
class CleanLogo:
    """A logo as PNG with alpha, cropped to itself; its strongest colour, "" for a grey one, as #rrggbb."""

    png: bytes
    width: int
    height: int
    colour: str


def clean(data: bytes) -> CleanLogo:
    """Return the logo alone; raise Rejected where it cannot be told from its ground."""
    source = photo.open_photo(data)
    image = _with(source.rgb, source.alpha) if source.alpha else _off_plain(source.rgb) or _cut(source)
    image = image.crop(image.getchannel("A").point(lambda level: 255 if level > 20 else 0).getbbox())
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return CleanLogo(out.getvalue(), *image.size, _strongest(image))


def _with(rgb: Image.Image, alpha: Image.Image) -> Image.Image:
    image = rgb.copy()
    image.putalpha(alpha)
    return image


def _off_plain(rgb: Image.Image) -> Image.Image | None:
    """Take a ground of one colour away, between the letters, too; None where the rim is no such ground."""
    pixels = np.asarray(rgb, dtype=np.float32)
    rim = np.concatenate([pixels[:3].reshape(-1, 3), pixels[-3:].reshape(-1, 3), pixels[:, 0], pixels[:, -1]])
    ground = np.median(rim, axis=0)
    if float((np.abs(rim - ground).max(1) < NEAR * 1.6).mean()) < 0.96:
        return None
    away = np.abs(pixels - ground).max(-1)
    alpha = np.clip((away - NEAR) / (FAR - NEAR), 0, 1)
    if not LEAST < float((alpha > 0.5).mean()) < MOST:
        return None
    freed = ground + (pixels - ground) / np.maximum(alpha, 0.15)[..., None]
    return _with(
        Image.fromarray(np.clip(freed, 0, 255).astype(np.uint8)), Image.fromarray((alpha * 255).astype(np.uint8))
    )


def _cut(source: photo.Photo) -> Image.Image:
    cut = cutout.cut_out(source)
    if cut.verdict != "sure" or not cut.pictures[0].stands_free:
        raise errors.Rejected("logo_not_free")
    return cut.pictures[0].image.copy()


def _strongest(image: Image.Image) -> str:
    """Return the most frequent of the strong colours."""
    small = np.asarray(image.resize((64, 64), Image.Resampling.BOX))
    solid = small[..., 3] > 200
    rgb = small[..., :3][solid].astype(int)
    strong = rgb[(rgb.max(1) - rgb.min(1)) > 60] if len(rgb) else rgb
    if len(strong) < 8:
        return ""
    steps, counts = np.unique(strong // 32, axis=0, return_counts=True)
    near = strong[(strong // 32 == steps[counts.argmax()]).all(1)]
    red, green, blue = (int(level) for level in np.median(near, axis=0))
    return f"#{red:02x}{green:02x}{blue:02x}"
