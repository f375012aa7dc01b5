"""A scene that a model invents around the product: what it is given, and the product's own pixels put back into it.

A model redraws whatever it is shown. So it gets the cut where it shall stand, on plain grey, and a mask where it takes
one; and over its result the cut is laid again, where the model has left it. A result in which the product is not found
is no result: it stands elsewhere, or is another.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from lib import errors
from lib.drawing.card import received
from lib.drawing.cut.result import ProductPicture
from lib.drawing.ground import output
from lib.drawing.ground.output import FinishedCard
from lib.drawing.scene import background

SIZE = (background.WIDTH, background.HEIGHT)
GROUND = (228, 228, 230)
WIDTH, HEIGHT, FLOOR = 0.64, 0.58, 0.86  # of the picture: the most that a product takes, and where it stands
AMONG = 0.7  # of that, where it stands among people and things
BUSY = ("home", "outdoors", "people")

_SMALL = 8  # times smaller, the result is compared with what was given
_REACH = 6  # pixels of those by which a model may have moved the product
_STRAY = 24.0  # of 255: by how much its colours may differ on average, besides another light
_LIGHT = 70.0  # of 255: how different the light may be


@dataclass(frozen=True)
class Reference:
    """The picture that a model is given, and a PNG of its size that is clear where it may paint."""

    picture: bytes
    mask: bytes


def reference(picture: ProductPicture, scene: str) -> Reference:
    """Return what a model is given."""
    alone, at = _placed(picture, scene)
    canvas, mask = Image.new("RGB", SIZE, GROUND), Image.new("LA", SIZE, (0, 0))
    canvas.paste(alone, at, alone)
    mask.putalpha(_alpha(alone, at))
    out = io.BytesIO()
    mask.convert("RGBA").save(out, "PNG", compress_level=6)
    return Reference(output.encoded(canvas, 95), out.getvalue())


def put_back(made: bytes, picture: ProductPicture, scene: str) -> FinishedCard:
    """Lay the product over a model's scene; raise Rejected("odd_result") when it is not there where it was given."""
    canvas = received.as_ordered(made, *SIZE)
    alone, at = _placed(picture, scene)
    across, down = _moved(canvas, alone, at)
    at = at[0] + across, at[1] + down
    # A little inside of its edge: there the model's light and its shadows meet the product.
    alpha = alone.getchannel("A").filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(1.0))
    canvas.paste(alone.convert("RGB"), at, alpha)
    preview = canvas.resize(background.PREVIEW, Image.Resampling.LANCZOS)
    return FinishedCard(output.png(canvas), output.jpeg(preview), *SIZE, "placed")


def _placed(picture: ProductPicture, scene: str) -> tuple[Image.Image, tuple[int, int]]:
    """Return the product in its size, and where it stands."""
    share = AMONG if scene in BUSY else 1.0
    cut = picture.image
    room = (SIZE[0] * WIDTH * share, SIZE[1] * HEIGHT * share)
    factor = min(room[0] / cut.width, room[1] / cut.height, background.UPSCALE)
    alone = cut.resize(
        (max(2, round(cut.width * factor)), max(2, round(cut.height * factor))), Image.Resampling.LANCZOS
    )
    return alone, ((SIZE[0] - alone.width) // 2, round(SIZE[1] * FLOOR) - alone.height)


def _alpha(alone: Image.Image, at: tuple[int, int]) -> Image.Image:
    whole = Image.new("L", SIZE, 0)
    whole.paste(alone.getchannel("A"), at)
    return whole


def _moved(canvas: Image.Image, alone: Image.Image, at: tuple[int, int]) -> tuple[int, int]:
    """Return by how many pixels the model has moved the product."""
    size = SIZE[0] // _SMALL, SIZE[1] // _SMALL
    given = Image.new("RGB", SIZE, GROUND)
    given.paste(alone, at, alone)
    seen, wanted = (_pixels(each.resize(size, Image.Resampling.BOX)) for each in (canvas, given))
    rows, columns = np.nonzero(_pixels(_alpha(alone, at).resize(size, Image.Resampling.BOX)) > 250)
    if not len(rows):  # so thin that nothing of it can be compared
        return 0, 0
    colours = wanted[rows, columns]
    found = []
    for down in range(-_REACH, _REACH + 1):
        for across in range(-_REACH, _REACH + 1):
            there = seen[np.clip(rows + down, 0, size[1] - 1), np.clip(columns + across, 0, size[0] - 1)] - colours
            light = there.mean(0)
            stray, lit = float(np.abs(there - light).mean()), float(np.abs(light).max())
            found.append((stray, abs(across) + abs(down), across, down, lit))
    stray, _, across, down, lit = min(found)
    if stray > _STRAY or lit > _LIGHT:
        raise errors.Rejected("odd_result", f"the product differs by {stray:.0f}, its light by {lit:.0f}")
    return across * _SMALL, down * _SMALL


def _pixels(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image, dtype=np.float32)
