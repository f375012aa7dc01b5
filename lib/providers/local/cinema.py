"""The b-roll: slow close-ups of the real photo, a light that sweeps over them, quiet type at the lower left."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from lib.providers.local import footage, lettering, motion, palette, planes, stickers
from lib.providers.local.colour import oklch
from lib.providers.local.footage import SIZE, Shot
from lib.providers.local.lettering import Block
from lib.providers.local.paint import rounded
from lib.providers.local.planes import Frame, Layer
from lib.providers.local.story import FPS, HEIGHT, LEFT, LOW, RIGHT, WIDTH, Story, heading

ROOMS = ("studio", "marble", "gradient", "wood")
FADE = 0.36


@dataclass(frozen=True)
class Line:
    """A line of type and when it is seen."""

    layer: Layer
    y: float
    start: float
    end: float


def frames(story: Story) -> Iterator[Frame]:
    """Draw every frame, one at a time."""
    shots = _shots(story)
    lines = _lines(story, shots)
    scrim, light = planes.inked(_scrim(), (8, 8, 10)), _beam()
    bar = planes.inked(rounded((120, 8), 4), _gold(story))
    for number in range(story.seconds * FPS):
        now = number / FPS
        frame = Frame.empty((WIDTH, HEIGHT))
        index = max(k for k, shot in enumerate(shots) if shot.start <= now + 1e-6)
        fresh = motion.glide(now, shots[index].start, FADE) if index else 1.0
        if fresh < 1:
            footage.filmed(frame, shots[index - 1], now)
        footage.filmed(frame, shots[index], now, share=fresh)
        sweep = motion.passed(now, shots[index].start + 0.15, 1.5)
        frame.shine(light, round(-870 + 1900 * sweep), 0.34 * (1 - abs(2 * sweep - 1)))
        frame.lay(scrim, WIDTH / 2, HEIGHT - scrim.height / 2)
        _write(frame, lines, bar, now)
        yield frame


def _shots(story: Story) -> list[Shot]:
    scene = ROOMS[story.variant % len(ROOMS)]
    whole = footage.wide(story, scene, 0.62)
    nears = footage.close(story, scene)
    layers = [planes.layer(_graded(picture)) for picture in (whole, *nears)]
    order = [0, *range(1, len(layers) if story.seconds > 6 else min(2, len(layers))), 0]
    order = [0, 0, 0] if len(layers) == 1 else order
    length = story.seconds / len(order)
    moves = (((0, 20, 0.92), (0, -26, 1.05)), ((-46, 0, 1.0), (46, 10, 1.0)), ((30, 40, 1.03), (-30, -50, 0.97)),
             ((0, 0, 1.06), (0, 0, 0.93)))  # fmt: skip
    if len(layers) == 1:
        moves = (
            ((0, 30, 0.92), (0, -10, 1.02)),
            ((-40, -60, 1.22), (40, -40, 1.26)),
            ((0, 0, 1.10), (0, 0, 0.94)),
            moves[3],
        )
    return [
        Shot(layers[which], number * length, length + FADE, *moves[number if number < len(order) - 1 else 3])
        for number, which in enumerate(order)
    ]


def _graded(picture: Image.Image) -> Image.Image:
    """Give it the colours of a film: a little darker, calmer, with soft corners."""
    picture = ImageEnhance.Color(picture).enhance(0.94)
    x, y = (np.linspace(-1, 1, side, dtype=np.float32) for side in SIZE)
    fall = 1.0 - 0.34 * np.clip((x[None, :] ** 2 * 0.8 + y[:, None] ** 2) / 1.8, 0, 1) ** 1.3
    pixels = np.asarray(picture, dtype=np.float32) * fall[..., None]
    tone = np.array([1.015, 1.0, 0.975], dtype=np.float32)
    return Image.fromarray(np.clip(pixels * tone, 0, 255).astype(np.uint8))


def _scrim() -> Image.Image:
    """A shadow that rises behind the words."""
    share = np.clip(np.linspace(0, 1, 980, dtype=np.float32) / 0.6, 0, 1)
    ramp = share * share * (3 - 2 * share) * 165
    return Image.fromarray(ramp.astype(np.uint8)[:, None].repeat(WIDTH, axis=1))


def _beam() -> Image.Image:
    """A slanted band of light with soft edges."""
    small = (150, HEIGHT // 6)
    x, y = np.mgrid[0 : small[0], 0 : small[1]].astype(np.float32)
    away = np.abs(x - small[0] / 2 - (small[1] / 2 - y) * 0.16) / 34
    band = np.clip(1 - away, 0, 1) ** 1.5 * 255
    return (
        Image.fromarray(band.T.astype(np.uint8))
        .filter(ImageFilter.GaussianBlur(3))
        .resize((900, HEIGHT), Image.Resampling.BICUBIC)
    )


def _gold(story: Story) -> tuple[int, int, int]:
    seen = palette.character(story.hero.image)
    return oklch(0.86, 0.08, seen.hue if seen.hue is not None else 80.0)


def _lines(story: Story, shots: list[Shot]) -> list[Line]:
    """Set the title for the first and the last shot, the benefits in between."""
    found: list[Line] = []
    title = heading(story.title, (RIGHT - LEFT, 300), 104)
    first_end = shots[1].start + 0.05
    last = shots[-1].start + 0.1
    if title:
        found += _set(title, 0.0, first_end)
        found += _set(title, last, story.seconds + 1.0)
    if story.texts:
        free = (last - first_end - 0.05) / len(story.texts)
        for number, text in enumerate(story.texts):
            block = lettering.fit(text, lettering.HEAVY, (RIGHT - LEFT, 210), (84, 44), lines=2, spacing=1.16)
            start = first_end + 0.05 + number * free
            found += _set(block, start, start + free)
    return found


def _set(block: Block, start: float, end: float) -> list[Line]:
    top = LOW - block.leading * len(block.lines)
    rows = stickers.lines(block, (255, 255, 255))
    return [
        Line(row, top + number * block.leading, start + 0.09 * number * (start > 0), end)
        for number, row in enumerate(rows)
    ]


def _write(frame: Frame, lines: list[Line], bar: Layer, now: float) -> None:
    seen = [line for line in lines if line.start <= now < line.end]
    for line in seen:
        come = motion.settle(now, line.start, 0.5) if line.start else 1.0
        leave = motion.passed(now, line.end - 0.16, 0.16)
        share = come * (1 - leave)
        frame.lay(
            line.layer, LEFT + line.layer.width / 2, line.y + line.layer.height / 2 + 34 * (1 - come), share=share
        )
    if seen:
        frame.lay(bar, LEFT + 60, min(line.y for line in seen) - 34)
