"""A seller's own style on a cover: the logo in its place, two colours, one pair of faces.

The logo stands above the words, whose zone begins lower for it, at the left or at the right edge: wherever neither
words nor the product are. On a ground that it is not seen on, it has a plate.
"""

import functools
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lib.drawing.cover.paper import WHITE, WIDTH, CoverSheet, Spot
from lib.drawing.ground.colour import Rgb, luminance

ROOM = 96  # units that the words make
WIDE, HIGH = 250, 78  # units of a logo at most
MARGIN = 48
PLATE = 12  # units of a plate around the logo
COAL: Rgb = (21, 24, 30)
SEEN = 1.9  # contrast at which a logo's pixel is seen
BUSY = 0.02  # spread of luminance of a ground that is no plain one


@dataclass(frozen=True)
class Branding:
    """The style: what is None or empty is the design's own."""

    logo: Image.Image | None = None  # RGBA, cropped to itself
    accent: Rgb | None = None
    ground: Rgb | None = None
    pair: str = ""


UNBRANDED = Branding()


@functools.lru_cache(maxsize=8)
def read(logo: bytes, accent: str, ground: str, pair: str) -> Branding:
    """Return the style that is kept as a file and words."""
    image = Image.open(io.BytesIO(logo), formats=("PNG",)).convert("RGBA") if logo else None
    return Branding(image, _rgb(accent), _rgb(ground), pair)


def _rgb(colour: str) -> Rgb | None:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)) if colour else None


def sign(paper: CoverSheet, logo: Image.Image | None, top: float) -> Spot | None:
    """Set the logo at the top edge of the words' zone; return where, None where it would hide something."""
    if logo is None:
        return None
    for share in (1, 0.8, 0.6):
        scale = min(WIDE / logo.width, HIGH / logo.height) * share
        width, height = logo.width * scale, logo.height * scale
        for left in (MARGIN, WIDTH - MARGIN - width):
            spot = Spot(left, top + (HIGH - height) / 2, width, height)
            if not any(_meet(spot, other) for other in paper.taken):
                _draw(paper, logo, spot)
                return spot
    return None


def _meet(one: Spot, other: Spot) -> bool:
    apart = one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y
    return not apart


def _draw(paper: CoverSheet, logo: Image.Image, spot: Spot) -> None:
    size = (max(1, paper.px(spot.width)), max(1, paper.px(spot.height)))
    shown = logo.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    at = (paper.px(spot.x), paper.px(spot.y))
    under = paper.image.crop((*at, at[0] + size[0], at[1] + size[1]))
    if not _is_seen(shown, under):
        around = Spot(spot.x - PLATE, spot.y - PLATE, spot.width + 2 * PLATE, spot.height + 2 * PLATE)
        paper.tile(around, 18, _plate(shown))
    paper.image.paste(shown, at, shown)


def _light(logo: Image.Image) -> np.ndarray:
    """Return the luminance of what is solid of a logo."""
    pixels = np.asarray(logo)
    solid = pixels[..., 3] > 128
    return luminance(pixels[..., :3][solid] if solid.any() else pixels[..., :3].reshape(-1, 3))


def _share_seen(light: np.ndarray, ground: float) -> float:
    high, low = np.maximum(light, ground), np.minimum(light, ground)
    return float(((high + 0.05) / (low + 0.05) >= SEEN).mean())


def _is_seen(logo: Image.Image, under: Image.Image) -> bool:
    ground = luminance(np.asarray(under))
    return float(ground.std()) < BUSY and _share_seen(_light(logo), float(ground.mean())) > 0.7


def _plate(logo: Image.Image) -> Rgb:
    light = _light(logo)
    return WHITE if _share_seen(light, 1.0) >= _share_seen(light, 0.01) else COAL
