"""Paints gradients, smooth shapes and soft shadows. Every edge is supersampled; shadows are blurred at a small size."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lib.drawing.ground.colour import Rgb

Box = tuple[int, int, int, int]  # left, top, right, bottom


def gradient(size: tuple[int, int], start: Rgb, end: Rgb, *, across: float = 0.25) -> Image.Image:
    """Return a smooth slope of colour, downwards and a little across."""
    width, height = size
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    t = (y + across * x) / (1 + across)
    t = t * t * (3 - 2 * t)
    planes = [np.float32(a + 0.5) + np.float32(b - a) * t for a, b in zip(start, end, strict=True)]
    return Image.merge("RGB", [Image.fromarray(plane.astype(np.uint8)) for plane in planes])


def rounded(size: tuple[int, int], radius: int, corners: tuple[bool, bool, bool, bool] | None = None) -> Image.Image:
    """Return the mask of a rectangle with round corners."""
    factor = _factor(size)
    big = Image.new("L", (size[0] * factor, size[1] * factor))
    edges = (0, 0, big.width - 1, big.height - 1)
    ImageDraw.Draw(big).rounded_rectangle(edges, radius * factor, fill=255, corners=corners)
    return big.reduce(factor)


def ellipse(size: tuple[int, int], ring: int = 0) -> Image.Image:
    """Return the mask of an ellipse, or of its outline `ring` pixels wide."""
    factor = _factor(size)
    big = Image.new("L", (size[0] * factor, size[1] * factor))
    edges = (0, 0, big.width - 1, big.height - 1)
    pen = ImageDraw.Draw(big)
    if ring:
        pen.ellipse(edges, outline=255, width=ring * factor)
    else:
        pen.ellipse(edges, fill=255)
    return big.reduce(factor)


def polygon(size: tuple[int, int], points: list[tuple[float, float]]) -> Image.Image:
    """Return the mask of a polygon."""
    factor = _factor(size)
    big = Image.new("L", (size[0] * factor, size[1] * factor))
    ImageDraw.Draw(big).polygon([(x * factor, y * factor) for x, y in points], fill=255)
    return big.reduce(factor)


def _factor(size: tuple[int, int]) -> int:
    return 4 if size[0] * size[1] < 400_000 else 2


def lay(canvas: Image.Image, fill: Rgb | Image.Image, mask: Image.Image, at: tuple[int, int], share: float = 1) -> None:
    """Lay a colour or a picture over the canvas through a mask, at `share` of full cover."""
    if share < 1:
        mask = mask.point(lambda v: round(v * share))
    if isinstance(fill, Image.Image):
        canvas.paste(fill, at, mask)
    else:
        canvas.paste(fill, (at[0], at[1], at[0] + mask.width, at[1] + mask.height), mask)


def glow(canvas: Image.Image, fill: Rgb, box: Box, share: float) -> None:
    """Light up an ellipse that fades to nothing at its edge."""
    width, height = box[2] - box[0], box[3] - box[1]
    y, x = np.ogrid[-1 : 1 : (height // 4) * 1j, -1 : 1 : (width // 4) * 1j]
    level = np.clip(1 - np.sqrt(x * x + y * y), 0, 1)
    level = level * level * (3 - 2 * level)
    mask = Image.fromarray((level * 255 * share).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    lay(canvas, fill, mask, (box[0], box[1]))


def shadow(canvas: Image.Image, ink: Rgb, mask: Image.Image, at: tuple[int, int], *, blur: int, share: float) -> None:
    """Cast the mask's soft shadow; `at` is where the mask's own corner lies."""
    margin = blur * 2
    small = 4
    size = ((mask.width + 2 * margin) // small, (mask.height + 2 * margin) // small)
    soft = Image.new("L", size)
    core = mask.resize((max(1, mask.width // small), max(1, mask.height // small)), Image.Resampling.BOX)
    soft.paste(core, (margin // small, margin // small))
    soft = soft.filter(ImageFilter.GaussianBlur(blur / small))
    soft = soft.resize((size[0] * small, size[1] * small), Image.Resampling.BICUBIC)
    lay(canvas, ink, soft, (at[0] - margin, at[1] - margin), share)
