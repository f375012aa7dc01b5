"""The blogger's video: a hand-held phone, jump cuts, and captions on plain paper that pop in where people look."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageEnhance

from lib.drawing.clip import footage, motion, stickers
from lib.drawing.clip.footage import Field, Shot, View
from lib.drawing.clip.story import FPS, HEIGHT, LEFT, RIGHT, WIDTH, Story
from lib.drawing.ground import lettering, paint, palette, planes
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.planes import Frame, Layer

ROOMS = ("wood", "arch", "marble", "studio")
ZOOMS = (0.90, 1.06, 0.95, 1.14, 0.91)
PLACE = 335  # where captions hang: their middle
PAPER = 222  # of the height for words, so that their paper ends above the product
FIELD = Field(room=(50, 500, 1030, 1700), photo=(-65, 490, 1145, 2035))


@dataclass(frozen=True)
class Caption:
    """Words on paper, from when to when."""

    layer: Layer
    start: float
    end: float
    lean: float


def frames(story: Story) -> Iterator[Frame]:
    """Draw every frame, one at a time."""
    scene = ROOMS[story.variant % len(ROOMS)]
    # a close-up of a photo would go on behind the words
    views = itertools.islice(footage.views(story, scene, FIELD), 2 if story.hero.cut else 1)
    layers = [(planes.layer(_phone(view.picture)), view) for view in views]
    cuts = _cuts(story)
    captions = _captions(story, cuts)
    shots = []
    for number, (start, end) in enumerate(cuts):
        near = number % 2 and number < len(cuts) - 1
        shots.append(_shot(*layers[-1 if near else 0], number, start, end))
    for number in range(story.seconds * FPS):
        now = number / FPS
        index = max(k for k, (start, _) in enumerate(cuts) if start <= now + 1e-6)
        frame = Frame.empty((WIDTH, HEIGHT))
        footage.filmed(frame, shots[index], now)
        for caption in captions:
            _show(frame, caption, now)
        yield frame


def _phone(picture: Image.Image) -> Image.Image:
    """Make it look like a phone's camera: a little more colour and contrast."""
    return ImageEnhance.Contrast(ImageEnhance.Color(picture).enhance(1.10)).enhance(1.04)


def _cuts(story: Story) -> list[tuple[float, float]]:
    """Divide the time: the title longest, then a cut for each benefit, then the whole again."""
    shares = [1.5, *[1.0 for _ in story.texts], 1.1]
    unit = story.seconds / sum(shares)
    found, at = [], 0.0
    for share in shares:
        end = round((at + share * unit) * FPS) / FPS
        found.append((round(at * FPS) / FPS, end))
        at += share * unit
    return found


def _shot(layer: Layer, view: View, number: int, start: float, end: float) -> Shot:
    zoom = ZOOMS[number % len(ZOOMS)]
    side = (-1) ** number
    ends = ((10.0 * side, 14, zoom), (-12.0 * side, -10, zoom + 0.035))
    return footage.shot(layer, view, start, end - start, *ends, shake=7.0)


def _captions(story: Story, cuts: list[tuple[float, float]]) -> list[Caption]:
    colours = palette.mixed(palette.character(story.hero.product), "light")
    said = []
    papers: tuple[tuple[Rgb, Rgb], ...] = (((255, 255, 255), (17, 17, 19)), (colours.accent, colours.accent_ink))
    texts = (story.title, *story.texts, story.title)
    for number, (text, (start, end)) in enumerate(zip(texts, cuts, strict=True)):
        if not text:
            continue
        ends = number in (0, len(texts) - 1)
        paper, ink = papers[0 if ends else 1]
        layer = planes.layer(_paper(text, 92 if ends else 78, paper, ink))
        said.append(Caption(layer, start, end, (-1.6, 1.3)[number % 2] if not ends else 0.0))
    return said


def _paper(text: str, largest: int, paper: Rgb, ink: Rgb) -> Image.Image:
    """Set the words, each line on its own strip of rounded paper."""
    room = (RIGHT - LEFT - 60, PAPER)
    block = lettering.fit(text, lettering.HEAVY, room, (largest, 44), lines=3, spacing=1.42)
    pad = round(block.size * 0.42)
    high = round(block.size * 1.44)
    widths = [round(lettering.width(line, block.font) * block.size / lettering.RULER) for line in block.lines]
    size = (max(widths) + 2 * pad + 4, high + block.leading * (len(widths) - 1) + 4)

    def draw(canvas: Image.Image) -> None:
        for number, wide in enumerate(widths):
            strip = paint.rounded((wide + 2 * pad, high), round(block.size * 0.34))
            paint.lay(canvas, paper, strip, ((size[0] - strip.width) // 2, number * block.leading))
        top = (high - round(lettering.CAP * block.size)) // 2
        lettering.draw(canvas, (0, top), block, ink, centre_in=size[0])

    return stickers.drawn(size, draw)


def _show(frame: Frame, caption: Caption, now: float) -> None:
    if not caption.start <= now < caption.end:
        return
    # The very first frame is the cover, so its words are there at once.
    come = motion.spring(now, caption.start, 0.36) if caption.start else 1.0
    wave = 1 + 0.006 * motion.sway(now, 1.7)
    frame.lay(caption.layer, (LEFT + RIGHT) / 2, PLACE, scale=(0.72 + 0.28 * come) * wave, turn=caption.lean,
              share=motion.settle(now, caption.start, 0.2) if caption.start else 1.0)  # fmt: skip
