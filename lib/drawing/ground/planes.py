"""Pictures as a video encoder wants them: brightness in full, colour at half the size (YUV 4:2:0, BT.709, 16 to 235).

Layers are turned into planes once; a frame then costs only the pixels that change. Positions are fractions of pixels,
so that a slow move does not jitter.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.ground.colour import Rgb

Box = tuple[int, int, int, int]
Point = tuple[float, float]

MARGIN = 4  # clear pixels around a layer, so that its edge can fall between two pixels
# Of red, green and blue, and what is added; Pillow rounds to the nearest level itself.
WEIGHTS = (
    (0.18259, 0.61423, 0.06201, 16),
    (-0.10064, -0.33857, 0.43922, 128),
    (0.43922, -0.39894, -0.04027, 128),
)


@dataclass(frozen=True)
class Layer:
    """A picture in planes, with the mask through which it is laid; at scale 1 it is width × height.

    A layer of one colour has `ink`, its three levels, in place of planes: it costs half as much to lay.
    """

    planes: tuple[Image.Image, ...]
    masks: tuple[Image.Image, Image.Image] | None
    width: int
    height: int
    ink: tuple[int, ...] = ()


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
    levels = tuple(round(a * ink[0] + b * ink[1] + c * ink[2] + d) for a, b, c, d in WEIGHTS)
    return Layer((), (padded, _half(padded)), mask.width, mask.height, levels)


def _planes(rgb: Image.Image) -> tuple[Image.Image, Image.Image, Image.Image]:
    y, u, v = (rgb.convert("L", weights) for weights in WEIGHTS)
    return y, _half(u), _half(v)


def _half(plane: Image.Image) -> Image.Image:
    return plane.reduce(2)


class Frame:
    """One frame: planes that layers are laid on."""

    def __init__(self, planes: tuple[Image.Image, Image.Image, Image.Image]) -> None:
        self.planes = planes

    @classmethod
    def of(cls, picture: Image.Image) -> "Frame":
        """Return a frame that shows the picture."""
        return cls(_planes(picture.convert("RGB")))

    @classmethod
    def empty(cls, size: tuple[int, int]) -> "Frame":
        """Return a black frame."""
        half = (size[0] // 2, size[1] // 2)
        return cls((Image.new("L", size, 16), Image.new("L", half, 128), Image.new("L", half, 128)))

    def picture(self) -> Image.Image:
        """Return the frame as an RGB picture."""
        y, u, v = self.planes
        light = (np.asarray(y, dtype=np.float32) - 16) * 1.16438
        blue, red = (
            np.asarray(half.resize(y.size, Image.Resampling.BILINEAR), dtype=np.float32) - 128 for half in (u, v)
        )
        rgb = np.stack([light + 1.79274 * red, light - 0.21325 * blue - 0.53291 * red, light + 2.11240 * blue], axis=-1)
        return Image.fromarray(np.clip(rgb + 0.5, 0, 255).astype(np.uint8))

    def mixed(self, other: "Frame", share: float) -> "Frame":
        """Return this frame with another showing through it."""
        y, u, v = (Image.blend(below, above, share) for below, above in zip(self.planes, other.planes, strict=True))
        return Frame((y, u, v))

    def pushed(self, other: "Frame", by: int) -> "Frame":
        """Return this frame pushed up by an even number of pixels, and the upper part of another below it."""
        for index, (plane, below) in enumerate(zip(self.planes, other.planes, strict=True)):
            up = by // 2 if index else by
            kept = plane.crop((0, up, plane.width, plane.height))
            plane.paste(kept, (0, 0))
            plane.paste(below.crop((0, 0, plane.width, up)), (0, plane.height - up))
        return self

    def lay(self, what: Layer, x: float, y: float, *, scale: float = 1.0) -> None:
        """Lay the layer with its centre at (x, y), scaled."""
        if scale <= 0.01:
            return
        margin = MARGIN if what.masks else 0
        pose = _Pose((margin + what.width / 2, margin + what.height / 2), (x, y), scale)
        box = pose.covered(what, self.planes[0].size)
        if box is None:
            return
        covers: list[Image.Image | None] = [None, None]
        if what.masks:
            covers = [pose.seen(mask, box, part) for mask, part in zip(what.masks, (1, 2), strict=True)]
        for index, (plane, part) in enumerate(zip(self.planes, (1, 2, 2), strict=True)):
            drawn = what.ink[index] if what.ink else pose.seen(what.planes[index], box, part)
            plane.paste(drawn, (box[0] // part, box[1] // part, box[2] // part, box[3] // part), covers[part - 1])


def _size(box: Box, part: int) -> tuple[int, int]:
    return (box[2] - box[0]) // part, (box[3] - box[1]) // part


@dataclass(frozen=True)
class _Pose:
    """Where a layer's centre lies in the layer and in the frame, and how large it is shown."""

    centre: Point
    at: Point
    scale: float

    def covered(self, what: Layer, canvas: tuple[int, int]) -> Box | None:
        """Return the even box of the frame that the layer covers, or None when it is outside."""
        wide, high = what.width * self.scale / 2, what.height * self.scale / 2
        # An opaque layer has no margin to take pixels from: its last row may stay undrawn.
        outward = 2 if what.masks else 0
        left, top = (max(0, math.ceil((self.at[k] - reach) / 2) * 2 - outward) for k, reach in enumerate((wide, high)))
        right = min(canvas[0], math.floor((self.at[0] + wide) / 2) * 2 + outward)
        bottom = min(canvas[1], math.floor((self.at[1] + high) / 2) * 2 + outward)
        return (left, top, right, bottom) if right > left and bottom > top else None

    def seen(self, plane: Image.Image, box: Box, part: int) -> Image.Image:
        """Return the plane's pixels for the box of the frame; `part` is 2 for a plane of half size."""
        size = _size(box, part)
        sides = tuple(((edge - self.at[k % 2]) / self.scale + self.centre[k % 2]) / part for k, edge in enumerate(box))
        left, top, right, bottom = sides
        if left < 0 or top < 0 or right > plane.width or bottom > plane.height:
            matrix = (1 / self.scale, 0, left, 0, 1 / self.scale, top)
            return plane.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        corner = (round(left), round(top))
        if self.scale == 1 and abs(left - corner[0]) + abs(top - corner[1]) < 1e-6:
            return plane.crop((*corner, corner[0] + size[0], corner[1] + size[1]))
        return plane.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
