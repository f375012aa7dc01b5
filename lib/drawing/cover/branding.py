"""A seller's own style on a cover and in a clip: the logo in its place, two colours, one pair of faces.

The logo stands above the words, whose zone begins lower for it, at the left or at the right edge: wherever neither
words nor the product are. On a ground that it is not seen on, it has a plate: of the seller's own ground if it can.
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
BUSY = 0.06  # spread of luminance of a ground that is no plain one


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


def sign(paper: CoverSheet, own: Branding, top: float) -> Spot | None:
    """Set the logo at the top edge of the words' zone; return where, None where it would hide something."""
    if (logo := own.logo) is None:
        return None
    for share in (1, 0.8, 0.6):
        scale = min(WIDE / logo.width, HIGH / logo.height) * share
        width, height = logo.width * scale, logo.height * scale
        for left in (MARGIN, WIDTH - MARGIN - width):
            spot = Spot(left, top + (HIGH - height) / 2, width, height)
            if not any(_meet(spot, other) for other in paper.taken):
                mark(paper, logo, spot, own.ground)
                return spot
    return None


def _meet(one: Spot, other: Spot) -> bool:
    apart = one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y
    return not apart


def mark(paper: CoverSheet, logo: Image.Image, spot: Spot, ground: Rgb | None) -> None:
    """Set the logo into a place, on a plate where it would not be seen; `ground` is the seller's own."""
    size = (max(1, paper.px(spot.width)), max(1, paper.px(spot.height)))
    shown = logo.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    at = (paper.px(spot.x), paper.px(spot.y))
    if not _is_seen(shown, paper.seen((*at, at[0] + size[0], at[1] + size[1]))):
        around = Spot(spot.x - PLATE, spot.y - PLATE, spot.width + 2 * PLATE, spot.height + 2 * PLATE)
        paper.tile(around, 18, _plate(shown, ground))
    paper.put(shown, at)


def _contrast(logo: Image.Image, under: np.ndarray | float) -> np.ndarray:
    """Return how far what is solid of a logo stands out from the luminance under it."""
    pixels = np.asarray(logo)
    solid = pixels[..., 3] > 128
    solid = solid if solid.any() else np.ones_like(solid)
    light, ground = luminance(pixels[..., :3])[solid], np.broadcast_to(under, solid.shape)[solid]
    contrast: np.ndarray = (np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)
    return contrast


def _is_seen(logo: Image.Image, under: Image.Image) -> bool:
    ground = luminance(np.asarray(under))
    return float(ground.std()) < BUSY and float((_contrast(logo, ground) >= SEEN).mean()) > 0.7


def _plate(logo: Image.Image, ground: Rgb | None) -> Rgb:
    """Return the seller's own ground if a logo is seen on it, else where more of it is seen, and better."""

    def worth(plate: Rgb) -> tuple[float, float]:
        found = _contrast(logo, float(luminance(np.array(plate))))
        return round(float((found >= SEEN).mean()), 1), float(np.median(found))

    if ground and worth(ground)[0] > 0.7:
        return ground
    return max((WHITE, COAL), key=worth)
