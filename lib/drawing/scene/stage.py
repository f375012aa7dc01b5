"""Sets the product on its stage: the shape behind it, its shadow, and where and how large it stands."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from lib.drawing.ground import paint
from lib.drawing.ground.paint import Box
from lib.drawing.ground.palette import Palette

UPSCALE = 2.4  # at most: a product from a tiny photo stays smaller rather than turn to mush
CROP = 0.14  # of a framed photo's width that may be lost so that it fills its place
HEM = 0.08  # of its height: above are heads and lids, below are hems and feet
BLEED = 0.14  # of the width of a photo that fills the card from edge to edge


def backdrop(canvas: Image.Image, palette: Palette, shape: str, box: Box, aspect: float) -> None:
    """Draw the shape behind a product of this width to height."""
    SHAPES[shape](canvas, palette, box, aspect)


def _arch(canvas: Image.Image, palette: Palette, box: Box, aspect: float) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    # The product stands out of the top of its arch.
    box = (box[0], box[1] + round(height * 0.13), box[2], box[3])
    height = box[3] - box[1]
    wide = round(min(width, height * max(0.84, min(1.4, aspect * 1.14))))
    left = box[0] + (width - wide) // 2
    ring = paint.ellipse((round(wide * 1.24), round(wide * 1.24)), ring=max(3, wide // 160))
    paint.lay(canvas, palette.stage, ring, (left - round(wide * 0.12), box[1] - round(wide * 0.1)), 0.55)
    mask = paint.rounded((wide, height), wide // 2, (True, True, False, False))
    fill = paint.gradient((wide, height), palette.stage, palette.stage_low)
    paint.lay(canvas, fill, mask, (left, box[1]))


def _disc(canvas: Image.Image, palette: Palette, box: Box, aspect: float) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    side = round(min(width * 1.06, height * 1.0))
    left, top = box[0] + (width - side) // 2, box[1] + (height - side) // 2
    halo = round(side * 1.16)
    paint.lay(
        canvas, palette.stage, paint.ellipse((halo, halo)), (left - (halo - side) // 2, top - (halo - side) // 2), 0.3
    )
    fill = paint.gradient((side, side), palette.stage, palette.stage_low)
    paint.lay(canvas, fill, paint.ellipse((side, side)), (left, top))
    small = round(side * 0.13)
    paint.lay(
        canvas,
        palette.accent,
        paint.ellipse((small, small)),
        (left + round(side * 0.86), top + round(side * 0.06)),
        0.9,
    )
    tiny = round(side * 0.06)
    paint.lay(
        canvas, palette.accent, paint.ellipse((tiny, tiny)), (left + round(side * 0.02), top + round(side * 0.2)), 0.55
    )


def _rings(canvas: Image.Image, palette: Palette, box: Box, aspect: float) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    centre = (box[0] + width // 2, box[1] + round(height * 0.52))
    reach = round(max(width, height) * 0.92)
    paint.glow(
        canvas, palette.stage, (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach), 0.95
    )
    for factor, share in ((0.92, 0.34), (1.16, 0.2), (1.42, 0.12)):
        side = round(min(width, height) * factor)
        mask = paint.ellipse((side, side), ring=max(2, width // 320))
        paint.lay(canvas, palette.accent, mask, (centre[0] - side // 2, centre[1] - side // 2), share)


def _podium(canvas: Image.Image, palette: Palette, box: Box, aspect: float) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    side = round(min(width * 0.84, height * 0.84))
    paint.lay(
        canvas,
        palette.stage,
        paint.ellipse((side, side)),
        (box[0] + (width - side) // 2, box[1] + round(height * 0.02)),
        0.5,
    )
    wide, flat, deep = round(width * 0.9), round(width * 0.125), round(width * 0.055)
    left, top = box[0] + (width - wide) // 2, box[3] - flat - deep
    under = paint.ellipse((wide, flat))
    paint.shadow(canvas, palette.shadow, under, (left, top + deep + flat // 6), blur=flat // 3, share=0.45)
    body = Image.new("L", (wide, flat + deep))
    body.paste(under, (0, deep))
    body.paste(255, (0, flat // 2, wide, flat // 2 + deep))
    paint.lay(canvas, paint.gradient(body.size, palette.stage_low, palette.bottom, across=1.5), body, (left, top))
    paint.lay(canvas, paint.gradient((wide, flat), palette.panel, palette.stage, across=0.6), under, (left, top), 0.95)


def _block(canvas: Image.Image, palette: Palette, box: Box, aspect: float) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    mask = paint.rounded((width, height), min(width, height) // 11)
    paint.lay(canvas, paint.gradient((width, height), palette.stage, palette.stage_low), mask, (box[0], box[1]))
    side = round(min(width, height) * 0.8)
    spot = (box[0] + (width - side) // 2, box[1] + (height - side) // 2)
    paint.lay(canvas, palette.top, paint.ellipse((side, side)), spot, 0.34)


SHAPES: dict[str, Callable[[Image.Image, Palette, Box, float], None]] = {
    "arch": _arch,
    "disc": _disc,
    "rings": _rings,
    "podium": _podium,
    "block": _block,
}
# Shares of the box that stay free beside the product: left, top, right, bottom.
INSET = {
    "arch": (0.02, 0.0, 0.02, 0.035),
    "disc": (0.02, 0.07, 0.02, 0.05),
    "rings": (0.03, 0.05, 0.03, 0.05),
    "podium": (0.05, 0.0, 0.05, 0.0),
    "block": (0.05, 0.045, 0.05, 0.045),
}


def place(canvas: Image.Image, palette: Palette, product: Image.Image, shape: str, box: Box) -> Box:
    """Stand the whole product in the box, on a soft shadow, and return where it stands."""
    left, top, right, bottom = _inner(box, shape)
    if shape == "podium":
        bottom -= round((box[2] - box[0]) * 0.112)
    factor = min((right - left) / product.width, (bottom - top) / product.height, UPSCALE)
    size = (max(1, round(product.width * factor)), max(1, round(product.height * factor)))
    shown = product.resize(size, Image.Resampling.LANCZOS)
    if factor > 1.15:
        shown = sharpened(shown)
    x = left + (right - left - size[0]) // 2
    y = bottom - size[1] if shape in ("podium", "arch") else top + (bottom - top - size[1]) // 2
    _ground(canvas, palette, shown.getchannel("A"), (x, y))
    canvas.paste(shown, (x, y), shown)
    return x, y, x + size[0], y + size[1]


def _inner(box: Box, shape: str) -> Box:
    width, height = box[2] - box[0], box[3] - box[1]
    left, top, right, bottom = INSET[shape]
    return (
        box[0] + round(left * width),
        box[1] + round(top * height),
        box[2] - round(right * width),
        box[3] - round(bottom * height),
    )


def sharpened(image: Image.Image) -> Image.Image:
    """Sharpen a cut-out that was enlarged."""
    sharp = image.convert("RGB").filter(ImageFilter.UnsharpMask(1.6, 60, 2))
    sharp.putalpha(image.getchannel("A"))
    return sharp


def _ground(canvas: Image.Image, palette: Palette, mask: Image.Image, at: tuple[int, int]) -> None:
    """Cast two shadows: a wide soft one of the whole shape, and a dark one where it touches the floor."""
    unit = max(mask.size)
    strength = 0.5 if palette.dark else 0.30
    paint.shadow(canvas, palette.shadow, mask, (at[0], at[1] + unit // 28), blur=max(8, unit // 22), share=strength)
    foot = np.asarray(mask)[-max(2, mask.height // 24) :] > 128
    columns = np.flatnonzero(foot.any(0))
    if not len(columns):
        return
    left, right = int(columns[0]), int(columns[-1]) + 1
    wide = max(12, right - left)
    flat = max(8, wide // 16)
    touch = paint.ellipse((wide, flat))
    corner = (at[0] + left, at[1] + mask.height - round(flat * 0.6))
    paint.shadow(canvas, palette.shadow, touch, corner, blur=max(4, flat // 2), share=min(0.85, strength * 2))


def frame(canvas: Image.Image, palette: Palette, photo: Image.Image, box: Box) -> Box:
    """Hang the whole photo, rounded, on the ground, with an offset shape behind it; return where it hangs."""
    size = frame_size(photo.size, (box[2] - box[0], box[3] - box[1]))
    x, y = box[0] + (box[2] - box[0] - size[0]) // 2, box[1] + (box[3] - box[1] - size[1]) // 2
    radius = min(size) // 13
    mask = paint.rounded(size, radius)
    shift = min(size) // 22
    paint.lay(canvas, palette.stage, mask, (x + shift, y + shift), 0.9)
    paint.shadow(canvas, palette.shadow, mask, (x, y + shift // 2), blur=shift * 2, share=0.42)
    paint.lay(canvas, cropped(photo, size), mask, (x, y))
    return x, y, x + size[0], y + size[1]


def frame_size(photo: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Fill the room if little of the photo is lost, else keep as near to the photo's shape as allowed."""
    have, want = photo[0] / photo[1], room[0] / room[1]
    shape = min(max(want, have * (1 - CROP)), have / (1 - HEM))
    return (round(room[1] * shape), room[1]) if shape < want else (room[0], round(room[0] / shape))


def filling(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fill the size edge to edge: by cropping a little, else with the photo's own blur where it does not reach."""
    have, want = photo.width / photo.height, size[0] / size[1]
    if 1 - want / have < BLEED and 1 - have / want < HEM:
        return cropped(photo, size)
    return melted(photo, size, min(max(want, have * (1 - CROP)), have / (1 - HEM)))[0]


def melted(photo: Image.Image, size: tuple[int, int], shape: float, area: Box | None = None) -> tuple[Image.Image, Box]:
    """Show the photo, cropped to a shape, as large as the area allows, and say where.

    Its rim goes on around it, out of focus: a blurred copy of the whole photo would show the product twice.
    """
    left, top, right, bottom = area or (0, 0, *size)
    wide = min(right - left, round((bottom - top) * shape))
    part = (wide, min(bottom - top, round(wide / shape)))
    x, y = (left + right - part[0]) // 2, (top + bottom - part[1]) // 2
    box = (x, y, x + part[0], y + part[1])
    shown = cropped(photo, part)
    canvas = _rim(shown, box, size)
    reach = min(part) * 0.05
    ramps = [_ramp(part[k], reach, box[k] > 0, box[k + 2] < size[k]) for k in (0, 1)]
    mask = (ramps[1][:, None] * ramps[0][None, :] * 255).astype(np.uint8)
    canvas.paste(shown, (x, y), Image.fromarray(mask))
    return canvas, box


def _rim(shown: Image.Image, box: Box, size: tuple[int, int]) -> Image.Image:
    """Draw the photo's outermost colours on to the edges of the canvas, softly."""
    small = tuple(-(-side // 12) for side in size)
    left, top, right, bottom = (round(edge / 12) for edge in box)
    pixels = np.asarray(shown.resize((right - left, bottom - top), Image.Resampling.BOX))
    around = ((max(0, top), max(0, small[1] - bottom)), (max(0, left), max(0, small[0] - right)), (0, 0))
    spread = Image.fromarray(np.pad(pixels, around, mode="edge")).filter(ImageFilter.GaussianBlur(7))
    return spread.resize(size, Image.Resampling.BICUBIC)


def _ramp(length: int, reach: float, starts: bool, ends: bool) -> NDArray[np.float32]:
    """Return shares that rise at the start and fall at the end, where there is one."""
    along = np.arange(length, dtype=np.float32)
    first = along if starts else np.full_like(along, reach)
    last = along[::-1] if ends else np.full_like(along, reach)
    return np.asarray(np.clip(np.minimum(first, last) / np.float32(max(1.0, reach)), 0, 1) ** np.float32(1.5))


def cropped(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Crop and resize to the size, keeping the part with the most detail."""
    factor = max(size[0] / photo.width, size[1] / photo.height)
    wide, high = min(photo.width, size[0] / factor), min(photo.height, size[1] / factor)
    small = np.asarray(photo.convert("L").resize((64, 64), Image.Resampling.BOX), dtype=np.float32)
    detail = np.hypot(*np.gradient(small)) + 1e-3
    mean_y, mean_x = (float((detail.sum(1 - axis) * np.arange(64)).sum() / detail.sum() + 0.5) / 64 for axis in (0, 1))
    x = min(max(mean_x * photo.width - wide / 2, 0), photo.width - wide)
    y = min(max(mean_y * photo.height - high / 2, 0), photo.height - high)
    return photo.resize(size, Image.Resampling.LANCZOS, box=(x, y, x + wide, y + high), reducing_gap=3.0)
