"""The neutral video: a cover with product and title, benefits that pop in one after the other, a closing scene."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from lib.drawing.card import benefits, looks
from lib.drawing.clip import footage, motion, stickers
from lib.drawing.clip.stickers import EDGE, Actor
from lib.drawing.clip.story import FPS, HEIGHT, LEFT, LOW, RIGHT, TOP, UNIT, WIDTH, Story, heading, readable
from lib.drawing.ground import paint, palette, planes
from lib.drawing.ground.lettering import Block
from lib.drawing.ground.paint import Box
from lib.drawing.ground.palette import Palette
from lib.drawing.ground.planes import Frame, Layer
from lib.drawing.scene import stage

SLIM = 0.66  # width to height of a product that leaves room beside it
BESIDE = 440  # of the width of what stands beside it
SMALL = 34  # type that is too small to read on a phone
MOODS = ("light", "deep", "vivid", "fresh")
SHAPES = ("disc", "rings", "arch", "disc")
GROUNDS = ("waves", "bare", "bubbles", "waves")


@dataclass(frozen=True)
class Scene:
    """The still background, and the layers that move over it; `sheet` lies over a photo that fills the top."""

    ground: Frame
    actor: Actor
    place: tuple[float, float]
    title: list[Layer]
    title_at: tuple[float, float]
    leading: int
    bar: Layer
    bar_at: tuple[float, float]
    chips: list[Layer]
    chips_at: tuple[float, float]
    sheet: Layer | None = None


def frames(story: Story) -> Iterator[Frame]:
    """Draw every frame, one at a time."""
    kind = story.variant % len(MOODS)
    seen = palette.character(story.hero.product)
    colours = palette.mixed(seen, MOODS[kind])
    opening = _standing(story, colours, kind) if story.hero.cut else _hung(story, colours)
    closing = _closing(story, palette.mixed(seen, "vivid" if MOODS[kind] == "deep" else "deep"))
    end = story.seconds - (1.3 if story.seconds < 8 else 2.4)
    for number in range(story.seconds * FPS):
        now = number / FPS
        opened = motion.glide(now, end, 0.55)
        if opened <= 0:
            yield _play(opening, now, story.seconds, end)
        elif opened >= 1:
            yield _close(closing, now - end)
        else:
            yield _wipe(_play(opening, now, story.seconds, end), _close(closing, now - end), opened)


def _standing(story: Story, colours: Palette, kind: int) -> Scene:
    """Stand the cut-out below its title, with the chips under it or, when it is slim, beside it."""
    canvas = paint.gradient((WIDTH, HEIGHT), colours.top, colours.bottom)
    looks.GROUNDS[GROUNDS[kind]](canvas, colours, looks.Paper(WIDTH, HEIGHT))
    block = heading(story.title, (RIGHT - LEFT, 280), 118)
    high = TOP + (block.height + 54 if block else 0)
    ratio = story.hero.image.width / story.hero.image.height
    beside = benefits.measure(story.texts, BESIDE, UNIT * 0.88)
    slim = ratio < SLIM and beside is not None and beside.blocks[0].size >= SMALL
    chips = stickers.chips(story.texts, BESIDE if slim else RIGHT - LEFT, UNIT * 0.88, colours)
    tall = _height(chips)
    room = (60, high, 1020, (LOW - tall - 24) if chips else 1640)
    if slim:
        room = (540, high, 1050, 1720)
    stage.backdrop(canvas, colours, SHAPES[kind], room, ratio)
    actor = stickers.product(story.hero.image, _inside(room), colours.shadow, 0.55 if colours.dark else 0.38)
    top = (high + LOW - tall) / 2 if slim else LOW - tall
    return _scene(canvas, actor, _middle(room), block, (LEFT, TOP), colours, chips, top)


def _hung(story: Story, colours: Palette) -> Scene:
    """Let the photo fill the top, with a sheet of words below it."""
    canvas = paint.gradient((WIDTH, HEIGHT), colours.top, colours.bottom)
    block = heading(story.title, (RIGHT - LEFT, 240), 104)
    chips = stickers.chips(story.texts, RIGHT - LEFT, UNIT * 0.88, colours)
    tall = (block.height + 64 if block else 0) + _height(chips)
    line = LOW - tall - (70 if tall else -390)
    size = (round(WIDTH * 1.09 / 2) * 2, round((line + 90) * 1.09 / 2) * 2)
    clear = (0, round(size[1] * 0.03), size[0], round(size[1] * 0.955) - 104)  # of edge and sheet, also from near
    have, want = story.photo.width / story.photo.height, size[0] / (clear[3] - clear[1])
    shape = min(max(want, have * (1 - footage.LOSS)), have / (1 - stage.HEM))
    picture, _ = stage.melted(story.photo, size, shape, clear)
    actor = Actor(planes.layer(picture), planes.inked(Image.new("L", (8, 8)), (0, 0, 0)), *size)
    body = canvas.crop((0, line, WIDTH, HEIGHT)).convert("RGBA")
    body.putalpha(paint.rounded((WIDTH, HEIGHT - line + 80), 72).crop((0, 0, WIDTH, HEIGHT - line)))
    scene = _scene(
        canvas, actor, (WIDTH / 2, (line + 90) / 2), block, (LEFT, line + 66), colours, chips, LOW - _height(chips)
    )
    return replace(scene, sheet=planes.layer(body))


def _closing(story: Story, colours: Palette) -> Scene:
    canvas = paint.gradient((WIDTH, HEIGHT), colours.top, colours.bottom)
    block = heading(story.title, (RIGHT - LEFT, 380))
    tall = block.height if block else 0
    room = (64, 290, 1016, LOW - tall - 110)
    depth = 0.55 if colours.dark else 0.38
    if story.hero.cut:
        stage.backdrop(canvas, colours, "rings", room, 1.0)
        actor = stickers.product(story.hero.image, _inside(room), colours.shadow, depth)
    else:
        actor = stickers.framed(story.photo, _inside(room), colours.shadow, depth)
    scene = _scene(canvas, actor, _middle(room), block, (LEFT, LOW - tall), colours, [], 0)
    return replace(scene, bar_at=(LEFT, LOW - tall - 36))


def _scene(
    canvas: Image.Image, actor: Actor, place: tuple[float, float], block: Block | None,
    corner: tuple[int, int], colours: Palette, chips: list[Layer], top: float,
) -> Scene:  # fmt: skip
    ground, lines, leading, low = Frame.of(canvas), list[Layer](), 0, corner[1]
    accent = colours.accent
    if block:
        box = (corner[0], corner[1], corner[0] + block.width, corner[1] + block.height + 40)
        lines = stickers.lines(block, readable(colours.ink, canvas, box))
        accent, leading = readable(accent, canvas, box, 2.2), block.leading
        low = corner[1] + len(lines) * leading + 14
    bar = planes.inked(paint.rounded((220, 16), 8), accent)
    return Scene(ground, actor, place, lines, corner, leading, bar, (corner[0], low), chips, (LEFT, top))


def _inside(room: Box) -> tuple[int, int]:
    return round((room[2] - room[0]) * 0.96), round((room[3] - room[1]) * 0.97)


def _middle(room: Box) -> tuple[float, float]:
    return (room[0] + room[2]) / 2, (room[1] + room[3]) / 2


def _height(chips: list[Layer]) -> int:
    return sum(chip.height - 2 * EDGE + 20 for chip in chips)


def _play(scene: Scene, now: float, seconds: float, end: float) -> Frame:
    frame = scene.ground.copy()
    along = 0.6 * motion.glide(now, 0.0, end + 0.6) + 0.4 * motion.passed(now, 0.0, end + 0.6)
    if scene.sheet:
        scale = 0.935 + 0.065 * along
        frame.lay(scene.actor.body, scene.place[0] + 8 * motion.sway(now, 7.0), scene.place[1], scale=scale)
        frame.lay(scene.sheet, WIDTH / 2, HEIGHT - scene.sheet.height / 2)
    else:
        _float(frame, scene, 0.955 + 0.05 * along, now)
    for number, line in enumerate(scene.title):
        y = scene.title_at[1] + number * scene.leading + line.height / 2
        frame.lay(line, scene.title_at[0] + line.width / 2, y)
    if scene.title:
        _underline(frame, scene, motion.settle(now, 0.25, 0.7))
    _pop(frame, scene, now, 0.8 * seconds / 5, min(0.55 * seconds / 5, (end - 1.4) / 3))
    return frame


def _pop(frame: Frame, scene: Scene, now: float, first: float, gap: float) -> None:
    """Let the chips in, one after the other, from their left end."""
    top = scene.chips_at[1]
    for number, chip in enumerate(scene.chips):
        start = first + number * gap
        if now >= start:
            scale = 0.6 + 0.4 * motion.spring(now, start, 0.5)
            x = scene.chips_at[0] - EDGE * scale + chip.width * scale / 2
            frame.lay(chip, x, top + chip.height / 2 - EDGE, scale=scale, share=motion.settle(now, start, 0.25))
        top += chip.height - 2 * EDGE + 20


def _underline(frame: Frame, scene: Scene, grown: float) -> None:
    frame.lay(scene.bar, scene.bar_at[0] + 110 * grown, scene.bar_at[1], scale=max(0.02, grown))


def _float(frame: Frame, scene: Scene, scale: float, now: float) -> None:
    """Let the product come nearer and drift a little; its shadow moves less than it does."""
    actor = scene.actor
    drift, rise = 13 * motion.sway(now, 5.2, 0.05), 12 * motion.sway(now, 3.6)
    x, y = scene.place
    frame.lay(actor.shade, x + drift * 0.45, y + 34 + rise * 0.5, scale=scale * (1 - 0.0016 * rise))
    frame.lay(actor.body, x + drift, y - rise, scale=scale)


def _close(scene: Scene, now: float) -> Frame:
    frame = scene.ground.copy()
    _float(frame, scene, 0.90 + 0.08 * motion.settle(now, 0.1, 1.4), now + 0.4)
    for number, line in enumerate(scene.title):
        come = motion.settle(now, 0.25 + 0.12 * number, 0.6)
        y = scene.title_at[1] + number * scene.leading + line.height / 2 + 90 * (1 - come)
        frame.lay(line, scene.title_at[0] + line.width / 2, y, share=come)
    if scene.title:
        _underline(frame, scene, motion.settle(now, 0.35, 0.6))
    return frame


def _wipe(before: Frame, after: Frame, share: float) -> Frame:
    """Open a circle in the first frame through which the second shows."""
    half = Image.new("L", (WIDTH // 2, HEIGHT // 2))
    reach = share * 780
    x, y = WIDTH / 4, HEIGHT * 0.22
    ImageDraw.Draw(half).ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    return before.over(after, half)
