"""The picture on which a seller finds the pieces of a cut that are wrong: the photo, pale where nothing was cut.

Each piece has a colour of its own. "-" lies in the cut and may be ground; "+" was left out and may be product.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from lib.drawing.cut.result import CutPhoto, Pieces
from lib.drawing.ground import lettering, output, raster
from lib.drawing.ground.raster import Floats, Mask

LONGEST, LEAST = 1200, 900  # pixels of the longer side
FACE = "Manrope-ExtraBold.ttf"
TINTS = (
    (214, 30, 44),
    (10, 104, 220),
    (12, 134, 62),
    (214, 96, 0),
    (128, 36, 190),
    (0, 132, 150),
    (200, 30, 140),
    (112, 84, 20),
)
SIGNS = {"-": "\N{MINUS SIGN}", "+": "+"}
TINT, PALE, LINE = 0.5, 0.78, 3
PATCH, WIDE = 30, 1.4  # half the height of a number's patch, and how much wider than high it is


@dataclass(frozen=True)
class Patch:
    """A number and the middle of its patch."""

    number: int
    x: float
    y: float


def drawn(cut: CutPhoto) -> bytes:
    """Return a JPEG of the cut and its pieces, each with its number."""
    if cut.pieces is None:
        raise ValueError("a cut without pieces")
    photo = _around(cut.pictures[-1].image, cut.pieces)
    pixels, size = np.asarray(photo, dtype=np.float32), photo.size
    ground = 255 * PALE + (1 - PALE) * pixels.mean(-1, keepdims=True)
    shown = raster.resized(cut.pieces.mask / np.float32(255), size)[..., None]
    canvas = ground + (pixels - ground) * shown
    patches = []
    for number in range(1, len(cut.pieces.signs) + 1):
        piece: Mask = raster.resized(cut.pieces.numbers == number, size) > 0.5
        tint = np.array(_tint(number), dtype=np.float32)
        canvas[piece] = pixels[piece] * (1 - TINT) + tint * TINT
        canvas[raster.dilate(piece, LINE) & ~piece] = tint
        patches.append(Patch(number, *_middle(cut.pieces.numbers == number, size)))
    picture = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    for patch in _apart(patches, size):
        _write(picture, patch, cut.pieces.signs[patch.number - 1])
    return output.jpeg(picture)


def _around(photo: Image.Image, pieces: Pieces) -> Image.Image:
    """Return the part of the photo that the pieces lie in, large enough to see them."""
    left, top, right, bottom = pieces.box
    width, height = photo.size
    part = photo.convert("RGB").crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )
    factor = min(max(1.0, LEAST / max(part.size)), LONGEST / max(part.size))
    size = (max(1, round(part.width * factor)), max(1, round(part.height * factor)))
    return part.resize(size, Image.Resampling.LANCZOS)


def _middle(piece: Mask, size: tuple[int, int]) -> tuple[float, float]:
    """Return the point of a piece that lies deepest in it, in the picture."""
    deep: Floats = piece.astype(np.float32)
    for radius in (2, 4, 8, 16):
        deep = deep + raster.box(piece.astype(np.float32), radius) * piece
    row, column = np.unravel_index(int(deep.argmax()), piece.shape)
    return (float(column) + 0.5) * size[0] / piece.shape[1], (float(row) + 0.5) * size[1] / piece.shape[0]


def _apart(patches: list[Patch], size: tuple[int, int]) -> list[Patch]:
    """Move patches that would lie over each other, and those that stand out of the picture."""
    half = np.array([PATCH * WIDE + LINE, PATCH + LINE])
    places = np.array([(patch.x, patch.y) for patch in patches])
    order = np.arange(len(patches))
    for _ in range(80):
        places = np.clip(places, half, np.maximum(np.array(size) - half, half))
        away = places[:, None] - places[None]
        lack = 2 * half - np.abs(away)
        over = (lack > 0).all(-1) & (order[:, None] != order)
        if not over.any():
            break
        along = (lack[..., 1] <= lack[..., 0]).astype(int)  # part in the direction in which less is in the way
        step = np.take_along_axis(lack, along[..., None], -1)[..., 0] / 2 + 0.5
        ahead = np.take_along_axis(away, along[..., None], -1)[..., 0]
        turn = np.where(ahead == 0, np.sign(order[:, None] - order), np.sign(ahead))
        for axis in (0, 1):
            places[:, axis] += (turn * step * (over & (along == axis))).sum(1)
    return [Patch(patch.number, *place) for patch, place in zip(patches, places, strict=True)]


def _tint(number: int) -> tuple[int, int, int]:
    return TINTS[(number - 1) % len(TINTS)]


def _write(picture: Image.Image, patch: Patch, sign: str) -> None:
    pen = ImageDraw.Draw(picture)
    box = (patch.x - PATCH * WIDE, patch.y - PATCH, patch.x + PATCH * WIDE, patch.y + PATCH)
    pen.rounded_rectangle(box, PATCH, fill=_tint(patch.number), outline=(255, 255, 255), width=LINE)
    font = lettering.face(FACE, 40)
    pen.text((patch.x, patch.y), f"{SIGNS[sign]}{patch.number}", font=font, fill=(255, 255, 255), anchor="mm")
