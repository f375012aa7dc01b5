"""Turns one photo into footage: a wide shot and close-ups, a little larger than the screen, so a camera can move.

A product that was cut out stands in a room; else the photo floats before its own blur. A template names the field of
the frame that is the product's; its words have the rest, so that they never meet, wherever the camera is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.clip import motion
from lib.drawing.clip.story import HEIGHT, WIDTH, Story
from lib.drawing.ground import paint, palette
from lib.drawing.ground.paint import Box
from lib.drawing.ground.planes import Frame, Layer
from lib.drawing.scene import background, scenes, stage
from lib.drawing.scene.scenes import Size

OVERSCAN = 1.12
SHARP = 2.4  # enlargement beyond which a photo turns to mush
SIZE = (round(WIDTH * OVERSCAN / 2) * 2, round(HEIGHT * OVERSCAN / 2) * 2)
SHIFT = ((SIZE[0] - WIDTH) // 2, (SIZE[1] - HEIGHT) // 2)  # from the frame to the picture, while the camera rests
NEARER = 1.7  # than the wide shot, in a close-up
TOO_LIKE = 1.3  # times nearer: less would look like a wide shot that went wrong
BEYOND = 90  # pixels that a close-up's product runs off the screen, or it would look cropped by mistake
AWAY = 40  # pixels of them that no move of the camera may take
MIDDLE = 18  # of 64: how far from a photo's middle its product is looked for
LOSS = 0.06  # of a photo's width that may be lost so that it fills its field

Place = tuple[float, float, float]  # of the camera: x, y, zoom; 0, 0, 1 is the picture's middle


@dataclass(frozen=True)
class Field:
    """A template's wish to the picture: `room` for a whole product, `photo` for a photo, and what is `seen`."""

    room: Box
    photo: Box
    seen: Box = (0, 0, WIDTH, HEIGHT)


@dataclass(frozen=True)
class View:
    """A picture SIZE large and the product's box in it; a close-up's product reaches beyond what is seen."""

    picture: Image.Image
    box: Box
    field: Field


@dataclass(frozen=True)
class Shot:
    """A view on film, and how the camera moves over it, from and to."""

    layer: Layer
    box: Box
    start: float
    length: float
    begin: Place
    end: Place
    shake: float = 0.0


def shot(layer: Layer, view: View, start: float, length: float, begin: Place, end: Place, shake: float = 0.0) -> Shot:
    """Aim the camera: both ends of its way are moved until the product keeps to its room, and so all between do."""
    places = [_held(view.box, view.field, place, shake) for place in (begin, end)]
    return Shot(layer, view.box, start, length, places[0], places[1], shake)


def _held(box: Box, field: Field, place: Place, shake: float) -> Place:
    """Zoom and shift so that sides of the product on the screen stay in the room, and those beyond it stay there."""
    zoom, spans = place[2], []
    for k, half in enumerate((WIDTH / 2, HEIGHT / 2)):
        low, high = box[k] - SIZE[k] / 2, box[k + 2] - SIZE[k] / 2
        room = (field.room[k] + shake - half, field.room[k + 2] - shake - half)
        seen = (field.seen[k] - half, field.seen[k + 2] - half)
        spans.append((low, high, room, seen))
        if low > seen[0] and high < seen[1]:
            zoom = min(zoom, (room[1] - room[0]) / (high - low))
    zoom = max(zoom, (WIDTH + 2 * shake) / SIZE[0] + 0.002)
    return _shift(place[0], spans[0], zoom, (SIZE[0] * zoom - WIDTH) / 2 - shake), _shift(
        place[1], spans[1], zoom, (SIZE[1] * zoom - HEIGHT) / 2 - shake), zoom  # fmt: skip


def _shift(
    wanted: float, span: tuple[float, float, tuple[float, float], tuple[float, float]], zoom: float, free: float
) -> float:
    low, high, room, seen = span
    least, most = -free, free
    if low > seen[0]:
        most = min(most, zoom * low - room[0])
    elif low <= seen[0] - AWAY:
        least = max(least, zoom * low - seen[0] + AWAY)
    if high < seen[1]:
        least = max(least, zoom * high - room[1])
    elif high >= seen[1] + AWAY:
        most = min(most, zoom * high - seen[1] - AWAY)
    held = max(least, min(most, wanted)) if least <= most else (least + most) / 2
    return max(-free, min(free, held))


def camera(shot: Shot, now: float) -> Place:
    """Return where the camera is at this moment."""
    along = 0.5 * motion.glide(now, shot.start, shot.length) + 0.5 * motion.passed(now, shot.start, shot.length)
    x, y, zoom = (a + (b - a) * along for a, b in zip(shot.begin, shot.end, strict=True))
    x += shot.shake * (0.6 * motion.sway(now, 1.9) + 0.4 * motion.sway(now, 0.83, 0.3))
    y += shot.shake * (0.6 * motion.sway(now, 2.3, 0.2) + 0.35 * motion.sway(now, 0.71, 0.6))
    return x, y, zoom


def filmed(frame: Frame, shot: Shot, now: float, *, share: float = 1.0) -> None:
    """Draw what the camera sees at this moment."""
    x, y, zoom = camera(shot, now)
    frame.lay(shot.layer, WIDTH / 2 - x, HEIGHT / 2 - y, scale=zoom, share=share)


def views(story: Story, scene: str, field: Field) -> Iterator[View]:
    """Show the whole product, in a room or as the photo shows it, then up to two close-ups that are still sharp."""
    if not story.hero.cut:
        yield _floating(story.photo, field)
        yield from _details(story.photo, field)
        return
    room = _room(story, scene, field)
    yield _standing(room, story.hero.image, field)
    yield from _ends(room, story.hero.image, field)


def _standing(room: scenes.Room, cut: Image.Image, field: Field) -> View:
    tall = room.picture.height
    low, high = field.room[3] + SHIFT[1] - 8, field.room[3] - field.room[1]
    room = replace(room, floor=low / tall, width=(field.room[2] - field.room[0]) * 0.96 / SIZE[0],
                   height=high * 0.96 / tall, depth=0.09)  # fmt: skip
    picture, box = background.composed(room, cut)
    return View(_on_screen(picture), box, field)


def _room(story: Story, scene: str, field: Field) -> scenes.Room:
    """Draw the room as high as it is seen, so that its floor is in sight."""
    high = SIZE[1] if field.seen[3] >= HEIGHT else field.seen[3] + 2 * SHIFT[1]
    return scenes.SCENES[scene]((SIZE[0], high), palette.character(story.hero.product), story.variant)


def _on_screen(picture: Image.Image) -> Image.Image:
    if picture.size == SIZE:
        return picture
    canvas = Image.new("RGB", SIZE)
    canvas.paste(picture, (0, 0))
    return canvas


def _floating(photo: Image.Image, field: Field) -> View:
    """Let the photo fill its field, or float before its own blur where filling would lose much of it."""
    area = (field.photo[0] + SHIFT[0], field.photo[1] + SHIFT[1], field.photo[2] + SHIFT[0], field.photo[3] + SHIFT[1])
    have, want = photo.width / photo.height, (area[2] - area[0]) / (area[3] - area[1])
    shape = min(max(want, have * (1 - LOSS)), have / (1 - stage.HEM))
    picture, part = stage.melted(photo, SIZE, shape, area)
    # A photo goes on behind the edges of the picture; the words' side of its field is all that it keeps to.
    low = [part[k] or -SIZE[k] for k in (0, 1)]
    high = [part[k + 2] if part[k + 2] < SIZE[k] else 2 * SIZE[k] for k in (0, 1)]
    room = (0, max(0, field.photo[1]), WIDTH, min(HEIGHT, field.photo[3]))
    return View(picture, (low[0], low[1], high[0], high[1]), replace(field, room=room))


def _details(photo: Image.Image, field: Field) -> Iterator[View]:
    """Show much nearer what a photo has to see."""
    area = (field.photo[2] - field.photo[0], field.photo[3] - field.photo[1])
    fitted = min(max(area[0] / photo.width, area[1] / photo.height), SHARP)
    factor = min(SHARP / 1.15, NEARER * fitted)
    size = (area[0] / factor, area[1] / factor)
    if factor < TOO_LIKE * fitted or size[0] > photo.width or size[1] > photo.height:
        return
    for point in _points(photo, size):
        yield _floating(_taken(photo, point, size, area), field)


def _taken(photo: Image.Image, point: tuple[float, float], size: tuple[float, float], area: Size) -> Image.Image:
    x = min(max(point[0] - size[0] / 2, 0), photo.width - size[0])
    y = min(max(point[1] - size[1] / 2, 0), photo.height - size[1])
    taken = photo.resize(area, Image.Resampling.BICUBIC, box=(x, y, x + size[0], y + size[1]))
    return taken.filter(ImageFilter.UnsharpMask(2.0, 70, 2))


def _ends(room: scenes.Room, cut: Image.Image, field: Field) -> Iterator[View]:
    """Show both ends of the cut-out much nearer, before the room out of focus."""
    left, top, right, bottom = field.room
    fitted = 0.96 * min((right - left) / cut.width, (bottom - top) / cut.height, stage.UPSCALE)
    found = next(
        ((factor, ends) for factor in _factors(cut.size, field, fitted) if (ends := _run_off(cut.size, factor, field))),
        None,
    )
    if not found:
        return
    factor, ends = found
    ground = room.picture.resize((SIZE[0] // 8, SIZE[1] // 8)).filter(ImageFilter.GaussianBlur(9)).resize(SIZE)
    size = (round(cut.width * factor), round(cut.height * factor))
    large = stage.sharpened(cut.resize(size, Image.Resampling.BICUBIC))
    for x, y in ends:
        yield View(*_before(ground, room, large, (x + SHIFT[0], y + SHIFT[1])), field)


def _before(
    ground: Image.Image, room: scenes.Room, large: Image.Image, corner: tuple[int, int]
) -> tuple[Image.Image, Box]:
    canvas, mask = ground.copy(), large.getchannel("A")
    paint.shadow(canvas, room.shadow, mask, (corner[0] + 30, corner[1] + 50), blur=60, share=0.4)
    canvas.paste(large, corner, mask)
    return canvas, (*corner, corner[0] + large.width, corner[1] + large.height)


def _factors(cut: Size, field: Field, fitted: float) -> list[float]:
    """Return enlargements to try, best first: the nearest, one whose sides are in the room, one as high as the room."""
    room = (field.room[2] - field.room[0] - BEYOND, field.room[3] - field.room[1] - BEYOND)
    nearest = min(SHARP, NEARER * fitted)
    return [factor for factor in (nearest, *(min(nearest, room[k] / cut[k]) for k in (0, 1)))
            if factor >= TOO_LIKE * fitted]  # fmt: skip


def _run_off(cut: Size, factor: float, field: Field) -> list[tuple[int, int]]:
    """Return corners at which the product shows one end and clearly runs off the screen at the other, or nothing."""
    width, height = round(cut[0] * factor), round(cut[1] * factor)
    (left, top, right, bottom), half = field.room, BEYOND // 2
    x, y = (WIDTH - width) // 2, (top + bottom - height) // 2
    head, foot = top + half, bottom - half - height
    if (x >= left + half or x <= -BEYOND) and head + height >= field.seen[3] + BEYOND:
        return [(x, head), (x, foot)] if foot <= field.seen[1] - BEYOND else [(x, head)]
    near, far = left + half, right - half - width
    if height <= bottom - top - BEYOND and near + width >= WIDTH + BEYOND and far <= -BEYOND:
        return [(near, y), (far, y)]
    return []


def _points(photo: Image.Image, size: tuple[float, float]) -> list[tuple[float, float]]:
    """Return two places with much detail that lie apart; `size` is what a shot shows of the photo."""
    grey = np.asarray(photo.convert("L").resize((64, 64), Image.Resampling.BOX), dtype=np.float32)
    detail = np.hypot(*np.gradient(grey))
    reach = (max(2, round(size[0] / photo.width * 20)), max(2, round(size[1] / photo.height * 20)))
    level = Image.fromarray((detail / max(1e-3, float(detail.max())) * 255).astype(np.uint8))
    soft = np.asarray(level.filter(ImageFilter.BoxBlur(reach)), dtype=np.float32)
    y, x = np.mgrid[0:64, 0:64]
    soft = soft * np.exp(-((x - 31.5) ** 2 + (y - 31.5) ** 2) / (2 * MIDDLE**2))  # floors have more detail than dresses
    found: list[tuple[float, float]] = []
    for _ in range(2):
        row, column = (int(place) for place in np.unravel_index(int(soft.argmax()), soft.shape))
        found.append(((column + 0.5) / 64 * photo.width, (row + 0.5) / 64 * photo.height))
        away = ((x - column) / (reach[0] * 1.5)) ** 2 + ((y - row) / (reach[1] * 1.5)) ** 2
        soft = soft * np.clip(away, 0, 1)
    return found
