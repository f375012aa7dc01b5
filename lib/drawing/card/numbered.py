"""The picture on which a seller finds the pieces of a cut that are wrong: the photo, pale where nothing was cut.

Warm colours lie in the cut and may be ground ("-"); cold ones were left out and may be product ("+").
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from lib.drawing.cut.result import CutPhoto, Pieces
from lib.drawing.ground import lettering, output, raster
from lib.drawing.ground.raster import Floats, Mask

LONGEST, LEAST = 1200, 900  # pixels of the longer side
FACE = "Manrope-ExtraBold.ttf"
TINTS = {  # colours of one kind for each sign, each unlike the next
    "-": (
        (214, 30, 44),
        (232, 122, 0),
        (158, 24, 158),
        (112, 62, 22),
        (248, 92, 164),
        (196, 166, 0),
        (92, 16, 52),
        (244, 132, 104),
    ),
    "+": (
        (12, 134, 62),
        (10, 104, 220),
        (0, 168, 176),
        (110, 156, 0),
        (84, 70, 214),
        (0, 84, 78),
        (96, 172, 240),
        (20, 40, 120),
    ),
}
SIGNS = {"-": "\N{MINUS SIGN}", "+": "+"}
TINT, PALE, LINE = 0.5, 0.78, 3
PATCH, WIDE = 30, 1.4  # half the height of a number's patch, and how much wider than high it is
ROOM = 3.0  # times the patch: a smaller piece has its number beside it, or nobody would see it
BESIDE = 3.2  # halves of the patch, away from the middle of the product


@dataclass(frozen=True)
class Patch:
    """A number, the middle of its patch, and the place that it is of."""

    number: int
    x: float
    y: float
    of: tuple[float, float] = (0.0, 0.0)


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
        tint = np.array(_tint(number, cut.pieces.signs), dtype=np.float32)
        canvas[piece] = pixels[piece] * (1 - TINT) + tint * TINT
        canvas[raster.dilate(piece, LINE) & ~piece] = tint
        patches.append(_patch(number, _middle(cut.pieces.numbers == number, size), int(piece.sum()), size))
    picture = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    for patch in _apart(patches, size):
        _write(picture, patch, cut.pieces.signs)
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


def _patch(number: int, of: tuple[float, float], pixels: int, size: tuple[int, int]) -> Patch:
    """Return the number at its piece, or beside a piece that it would hide."""
    if pixels > ROOM * 4 * PATCH**2 * WIDE:
        return Patch(number, *of, of)
    away = np.array(of) - np.array(size) / 2
    x, y = np.array(of) + away / max(1.0, float(np.hypot(*away))) * PATCH * BESIDE
    return Patch(number, float(x), float(y), of)


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
    return [replace(patch, x=x, y=y) for patch, (x, y) in zip(patches, places, strict=True)]


def _tint(number: int, signs: str) -> tuple[int, int, int]:
    """Return the colour of a piece: those of one sign take turns."""
    tints = TINTS[signs[number - 1]]
    return tints[signs[: number - 1].count(signs[number - 1]) % len(tints)]


def _write(picture: Image.Image, patch: Patch, signs: str) -> None:
    pen, tint = ImageDraw.Draw(picture), _tint(patch.number, signs)
    pen.line((patch.x, patch.y, *patch.of), fill=(255, 255, 255), width=3 * LINE)
    pen.line((patch.x, patch.y, *patch.of), fill=tint, width=LINE)
    box = (patch.x - PATCH * WIDE, patch.y - PATCH, patch.x + PATCH * WIDE, patch.y + PATCH)
    pen.rounded_rectangle(box, PATCH, fill=tint, outline=(255, 255, 255), width=LINE)
    font = lettering.face(FACE, 40)
    words = f"{SIGNS[signs[patch.number - 1]]}{patch.number}"
    pen.text((patch.x, patch.y), words, font=font, fill=(255, 255, 255), anchor="mm")
