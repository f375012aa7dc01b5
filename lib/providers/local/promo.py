"""The neutral video: a cover with product and title, benefits that pop in one after the other, a closing scene."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from lib.providers.local import colour, lettering, looks, motion, paint, palette, planes, stage, stickers
from lib.providers.local.colour import Rgb
from lib.providers.local.palette import Palette
from lib.providers.local.planes import Frame, Layer
from lib.providers.local.stickers import Actor
from lib.providers.local.story import FPS, HEIGHT, LEFT, LOW, RIGHT, TOP, UNIT, WIDTH, Story

SLIM = 0.66  # width to height of a product that leaves room beside it
MOODS = ("light", "deep", "vivid", "fresh")
SHAPES = ("disc", "rings", "arch", "disc")
GROUNDS = ("waves", "bare", "bubbles", "waves")


@dataclass(frozen=True)
class Scene:
    """What stands still, and the layers that move over it."""

    ground: Frame
    actor: Actor
    place: tuple[float, float]
    title: list[Layer]
    title_at: tuple[float, float]
    leading: int
    bar: Layer | None
    chips: list[Layer]
    chips_at: tuple[float, float]


def frames(story: Story) -> Iterator[Frame]:
    """Draw every frame, one at a time."""
    kind = story.variant % len(MOODS)
    seen = palette.character(story.hero.image)
    opening = _opening(story, palette.mixed(seen, MOODS[kind]), kind)
    closing = _closing(story, palette.mixed(seen, "vivid" if MOODS[kind] == "deep" else "deep"))
    end = story.seconds - (1.3 if story.seconds < 8 else 2.4)
    for number in range(story.seconds * FPS):
        now = number / FPS
        opened = motion.glide(now, end, 0.55)
        if opened <= 0:
            yield _play(opening, now, story.seconds, end)
        elif opened >= 1:
            yield _close(closing, now - end, story.seconds)
        else:
            yield _wipe(_play(opening, now, story.seconds, end), _close(closing, now - end, story.seconds), opened)


def _opening(story: Story, colours: Palette, kind: int) -> Scene:
    canvas = paint.gradient((WIDTH, HEIGHT), colours.top, colours.bottom)
    looks.GROUNDS[GROUNDS[kind]](canvas, colours, looks.Sheet(WIDTH, HEIGHT, 0, 0))
    block = _title(story.title, (RIGHT - LEFT, 360), 132)
    high = TOP + (block.height + 60 if block else 0)
    slim = story.hero.cut and story.hero.image.width < SLIM * story.hero.image.height and bool(story.texts)
    chips = stickers.chips(story.texts, 470 if slim else RIGHT - LEFT, UNIT, colours)
    tall = sum(chip.height - 52 for chip in chips)
    room = (500, high, 1040, 1720) if slim else (70, high + 20, 1010, (LOW - tall - 50) if chips else 1640)
    ratio = story.hero.image.width / story.hero.image.height
    if story.hero.cut:
        stage.backdrop(canvas, colours, SHAPES[kind], (room[0], room[1], room[2], room[3]), ratio)
    actor = _actor(story.hero, room, colours)
    ink, bar = _ink(canvas, colours, block), None
    if block:
        bar = planes.inked(paint.rounded((220, 16), 8), _seen(colours.accent, canvas, block))
    centre = ((room[0] + room[2]) / 2, (room[1] + room[3]) / 2)
    top = (high + LOW - tall) / 2 if slim else LOW - tall
    return Scene(
        Frame.of(canvas), actor, centre,
        stickers.lines(block, ink) if block else [], (LEFT, TOP), block.leading if block else 0,
        bar, chips, (LEFT, top),
    )  # fmt: skip


def _closing(story: Story, colours: Palette) -> Scene:
    canvas = paint.gradient((WIDTH, HEIGHT), colours.top, colours.bottom)
    block = _title(story.title, (RIGHT - LEFT, 380), 132)
    tall = block.height if block else 0
    room = (110, 330, 970, LOW - tall - 130)
    if story.hero.cut:
        stage.backdrop(canvas, colours, "rings", room, 1.0)
    actor = _actor(story.hero, room, colours)
    ink = _ink(canvas, colours, block)
    bar = planes.inked(paint.rounded((220, 16), 8), colours.accent)
    centre = ((room[0] + room[2]) / 2, (room[1] + room[3]) / 2)
    lines = stickers.lines(block, ink) if block else []
    at = (LEFT, LOW - tall)
    return Scene(Frame.of(canvas), actor, centre, lines, at, block.leading if block else 0, bar, [], (0, 0))


def _title(title: str, box: tuple[int, int], largest: int) -> lettering.Block | None:
    if not title:
        return None
    return lettering.fit(title, lettering.HEAVY, box, (largest, 54), lines=3, spacing=1.12)


def _actor(hero: looks.Hero, room: paint.Box, colours: Palette) -> Actor:
    size = (round((room[2] - room[0]) * 0.94), round((room[3] - room[1]) * 0.94))
    depth = 0.55 if colours.dark else 0.38
    if hero.cut:
        return stickers.product(hero.image, size, colours.shadow, depth)
    return stickers.framed(hero.image, size, colours.shadow, depth)


def _ink(canvas: Image.Image, colours: Palette, block: lettering.Block | None) -> Rgb:
    return colours.ink if block is None else colour.readable(colours.ink, _patch(canvas, block))


def _seen(ink: Rgb, canvas: Image.Image, block: lettering.Block) -> Rgb:
    return colour.readable(ink, _patch(canvas, block), 2.2)


def _patch(canvas: Image.Image, block: lettering.Block) -> np.ndarray:
    return np.asarray(canvas.crop((LEFT, TOP, LEFT + block.width, TOP + block.height + 40)).reduce(6))


def _play(scene: Scene, now: float, seconds: float, end: float) -> Frame:
    frame = scene.ground.copy()
    _move(frame, scene, 0.955 + 0.05 * motion.glide(now, 0.0, end + 0.6), now)
    for number, line in enumerate(scene.title):
        y = scene.title_at[1] + number * scene.leading + line.height / 2
        frame.lay(line, scene.title_at[0] + line.width / 2, y)
    if scene.bar:
        grown = motion.settle(now, 0.25, 0.7)
        y = scene.title_at[1] + len(scene.title) * scene.leading + 14
        frame.lay(scene.bar, scene.title_at[0] + 110 * grown, y, scale=max(0.02, grown))
    first, gap = 0.8 * seconds / 5, min(0.55, (end - 1.4) / 3)
    top = scene.chips_at[1]
    for number, chip in enumerate(scene.chips):
        start = first + number * gap
        shown = motion.spring(now, start, 0.5)
        y = top + chip.height / 2 - 26
        if now >= start:
            frame.lay(chip, scene.chips_at[0] + chip.width / 2 - 36, y, scale=0.6 + 0.4 * shown,
                      share=motion.settle(now, start, 0.25))  # fmt: skip
        top += chip.height - 52
    return frame


def _move(frame: Frame, scene: Scene, scale: float, now: float) -> None:
    """Let the product float: it comes nearer, drifts a little, and its shadow moves less than it does."""
    actor = scene.actor
    drift, rise = 13 * motion.sway(now, 5.2, 0.05), 12 * motion.sway(now, 3.6)
    x, y = scene.place
    frame.lay(actor.shade, x + drift * 0.45, y + 34 + rise * 0.5, scale=scale * (1 - 0.0016 * rise))
    frame.lay(actor.body, x + drift, y - rise, scale=scale)


def _close(scene: Scene, now: float, seconds: float) -> Frame:
    frame = scene.ground.copy()
    _move(frame, scene, 0.90 + 0.08 * motion.settle(now, 0.1, 1.4), now + 0.4)
    for number, line in enumerate(scene.title):
        start = 0.25 + 0.12 * number
        come = motion.settle(now, start, 0.6)
        y = scene.title_at[1] + number * scene.leading + line.height / 2 + 90 * (1 - come)
        frame.lay(line, scene.title_at[0] + line.width / 2, y, share=come)
    if scene.bar:
        grown = motion.settle(now, 0.35, 0.6)
        frame.lay(scene.bar, scene.title_at[0] + 110 * grown, scene.title_at[1] - 36, scale=max(0.02, grown))
    return frame


def _wipe(before: Frame, after: Frame, share: float) -> Frame:
    """Open a circle in the first frame through which the second shows."""
    half = Image.new("L", (WIDTH // 2, HEIGHT // 2))
    reach = share * 1150 / 2
    x, y = WIDTH / 4, HEIGHT * 0.22
    ImageDraw.Draw(half).ellipse((x - reach * 1.35, y - reach * 1.35, x + reach * 1.35, y + reach * 1.35), fill=255)
    return before.over(after, half)
