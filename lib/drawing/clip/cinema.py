"""The b-roll: slow close-ups of the real photo, a light that sweeps over them, quiet type on the dark below them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from lib.drawing.clip import footage, motion, stickers
from lib.drawing.clip.footage import SIZE, Field, Shot
from lib.drawing.clip.story import FPS, HEIGHT, LEFT, LOW, RIGHT, WIDTH, Story, heading
from lib.drawing.ground import lettering, palette, planes
from lib.drawing.ground.colour import Rgb, oklch
from lib.drawing.ground.lettering import Block
from lib.drawing.ground.paint import rounded
from lib.drawing.ground.planes import Frame, Layer

ROOMS = ("studio", "marble", "gradient", "wood")
FADE = 0.36
FIELD = Field(room=(50, 80, 1030, 1110), photo=(-65, -30, 1145, 1130), seen=(0, 0, WIDTH, 1250))
DUSK = 1095  # where the picture begins to melt into the dark
WORDS = 1288  # where type begins: in the dark that starts where the picture is no longer seen


MOVES = (
    ((0.0, 20.0, 0.92), (0.0, -26.0, 1.05)),
    ((-46.0, 0.0, 1.0), (46.0, 10.0, 1.0)),
    ((30.0, 40.0, 1.03), (-30.0, -50.0, 0.97)),
    ((0.0, 0.0, 1.06), (0.0, 0.0, 0.93)),
)


@dataclass(frozen=True)
class TypeLine:
    """A line of type and when it is seen."""

    layer: Layer
    y: float
    start: float
    end: float


def frames(story: Story) -> Iterator[Frame]:
    """Draw every frame, one at a time."""
    shots = _shots(story)
    lines = _lines(story, shots)
    dark, light = planes.inked(_dark(), _toned(story, 0.25, 0.04)), _beam()
    bar = planes.inked(rounded((120, 8), 4), _toned(story, 0.86, 0.08))
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
        frame.lay(dark, WIDTH / 2, HEIGHT - dark.height / 2)
        _write(frame, lines, bar, now)
        yield frame


def _shots(story: Story) -> list[Shot]:
    """Show the whole, what there is of close-ups, longer because of the words, and the whole again."""
    scene = ROOMS[story.variant % len(ROOMS)]
    views = itertools.islice(footage.views(story, scene, FIELD), 2 if story.seconds <= 6 else 3)
    layers = [(planes.layer(_graded(view.picture)), view) for view in views]
    order = [0, *range(1, len(layers)), 0] if len(layers) > 1 else [0]
    units = [1.5 if which == 0 else 2.0 for which in order]
    starts = [story.seconds * sum(units[:number]) / sum(units) for number in range(len(order) + 1)]
    moves = [MOVES[0], *MOVES[1 : len(order) - 1], MOVES[3]][: len(order)]
    return [
        footage.shot(*layers[which], starts[number], starts[number + 1] - starts[number] + FADE, *moves[number])
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


def _dark() -> Image.Image:
    """The dark for the words, into which the picture melts."""
    share = np.clip(np.linspace(0, 1, HEIGHT - DUSK, dtype=np.float32) * (HEIGHT - DUSK) / (FIELD.seen[3] - DUSK), 0, 1)
    ramp = share * share * (3 - 2 * share) * 255
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


def _toned(story: Story, lightness: float, chroma: float) -> Rgb:
    """Return the product's hue, or a hint of gold."""
    hue = palette.character(story.hero.product).hue
    return oklch(lightness, chroma, hue) if hue is not None else oklch(lightness, chroma * lightness, 80.0)


def _lines(story: Story, shots: list[Shot]) -> list[TypeLine]:
    """Set the title for the first and the last shot, the benefits in between; each stays until the shot ends."""
    starts = [shot.start for shot in shots]
    if len(shots) == 1:
        starts = [0.0, 0.28 * story.seconds, 0.72 * story.seconds] if story.texts else [0.0, float(story.seconds)]
    found: list[TypeLine] = []
    title = heading(story.title, (RIGHT - LEFT, LOW - WORDS), 104)
    if title:
        found += _set(title, WORDS, 0.0, starts[1])
        found += _set(title, WORDS, starts[-1] + 0.04, story.seconds + 1.0)
    parts = _parts(story.texts, len(starts) - 2)
    for number, part in enumerate(parts):
        end = starts[number + 2] if number < len(parts) - 1 else starts[-1]
        found += _listed(part, starts[number + 1] + 0.04, end)
    return found


def _parts(texts: tuple[str, ...], count: int) -> list[tuple[str, ...]]:
    """Divide the benefits among the shots, the first ones with more; fewer parts when there are not enough."""
    count = min(count, len(texts))
    if count < 1:
        return []
    cut = -(-len(texts) // count)
    return [texts[:cut], texts[cut:]] if count > 1 else [texts]


def _listed(texts: tuple[str, ...], start: float, end: float) -> list[TypeLine]:
    """Set the benefits one below the other; they come in one after the other, and stay."""
    room = (LOW - WORDS) // len(texts)
    lines = 2 if len(texts) == 1 else 1
    largest = 84 if lines == 2 else min(72, round(room * 0.8))

    def fit(text: str, size: int) -> Block:
        return lettering.fit(text, lettering.HEAVY, (RIGHT - LEFT, room), (size, 34), lines=lines, spacing=1.16)

    size = min(fit(text, largest).size for text in texts)
    gap = min(0.4, (end - start) * 0.5 / len(texts))
    found, top = list[TypeLine](), float(WORDS)
    for number, text in enumerate(texts):
        block = fit(text, size)
        found += _set(block, top, start + gap * number, end)
        top += block.leading * len(block.lines) + size * 0.22
    return found


def _set(block: Block, top: float, start: float, end: float) -> list[TypeLine]:
    rows = stickers.lines(block, (255, 255, 255))
    return [
        TypeLine(row, top + number * block.leading, start + 0.09 * number * (start > 0), end)
        for number, row in enumerate(rows)
    ]


def _write(frame: Frame, lines: list[TypeLine], bar: Layer, now: float) -> None:
    seen = [line for line in lines if line.start <= now < line.end]
    for line in seen:
        come = motion.settle(now, line.start, 0.5) if line.start else 1.0
        share = come * (1 - motion.passed(now, line.end - 0.16, 0.16))
        frame.lay(
            line.layer, LEFT + line.layer.width / 2, line.y + line.layer.height / 2 + 34 * (1 - come), share=share
        )
    if lines:
        frame.lay(bar, LEFT + 60, WORDS - 18)
