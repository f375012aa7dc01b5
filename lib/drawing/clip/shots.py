"""A shot: a drawn sheet whose parts move. The ground rests or shakes, the product comes nearer, the rest pops in.

Where a sheet would be empty, above and below the words, the title runs across it in letters as large as a hand.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from lib.drawing.clip import motion
from lib.drawing.clip.layers import LOGO, PRODUCT, SHADOW, FilmPiece, FilmSheet, grouped
from lib.drawing.clip.story import FPS, HEIGHT, SIZE, WIDTH
from lib.drawing.cover import letters
from lib.drawing.cover.letters import Style
from lib.drawing.ground import planes
from lib.drawing.ground.planes import Frame, Layer

type Span = tuple[float, float, float, float]

EMPTY = 6  # of 255: a row in which no two neighbours differ by more, at a tenth of the size, shows nothing
BANDS = ((0, 236), (1626, HEIGHT))  # pixels above and below the words of a cover
STREAM = 2  # pixels that the running words move with each frame
NOD = 0.06  # by which a group of the opening grows for a moment
GAP = 90  # pixels of empty rows between words that are filled as well
OVERSCAN = 1.05  # of a ground that shakes


@dataclass(frozen=True)
class Camera:
    """How a shot moves: the product's scale from and to, its drift in pixels, and the shake of a hand.

    A `firm` product does not come in smaller: its photo cuts it at the edge of the frame.
    """

    near: tuple[float, float] = (0.97, 1.05)
    drift: tuple[float, float] = (0.0, 0.0)
    shake: float = 0.0
    firm: bool = False


@dataclass(frozen=True)
class Stream:
    """Words that run across a band of the ground."""

    layer: Layer
    y: float
    period: int  # pixels after which they repeat
    speed: int


@dataclass(frozen=True)
class Shot:
    """A sheet with the time it is shown and the way it moves; an `opening` has its main words at once."""

    ground: Layer
    pieces: tuple[FilmPiece, ...]
    boxes: Mapping[int, Span]  # of each group
    streams: tuple[Stream, ...]
    start: float
    length: float
    camera: Camera
    opening: bool = False


def of(sheet: FilmSheet, start: float, length: float, camera: Camera, *, words: str, face: Style) -> Shot:
    """Make a shot of a drawn sheet; where it is empty, `words` run across it."""
    pieces = grouped(sheet.pieces)
    still = _still(sheet.image, pieces)
    marks = [piece.box for piece in pieces if piece.group == LOGO]
    streams = tuple(_streams(still, words, face, max((box[3] for box in marks), default=0))) if words else ()
    ground = sheet.image
    if camera.shake:
        ground = ground.resize((round(WIDTH * OVERSCAN / 2) * 2, round(HEIGHT * OVERSCAN / 2) * 2))
    return Shot(planes.layer(ground), pieces, _boxes(pieces), streams, start, length, camera, start == 0)


def _boxes(pieces: tuple[FilmPiece, ...]) -> dict[int, Span]:
    found: dict[int, Span] = {}
    for piece in pieces:
        one, other = piece.box, found.get(piece.group, piece.box)
        found[piece.group] = (*map(min, one[:2], other[:2]), *map(max, one[2:], other[2:]))  # type: ignore[assignment]
    return found


def _still(ground: Image.Image, pieces: tuple[FilmPiece, ...]) -> Image.Image:
    """Return how light the sheet is, everything on it at rest."""
    frame = Frame.of(ground)
    for piece in pieces:
        frame.lay(piece.layer, piece.x, piece.y)
    return frame.planes[0]


def emptiness(picture: Image.Image) -> np.ndarray:
    """Tell of each of 192 rows whether it shows nothing but ground."""
    small = np.asarray(picture.convert("L").resize((108, 192), Image.Resampling.BOX), dtype=np.int16)
    return np.asarray(np.abs(np.diff(small, axis=1)).max(1) < EMPTY)


def _streams(still: Image.Image, words: str, face: Style, mark: float) -> Iterator[Stream]:
    """Let the words run where rows are empty: above and below a cover's words, and in gaps between them.

    Not in that below the foot of a logo, the `mark`, which stands with the words.
    """
    rows = emptiness(still)
    bands = [band for band in BANDS if rows[band[0] // 10 : band[1] // 10].mean() > 0.3]
    for number, (top, low) in enumerate([*bands, *(gap for gap in _gaps(rows) if not 0 <= gap[0] - mark < GAP)]):
        level = float(np.asarray(still.crop((0, top, WIDTH, low)), dtype=np.float32).mean())
        ink, share = ((255, 255, 255), 0.19) if level < 110 else ((0, 0, 0), 0.11)
        mask, period = _running(words, letters.suited(words, face), low - top)
        layer = planes.inked(mask.point([round(value * share) for value in range(256)]), ink)
        yield Stream(layer, (top + low) // 2, period, STREAM * (-1) ** number)


def _gaps(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """Return the bands of empty rows between the first and the last of a cover's words, in pixels."""
    at = BANDS[0][1] // 10
    for is_empty, run in itertools.groupby(rows[at : BANDS[1][0] // 10]):
        length = len(list(run))
        if is_empty and length * 10 >= GAP:
            yield at * 10 + 8, (at + length) * 10 - 8
        at += length


def _running(words: str, face: Style, high: int) -> tuple[Image.Image, int]:
    """Return the words again and again, as high as a band, and the pixels after which they repeat."""
    text, size = f"{words.upper()}  ·  ", min(high, BANDS[0][1]) * 1.16
    wide = round(letters.measure(text, face, size) / 2) * 2
    copies = 2 * WIDTH // wide + 2
    mask = Image.new("L", (wide * copies, high))
    pen = ImageDraw.Draw(mask)
    for copy in range(copies):
        letters.draw_line(pen, (copy * wide, (high + size * 0.72) / 2), text, face, size, 255)
    return mask, wide


def draw(shot: Shot, now: float) -> Frame:
    """Draw the shot as it is at this moment of the film."""
    passed = now - shot.start
    frame = Frame.empty(SIZE)
    x, y = _shaken(shot.camera.shake, now)
    frame.lay(shot.ground, WIDTH / 2 + x, HEIGHT / 2 + y)
    for stream in shot.streams:
        along = (stream.speed * round(now * FPS)) % stream.period
        frame.lay(stream.layer, stream.layer.width / 2 - stream.period + along + x, stream.y + y)
    for piece in shot.pieces:
        _lay(frame, shot, piece, passed, (x, y))
    return frame


def _lay(frame: Frame, shot: Shot, piece: FilmPiece, passed: float, by: tuple[float, float]) -> None:
    if piece.group in (SHADOW, LOGO):
        frame.lay(piece.layer, piece.x + by[0], piece.y + by[1])
        return
    if piece.group == PRODUCT:
        anchor, scale, dx, dy = _near(shot, passed)
    else:
        anchor, scale, dy = _come(shot, piece, passed)
        dx = 0.0
    x = anchor[0] + (piece.x - anchor[0]) * scale + dx + by[0]
    y = anchor[1] + (piece.y - anchor[1]) * scale + dy + by[1]
    frame.lay(piece.layer, x, y, scale=scale)


def _near(shot: Shot, passed: float) -> tuple[tuple[float, float], float, float, float]:
    """Return the point that rests, the scale and the shift of the product."""
    along = 0.5 * motion.glide(passed, 0, shot.length) + 0.5 * motion.passed(passed, 0, shot.length)
    begin, end = shot.camera.near
    scale = begin + (end - begin) * along
    if not shot.opening and not shot.camera.firm:
        scale *= 0.96 + 0.04 * motion.settle(passed, 0, 0.5)
    left, _, right, low = shot.boxes[PRODUCT]
    dx, dy = (shift * (along - 0.5) for shift in shot.camera.drift)
    return ((left + right) / 2, min(low, HEIGHT)), scale, dx, dy


def _come(shot: Shot, piece: FilmPiece, passed: float) -> tuple[tuple[float, float], float, float]:
    """Return the point about which a group grows, its scale and its shift, as it leaps into place."""
    left, top, right, low = shot.boxes[piece.group]
    middle = ((left + right) / 2, (top + low) / 2)
    if shot.opening:
        return middle, 1 + NOD * motion.bump(passed, 0.5 + 0.2 * piece.group, 0.5), 0.0
    come = motion.spring(passed, 0.08 * piece.group, 0.42)
    if right - left > 0.95 * WIDTH:  # a band across the frame comes from below
        return middle, 1.0, 60 * (1 - come)
    return middle, 0.88 + 0.12 * come, 16 * (1 - come)


def _shaken(shake: float, now: float) -> tuple[float, float]:
    if not shake:
        return 0.0, 0.0
    across = 0.6 * motion.sway(now, 1.9) + 0.4 * motion.sway(now, 0.83, 0.3)
    down = 0.6 * motion.sway(now, 2.3, 0.2) + 0.35 * motion.sway(now, 0.71, 0.6)
    return 2.0 * round(shake * across / 2), 2.0 * round(shake * down / 2)  # even pixels cost least
