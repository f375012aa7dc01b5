"""Turns one photo into footage: a wide shot and close-ups, a little larger than the screen, so a camera can move.

A product that was cut out stands in a room; else the photo itself fills the screen, or floats before its own blur when
filling would lose or blur too much of it.
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from lib.providers.local import background, motion, paint, palette, scenes, stage
from lib.providers.local.planes import Frame, Layer
from lib.providers.local.story import HEIGHT, WIDTH, Story

OVERSCAN = 1.12
SHARP = 2.4  # enlargement beyond which a photo turns to mush
SIZE = (round(WIDTH * OVERSCAN / 2) * 2, round(HEIGHT * OVERSCAN / 2) * 2)


@dataclass(frozen=True)
class Shot:
    """A picture SIZE large and how the camera moves over it: from and to, as (x, y, zoom); 0, 0, 1 is its middle."""

    layer: Layer
    start: float
    length: float
    begin: tuple[float, float, float]
    end: tuple[float, float, float]
    shake: float = 0.0


def filmed(frame: Frame, shot: Shot, now: float, *, share: float = 1.0, smooth: bool = True) -> None:
    """Draw what the camera sees at this moment."""
    along = motion.glide(now, shot.start, shot.length) if smooth else motion.passed(now, shot.start, shot.length)
    along = 0.5 * along + 0.5 * motion.passed(now, shot.start, shot.length)
    x, y, zoom = (a + (b - a) * along for a, b in zip(shot.begin, shot.end, strict=True))
    if shot.shake:
        x += shot.shake * (0.6 * motion.sway(now, 1.9) + 0.4 * motion.sway(now, 0.83, 0.3))
        y += shot.shake * (0.6 * motion.sway(now, 2.3, 0.2) + 0.35 * motion.sway(now, 0.71, 0.6))
    zoom = max(zoom, 1 / OVERSCAN + 0.002)
    free_x, free_y = (SIZE[0] * zoom - WIDTH) / 2, (SIZE[1] * zoom - HEIGHT) / 2
    x, y = max(-free_x, min(free_x, x)), max(-free_y, min(free_y, y))
    frame.lay(shot.layer, WIDTH / 2 - x, HEIGHT / 2 - y, scale=zoom, share=share)


def wide(story: Story, scene: str, floor: float) -> Image.Image:
    """Return the whole product: in a room, or as the photo shows it."""
    if story.hero.cut:
        room = scenes.SCENES[scene](SIZE, palette.character(story.hero.image), story.variant)
        return background.composed(replace(room, floor=floor, width=0.78, height=0.54, depth=0.06), story.hero.image)
    return _filling(story.photo)


def close(story: Story, scene: str) -> list[Image.Image]:
    """Return up to two close-ups of where there is most to see, as near as the photo stays sharp."""
    photo = story.hero.image if story.hero.cut else story.photo
    near = min(photo.width / (WIDTH / SHARP), photo.height / (HEIGHT / SHARP))
    if near < 0.8:
        return []
    if story.hero.cut:
        return _on_ground(story, scene)
    wide_, high = min(photo.width, SIZE[0] / SHARP * 1.15), min(photo.height, SIZE[1] / SHARP * 1.15)
    factor = min(wide_ / SIZE[0], high / SIZE[1])
    size = (SIZE[0] * factor, SIZE[1] * factor)
    return [_taken(photo, point, size) for point in _points(photo, size)]


def _taken(photo: Image.Image, point: tuple[float, float], size: tuple[float, float]) -> Image.Image:
    x = min(max(point[0] - size[0] / 2, 0), photo.width - size[0])
    y = min(max(point[1] - size[1] / 2, 0), photo.height - size[1])
    shot = photo.resize(SIZE, Image.Resampling.BICUBIC, box=(x, y, x + size[0], y + size[1]))
    return shot.filter(ImageFilter.UnsharpMask(2.0, 70, 2))


def _on_ground(story: Story, scene: str) -> list[Image.Image]:
    """Show the cut-out much nearer, before the room out of focus."""
    cut = story.hero.image
    room = scenes.SCENES[scene](SIZE, palette.character(cut), story.variant)
    ground = room.picture.resize((SIZE[0] // 8, SIZE[1] // 8)).filter(ImageFilter.GaussianBlur(9)).resize(SIZE)
    factor = min(SHARP, 1.75 * SIZE[0] / cut.width, 1.15 * SIZE[1] / cut.height)
    if factor < 1.15 * min(SIZE[0] * 0.78 / cut.width, SIZE[1] * 0.54 / cut.height):
        return []
    size = (round(cut.width * factor), round(cut.height * factor))
    large = stage.sharpened(cut.resize(size, Image.Resampling.BICUBIC))
    shots = []
    for x, y in _points(cut, (SIZE[0] / factor * 0.8, SIZE[1] / factor * 0.6)):
        canvas = ground.copy()
        corner = (round(SIZE[0] / 2 - x * factor), round(SIZE[1] * 0.46 - y * factor))
        corner = (_kept(corner[0], size[0], SIZE[0]), _kept(corner[1], size[1], SIZE[1]))
        mask = large.getchannel("A")
        paint.shadow(canvas, room.shadow, mask, (corner[0] + 30, corner[1] + 50), blur=60, share=0.4)
        canvas.paste(large, corner, mask)
        shots.append(canvas)
    return shots


def _kept(corner: int, length: int, room: int) -> int:
    """Keep the product from leaving an empty half of the screen."""
    if length <= room:
        return (room - length) // 2
    return min(round(room * 0.16), max(corner, round(room * 0.84) - length))


def _points(photo: Image.Image, size: tuple[float, float]) -> list[tuple[float, float]]:
    """Return two places with much detail that lie apart; `size` is what a shot shows of the photo."""
    grey = np.asarray(photo.convert("L").resize((64, 64), Image.Resampling.BOX), dtype=np.float32)
    detail = np.hypot(*np.gradient(grey))
    if photo.mode == "RGBA":
        detail *= np.asarray(photo.getchannel("A").resize((64, 64)), dtype=np.float32) / 255
    reach = (max(2, round(size[0] / photo.width * 20)), max(2, round(size[1] / photo.height * 20)))
    level = Image.fromarray((detail / max(1e-3, float(detail.max())) * 255).astype(np.uint8))
    soft = np.asarray(level.filter(ImageFilter.BoxBlur(reach)), dtype=np.float32)
    y, x = np.mgrid[0:64, 0:64]
    found: list[tuple[float, float]] = []
    for _ in range(2):
        row, column = (int(place) for place in np.unravel_index(int(soft.argmax()), soft.shape))
        found.append(((column + 0.5) / 64 * photo.width, (row + 0.5) / 64 * photo.height))
        away = ((x - column) / (reach[0] * 1.5)) ** 2 + ((y - row) / (reach[1] * 1.5)) ** 2
        soft = soft * np.clip(away, 0, 1)
    return found


def _filling(photo: Image.Image) -> Image.Image:
    have, want = photo.width / photo.height, WIDTH / HEIGHT
    enlarged = max(SIZE[0] / photo.width, SIZE[1] / photo.height)
    if 1 - min(have, want) / max(have, want) <= 0.46 and enlarged <= SHARP * 1.25:
        return stage.cropped(photo, SIZE)
    return stage.melted(photo, SIZE, min(max(have, 0.78), 1.12))
