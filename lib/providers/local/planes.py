"""Pictures as a video encoder wants them: brightness in full, colour at half the size (YUV 4:2:0, BT.709, 16 to 235).

Layers are turned into planes once; a frame then costs only the pixels that change. Positions are fractions of pixels,
so that a slow move does not jitter.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from lib.providers.local.colour import Rgb

MARGIN = 4  # clear pixels around a layer, so that its edge can fall between two pixels
WEIGHTS = (
    (0.18259, 0.61423, 0.06201, 16.5),
    (-0.10064, -0.33857, 0.43922, 128.5),
    (0.43922, -0.39894, -0.04027, 128.5),
)


@dataclass(frozen=True)
class Layer:
    """A picture in planes, with the mask through which it is laid; `at` scale 1 it is width × height."""

    planes: tuple[Image.Image, Image.Image, Image.Image]
    masks: tuple[Image.Image, Image.Image] | None
    width: int
    height: int


def layer(image: Image.Image) -> Layer:
    """Turn a picture into a layer; transparency becomes its mask, and colours bleed out under it."""
    if image.mode != "RGBA":
        return Layer(_planes(image.convert("RGB")), None, image.width, image.height)
    size = (image.width + 2 * MARGIN + image.width % 2, image.height + 2 * MARGIN + image.height % 2)
    padded = Image.new("RGBA", size)
    padded.paste(image, (MARGIN, MARGIN))
    # A resampled edge mixes in what lies beyond it: that must be the product's own colour, not black.
    near = padded.convert("RGBa").filter(ImageFilter.BoxBlur(MARGIN)).convert("RGBA").convert("RGB")
    mask = padded.getchannel("A")
    near.paste(padded.convert("RGB"), (0, 0), mask)
    return Layer(_planes(near), (mask, _half(mask)), image.width, image.height)


def inked(mask: Image.Image, ink: Rgb) -> Layer:
    """Return a layer of one colour in the shape of the mask."""
    size = (mask.width + 2 * MARGIN + mask.width % 2, mask.height + 2 * MARGIN + mask.height % 2)
    padded = Image.new("L", size)
    padded.paste(mask, (MARGIN, MARGIN))
    full, half = size, (size[0] // 2, size[1] // 2)
    levels = [round(a * ink[0] + b * ink[1] + c * ink[2] + d - 0.5) for a, b, c, d in WEIGHTS]
    planes = (Image.new("L", full, levels[0]), Image.new("L", half, levels[1]), Image.new("L", half, levels[2]))
    return Layer(planes, (padded, _half(padded)), mask.width, mask.height)


def _planes(rgb: Image.Image) -> tuple[Image.Image, Image.Image, Image.Image]:
    y, u, v = (rgb.convert("L", weights) for weights in WEIGHTS)
    return y, _half(u), _half(v)


def _half(plane: Image.Image) -> Image.Image:
    return plane.reduce(2)


class Frame:
    """One frame: planes that layers are laid on, and that a copy shares nothing with."""

    def __init__(self, planes: tuple[Image.Image, Image.Image, Image.Image]) -> None:
        self.planes = planes

    @classmethod
    def of(cls, picture: Image.Image) -> "Frame":
        """Return a frame that shows the picture."""
        return cls(_planes(picture.convert("RGB")))

    def copy(self) -> "Frame":
        """Return a frame that can be painted without changing this one."""
        y, u, v = self.planes
        return Frame((y.copy(), u.copy(), v.copy()))

    def picture(self) -> Image.Image:
        """Return the frame as an RGB picture."""
        y, u, v = self.planes
        light = (np.asarray(y, dtype=np.float32) - 16) * 1.16438
        blue, red = (
            np.asarray(half.resize(y.size, Image.Resampling.BILINEAR), dtype=np.float32) - 128 for half in (u, v)
        )
        rgb = np.stack([light + 1.79274 * red, light - 0.21325 * blue - 0.53291 * red, light + 2.11240 * blue], axis=-1)
        return Image.fromarray(np.clip(rgb + 0.5, 0, 255).astype(np.uint8))

    def over(self, other: "Frame", mask: Image.Image) -> "Frame":
        """Return this frame with another showing through the mask, which has half its size."""
        masks = (mask.resize(self.planes[0].size, Image.Resampling.BILINEAR), mask, mask)
        y, u, v = (
            Image.composite(above, below, cover)
            for above, below, cover in zip(other.planes, self.planes, masks, strict=True)
        )
        return Frame((y, u, v))

    def lay(
        self, what: Layer, x: float, y: float, *, scale: float = 1.0, turn: float = 0.0, share: float = 1.0
    ) -> None:
        """Lay the layer with its centre at (x, y), scaled, turned by degrees, at `share` of full cover."""
        if share <= 0.003 or scale <= 0.01:
            return
        margin = MARGIN if what.masks else 0
        centre = (margin + what.width / 2, margin + what.height / 2)
        full = what.planes[0].size
        box = _bounds(full, centre, (x, y), scale, turn, self.planes[0].size)
        if box is None:
            return
        for index, plane in enumerate(what.planes):
            part = 1 if index == 0 else 2
            drawn = _resampled(plane, box, centre, (x, y), scale, turn, part)
            mask = None
            if what.masks:
                if index < 2:
                    cover = _resampled(what.masks[min(index, 1)], box, centre, (x, y), scale, turn, part)
                    cover = cover.point([round(level * share) for level in range(256)]) if share < 1 else cover
                mask = cover
            elif share < 1:
                mask = Image.new("L", drawn.size, round(255 * share))
            self.planes[index].paste(drawn, (box[0] // part, box[1] // part), mask)


Box = tuple[int, int, int, int]
Point = tuple[float, float]


def _bounds(
    full: tuple[int, int], centre: Point, at: Point, scale: float, turn: float, canvas: tuple[int, int]
) -> Box | None:
    """Return the even box of the canvas that the layer covers, or None when it is outside."""
    cos, sin = abs(math.cos(math.radians(turn))), abs(math.sin(math.radians(turn)))
    corners = [(cx - centre[0], cy - centre[1]) for cx in (0, full[0]) for cy in (0, full[1])]
    wide = max(abs(cx) * cos + abs(cy) * sin for cx, cy in corners) * scale
    high = max(abs(cx) * sin + abs(cy) * cos for cx, cy in corners) * scale
    left, top = max(0, math.floor((at[0] - wide) / 2) * 2), max(0, math.floor((at[1] - high) / 2) * 2)
    right = min(canvas[0], math.ceil((at[0] + wide) / 2) * 2)
    bottom = min(canvas[1], math.ceil((at[1] + high) / 2) * 2)
    return (left, top, right, bottom) if right > left and bottom > top else None


def _resampled(
    plane: Image.Image, box: Box, centre: Point, at: Point, scale: float, turn: float, part: int
) -> Image.Image:
    """Return the layer's pixels for the box; `part` is 2 for a plane of half size."""
    size = ((box[2] - box[0]) // part, (box[3] - box[1]) // part)
    if abs(turn) < 0.01:
        left, top, right, bottom = (((edge - at[k % 2]) / scale + centre[k % 2]) / part for k, edge in enumerate(box))
        if left >= 0 and top >= 0 and right <= plane.width and bottom <= plane.height:
            return plane.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
    cos, sin = math.cos(math.radians(turn)) / scale, math.sin(math.radians(turn)) / scale
    left, top = (box[0] - at[0]) / part, (box[1] - at[1]) / part
    middle = (centre[0] / part, centre[1] / part)
    matrix = (
        cos, sin, left * cos + top * sin + middle[0],
        -sin, cos, -left * sin + top * cos + middle[1],
    )  # fmt: skip
    return plane.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
