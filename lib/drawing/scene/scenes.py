"""Draws rooms to set a product in, by code: a studio sweep, a table, a podium. Each has a floor and a light.

Colours follow the product's hue, faintly, as a photographer would choose the paper.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.ground import colour, paint
from lib.drawing.ground.colour import Rgb, oklch
from lib.drawing.scene import texture

HORIZON = 0.62  # of the height, where a table ends


@dataclass(frozen=True)
class Room:
    """An empty scene. `floor` is how far down a product stands, as a share; `tilt` is where its shadow falls."""

    picture: Image.Image
    floor: float
    shadow: Rgb
    tint: Rgb  # of the light
    tilt: float = 0.5
    shine: float = 0.0  # how much the floor mirrors
    width: float = 0.78  # of the picture that a product may take
    height: float = 0.62
    depth: float = 0.14  # how much further back a low product may stand


Size = tuple[int, int]
type Hue = float | None  # of the product; None for a grey one


def studio(size: Size, of: Hue, variant: int) -> Room:
    """A roll of paper that curves from wall to floor, with a pool of light on the wall."""
    hue = _hue(of, variant, (75.0, 250.0, 20.0, 160.0))
    wall, floor = oklch(0.90, 0.022, hue), oklch(0.945, 0.016, hue)
    canvas = _bands(size, ((0.0, oklch(0.84, 0.026, hue)), (0.5, wall), (0.70, oklch(0.875, 0.024, hue)), (1.0, floor)))
    _pool(canvas, (255, 255, 255), (0.44, 0.40), (0.62, 0.42), 0.55)
    return Room(_finished(canvas, 0.10), 0.83, oklch(0.30, 0.03, hue), (255, 252, 247), tilt=0.55)


def gradient(size: Size, of: Hue, variant: int) -> Room:
    """Coloured light that melts from one hue into the next, over a floor that mirrors a little."""
    hue = _hue(of, variant, (265.0, 20.0, 170.0, 80.0))
    second = (hue + (55, -55, 80, -35)[variant % 4]) % 360
    canvas = _bands(
        size, ((0.0, oklch(0.80, 0.085, hue)), (0.72, oklch(0.91, 0.045, second)), (1.0, oklch(0.86, 0.06, second)))
    )
    _pool(canvas, oklch(0.86, 0.10, second), (0.86, 0.22), (0.75, 0.48), 0.9)
    _pool(canvas, oklch(0.80, 0.11, hue), (0.05, 0.62), (0.62, 0.42), 0.7)
    _pool(canvas, (255, 255, 255), (0.48, 0.46), (0.46, 0.34), 0.6)
    _level(canvas, 0.70, oklch(0.93, 0.03, second), 0.45)
    return Room(_finished(canvas, 0.05), 0.83, oklch(0.30, 0.06, second), (255, 251, 252), tilt=0.25, shine=0.16)


def wood(size: Size, of: Hue, variant: int) -> Room:
    """A wooden table in front of a wall out of focus, in morning light."""
    warm = (62.0, 55.0, 70.0, 48.0)[variant % 4]
    light = (0.62, 0.44, 0.72, 0.36)[variant % 4]
    wall = oklch(0.86, 0.022, 85) if variant % 2 == 0 else oklch(0.78, 0.03, 150)
    canvas = _bands(
        size,
        ((0.0, colour.mix(wall, (255, 255, 255), 0.25)), (HORIZON, colour.mix(wall, (60, 50, 40), 0.16)), (1.0, wall)),
    )
    _blobs(canvas, variant, wall)
    top = texture.planks(variant, oklch(light, 0.075, warm), oklch(light - 0.17, 0.065, warm - 8))
    _table(canvas, top, 1.0)
    _sunlight(canvas, (255, 240, 214), 0.30)
    return Room(_finished(canvas, 0.16), 0.84, oklch(0.17, 0.03, 50), (255, 246, 232), tilt=0.7, shine=0.05)


def marble(size: Size, of: Hue, variant: int) -> Room:
    """A slab of marble in front of a quiet wall."""
    hue = _hue(of, variant, (85.0, 30.0, 220.0, 150.0))
    wall = oklch((0.86, 0.80, 0.84, 0.30)[variant % 4], (0.03, 0.045, 0.03, 0.03)[variant % 4], hue)
    canvas = _bands(
        size,
        ((0.0, colour.mix(wall, (255, 255, 255), 0.3)), (HORIZON, colour.mix(wall, (40, 40, 40), 0.14)), (1.0, wall)),
    )
    _pool(canvas, (255, 255, 255), (0.30, 0.20), (0.6, 0.42), 0.35)
    dark = variant % 4 == 3
    top = texture.marble(
        variant, (46, 47, 52) if dark else (243, 242, 240), (206, 200, 188) if dark else (150, 150, 156)
    )
    _table(canvas, top, 0.75)
    return Room(
        _finished(canvas, 0.12),
        0.84,
        (18, 18, 22) if dark else oklch(0.28, 0.015, hue),
        (252, 252, 255),
        tilt=0.5,
        shine=0.20,
    )


def podium(size: Size, of: Hue, variant: int) -> Room:
    """A round podium in one colour with the wall, and discs of light behind it."""
    hue = _hue(of, variant, (40.0, 285.0, 165.0, 95.0))
    lightness, chroma = (0.86, 0.80, 0.88, 0.42)[variant % 4], (0.055, 0.07, 0.05, 0.06)[variant % 4]
    canvas = _bands(size, (
        (0.0, oklch(lightness - 0.03, chroma, hue)), (0.66, oklch(lightness + 0.03, chroma * 0.8, hue)),
        (0.70, oklch(lightness - 0.045, chroma, hue)), (1.0, oklch(lightness + 0.02, chroma * 0.9, hue)),
    ))  # fmt: skip
    width, height = size
    side = round(width * 0.80)
    disc = paint.ellipse((side, side))
    at = ((width - side) // 2, round(height * 0.15))
    paint.lay(
        canvas,
        paint.gradient(
            (side, side), oklch(min(0.97, lightness + 0.09), chroma * 0.8, hue), oklch(lightness, chroma, hue)
        ),
        disc,
        at,
    )
    _cylinder(canvas, hue, lightness, chroma)
    shadow = oklch(max(0.15, lightness - 0.55), 0.05, hue)
    return Room(_finished(canvas, 0.08), 0.785, shadow, (255, 250, 246), tilt=0.35, width=0.6, height=0.56, depth=0.0)


def arch(size: Size, of: Hue, variant: int) -> Room:
    """A niche under an arch in two pastels, lit from the left."""
    hue = _hue(of, variant, (60.0, 340.0, 200.0, 130.0))
    second = (hue + (180, 150, 210, 35)[variant % 4]) % 360
    wall, inner = oklch(0.885, 0.042, hue), oklch(0.79, 0.06, second)
    canvas = _bands(
        size,
        (
            (0.0, colour.mix(wall, (255, 255, 255), 0.2)),
            (0.74, wall),
            (0.745, oklch(0.92, 0.03, hue)),
            (1.0, oklch(0.87, 0.04, hue)),
        ),
    )
    width, height = size
    wide, top, low = round(width * 0.70), round(height * 0.14), round(height * 0.742)
    left = (width - wide) // 2
    mask = paint.rounded((wide, low - top), wide // 2, (True, True, False, False))
    paint.lay(
        canvas,
        paint.gradient((wide, low - top), inner, colour.mix(inner, (255, 255, 255), 0.22), across=0.6),
        mask,
        (left, top),
    )
    _reveal(canvas, mask, (left, top), colour.mix(inner, (30, 20, 30), 0.30), colour.mix(wall, (255, 255, 255), 0.5))
    return Room(_finished(canvas, 0.08), 0.84, oklch(0.32, 0.05, second), (255, 250, 244), tilt=0.6)


SCENES: dict[str, Callable[[Size, Hue, int], Room]] = {
    "studio": studio,
    "gradient": gradient,
    "wood": wood,
    "marble": marble,
    "podium": podium,
    "arch": arch,
}


def _hue(of: Hue, variant: int, spare: tuple[float, float, float, float]) -> float:
    """Return the product's hue for the first variant, else a turn away from it."""
    if of is None:
        return spare[variant % 4]
    return (of + (0, 180, 40, 320)[variant % 4]) % 360


def _bands(size: Size, stops: tuple[tuple[float, Rgb], ...]) -> Image.Image:
    """Return a vertical run of colours."""
    y = np.linspace(0, 1, size[1], dtype=np.float32)
    at = [stop for stop, _ in stops]
    planes = [np.interp(y, at, [ink[k] for _, ink in stops]) for k in range(3)]
    column = np.stack(planes, axis=-1)[:, None, :].repeat(size[0], axis=1)
    return Image.fromarray((column + 0.5).astype(np.uint8))


def _pool(canvas: Image.Image, ink: Rgb, at: tuple[float, float], reach: tuple[float, float], share: float) -> None:
    width, height = canvas.size
    x, y = at[0] * width, at[1] * height
    paint.glow(canvas, ink, (round(x - reach[0] * width), round(y - reach[1] * height),
                             round(x + reach[0] * width), round(y + reach[1] * height)), share)  # fmt: skip


def _level(canvas: Image.Image, start: float, ink: Rgb, share: float) -> None:
    """Lighten the floor from its far edge on."""
    height = canvas.height
    ramp = np.clip((np.arange(height) / height - start) / 0.05, 0, 1) * 255 * share
    mask = Image.fromarray(ramp.astype(np.uint8)[:, None].repeat(canvas.width, axis=1))
    paint.lay(canvas, ink, mask, (0, 0))


def _blobs(canvas: Image.Image, variant: int, wall: Rgb) -> None:
    """Hint at a room out of focus."""
    dice = np.random.default_rng(11 + variant)
    soft = Image.new("RGB", (canvas.width // 8, canvas.height // 8), wall)
    small = canvas.resize(soft.size)
    for _ in range(7):
        x, y, wide = dice.uniform(-0.1, 1.0), dice.uniform(-0.1, 0.42), dice.uniform(0.10, 0.34)
        tone = colour.mix(
            wall, (255, 255, 255) if dice.uniform() < 0.6 else (70, 60, 50), float(dice.uniform(0.1, 0.4))
        )
        side = round(wide * small.width)
        paint.lay(small, tone, paint.ellipse((side, side)), (round(x * small.width), round(y * small.height)), 0.6)
    small = small.filter(ImageFilter.GaussianBlur(7))
    canvas.paste(small.resize(canvas.size, Image.Resampling.BICUBIC), (0, 0))


def _table(canvas: Image.Image, top: Image.Image, grain: float) -> None:
    """Lay a texture in perspective from the horizon down, out of focus far away."""
    width, height = canvas.size
    line = round(height * HORIZON)
    flat = texture.laid(top, (width, height - line))
    soft = flat.filter(ImageFilter.GaussianBlur(width / 130))
    near = np.clip((np.arange(flat.height) / flat.height - 0.04) / 0.30, 0, 1) * 255
    mask = Image.fromarray(near.astype(np.uint8)[:, None].repeat(width, axis=1))
    soft.paste(flat, (0, 0), mask)
    shade = np.clip(1 - np.arange(flat.height) / (flat.height * 0.10), 0, 1) * 60
    dark = Image.fromarray(shade.astype(np.uint8)[:, None].repeat(width, axis=1))
    paint.lay(soft, (40, 34, 30), dark, (0, 0), grain)
    edge = np.clip(np.arange(flat.height) / 5, 0, 1) * 255
    canvas.paste(soft, (0, line), Image.fromarray(edge.astype(np.uint8)[:, None].repeat(width, axis=1)))


def _sunlight(canvas: Image.Image, ink: Rgb, share: float) -> None:
    """Let light fall in from the left, fading to the right."""
    x = np.linspace(1, 0, canvas.width, dtype=np.float32)[None, :]
    y = np.linspace(1, 0.4, canvas.height, dtype=np.float32)[:, None]
    mask = Image.fromarray((np.clip(x * y, 0, 1) ** 1.5 * 255 * share).astype(np.uint8))
    paint.lay(canvas, ink, mask, (0, 0))


def _cylinder(canvas: Image.Image, hue: float, lightness: float, chroma: float) -> None:
    width, height = canvas.size
    wide, flat, deep = round(width * 0.70), round(height * 0.085), round(height * 0.115)
    left, top = (width - wide) // 2, round(height * 0.785) - round(flat * 0.62)
    lid = paint.ellipse((wide, flat))
    body = Image.new("L", (wide, flat + deep))
    body.paste(lid, (0, deep))
    body.paste(255, (0, flat // 2, wide, flat // 2 + deep))
    paint.shadow(
        canvas,
        oklch(max(0.1, lightness - 0.5), 0.05, hue),
        lid,
        (left + wide // 16, top + deep + flat // 8),
        blur=flat // 2,
        share=0.5,
    )
    x = np.linspace(-1, 1, wide, dtype=np.float32)
    light = np.interp(x, (-1, -0.45, 0.35, 1), (0.72, 1.08, 0.93, 0.62))
    base = np.array(oklch(lightness, chroma, hue), dtype=np.float32)
    side = np.clip(light[None, :, None] * base, 0, 255).astype(np.uint8).repeat(flat + deep, axis=0)
    paint.lay(canvas, Image.fromarray(side), body, (left, top))
    face = paint.gradient(
        (wide, flat),
        oklch(min(0.97, lightness + 0.05), chroma * 0.8, hue),
        oklch(min(0.98, lightness + 0.09), chroma * 0.7, hue),
    )
    paint.lay(canvas, face, lid, (left, top))


def _reveal(canvas: Image.Image, mask: Image.Image, at: tuple[int, int], dark: Rgb, light: Rgb) -> None:
    """Give a niche depth: its left edge throws a shadow inwards, its right edge catches the light."""
    for shift, ink, share in ((canvas.width // 22, dark, 0.55), (-(canvas.width // 60), light, 0.8)):
        inner = Image.new("L", mask.size)
        inner.paste(mask, (shift, max(0, shift) // 2))
        rim = np.asarray(mask, dtype=np.int16) - np.asarray(inner, dtype=np.int16)
        soft = Image.fromarray(np.clip(rim, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(abs(shift) / 5))
        cover = np.minimum(np.asarray(soft), np.asarray(mask))
        paint.lay(canvas, ink, Image.fromarray(cover), at, share)


def _finished(canvas: Image.Image, depth: float) -> Image.Image:
    """Darken the corners a little and add grain, which also keeps gradients from banding."""
    width, height = canvas.size
    x, y = np.linspace(-1, 1, width, dtype=np.float32)[None, :], np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    fall = 1 - depth * np.clip((x * x + y * y) / 2, 0, 1) ** 1.5
    grain = np.random.default_rng(5).normal(0, 1.1, (height, width)).astype(np.float32)
    pixels = np.asarray(canvas, dtype=np.float32) * fall[..., None] + grain[..., None]
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
