"""Type for covers: measured with kerning, broken into even lines, set as large as its room allows.

Raqm, which Pillow's wheel carries, applies the kerning of the face; the plain layout would leave gaps in capitals.
Lengths are units, a 900th of the sheet's width.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

from lib.drawing.ground.colour import Rgb

FOLDER = Path(__file__).parent.parent / "fonts"
RULER = 200  # pixels at which words are measured
SPARE = "Onest-Black.ttf"  # has the letters of Kazakh, Uzbek and Tajik, which some faces lack
FEATURES = ["kern", "lnum"]

_BOUND = re.compile(r"(?<![^\s\u00a0])([^\W\d_]{1,3}) (?=\S)")
_DASH = re.compile(r" (?=[—–-] )")
_HYPHEN = re.compile(r"(?<=[^\W\d_]{4})-(?=[^\W\d_]{4})")  # where a long double word may break
_UNIT = re.compile(r"(\d) (?=[^\d\s]{1,6}(?:\s|$))|(?<!\S)(\d+) (?=[^\d\s]{1,10}(?:\s|$))")


@dataclass(frozen=True)
class Style:
    """A face with its spacing: `tracking` and `leading` are shares of the size."""

    face: str
    tracking: float = 0.0
    leading: float = 1.12


@dataclass(frozen=True)
class Pair:
    """The two voices of a design: titles and numbers, and everything else."""

    title: Style
    text: Style
    strong: Style  # benefits


ONEST = Pair(
    Style("Onest-Black.ttf", -0.02, 0.98), Style("Onest-Medium.ttf"), Style("Onest-ExtraBold.ttf", leading=1.12)
)
UNBOUNDED = Pair(Style("Unbounded-ExtraBold.ttf", -0.03, 1.06), Style("Golos-Medium.ttf"), Style("Golos-SemiBold.ttf"))
OSWALD = Pair(Style("Oswald-SemiBold.ttf", 0, 1.04), Style("Golos-Medium.ttf"), Style("Golos-SemiBold.ttf"))
CORMORANT = Pair(Style("Cormorant-SemiBold.ttf", -0.02, 0.86), Style("Onest-Medium.ttf"), Style("Onest-Medium.ttf"))
RUBIK = Pair(Style("Rubik-Black.ttf", 0, 1.2), Style("Nunito-ExtraBold.ttf"), Style("Nunito-ExtraBold.ttf"))
YESEVA = Pair(Style("Yeseva-Regular.ttf", 0, 1.02), Style("Golos-SemiBold.ttf"), Style("Golos-SemiBold.ttf"))
BITTER = Pair(Style("Bitter-ExtraBold.ttf", -0.02, 1.0), Style("Golos-Medium.ttf"), Style("Golos-SemiBold.ttf"))
PAIRS = {
    "onest": ONEST, "unbounded": UNBOUNDED, "oswald": OSWALD, "cormorant": CORMORANT, "rubik": RUBIK, "yeseva": YESEVA,
    "bitter": BITTER,
}  # fmt: skip


@dataclass(frozen=True)
class TextBlock:
    """Lines of one text, set."""

    lines: tuple[str, ...]
    style: Style
    size: float

    @property
    def width(self) -> float:
        """Units of the longest line."""
        return max((measure(line, self.style, self.size) for line in self.lines), default=0)

    @property
    def height(self) -> float:
        """Units from the top of the first line's box to the foot of the last one's."""
        return len(self.lines) * self.size * self.style.leading


@lru_cache(maxsize=256)
def open_face(face: str, pixels: float) -> ImageFont.FreeTypeFont:
    """Return an open face with kerning."""
    return ImageFont.truetype(FOLDER / face, pixels, layout_engine=ImageFont.Layout.RAQM)


@lru_cache(maxsize=8192)
def _draws(face: str, sign: str) -> bool:
    font = open_face(face, 24)
    return sign.isspace() or bytes(font.getmask(sign)) != bytes(font.getmask("\U0010ffff"))


@lru_cache(maxsize=2048)
def suited(text: str, style: Style) -> Style:
    """Return the style, with the spare face when its own lacks a letter of the text: no mixed words."""
    if all(_draws(style.face, sign) for sign in text):
        return style
    return Style(SPARE, style.tracking, max(style.leading, 0.98))


@lru_cache(maxsize=8192)
def _length(text: str, face: str) -> float:
    return open_face(face, RULER).getlength(text, features=FEATURES) / RULER


def measure(text: str, style: Style, size: float) -> float:
    """Return the width of a line in units."""
    return (_length(text, style.face) + style.tracking * len(text)) * size


def bound(text: str) -> list[str]:
    """Split into the pieces that no line breaks inside: short words lead the next, a number keeps what it counts."""
    text = _DASH.sub("\u00a0", " ".join(text.split()))
    text = _UNIT.sub("\\1\\2\u00a0", text)
    return _HYPHEN.sub("-\u200b ", _BOUND.sub("\\1\u00a0", text)).split(" ")


def wrap(text: str, style: Style, size: float, room: float) -> tuple[str, ...]:
    """Break into the fewest lines that fit the room, then as even as that number allows."""
    pieces = bound(text)
    best = _filled(pieces, style, size, room)
    narrower = room
    while (narrower := narrower * 0.95) > room * 0.4:
        lines = _filled(pieces, style, size, narrower)
        if len(lines) > len(best) or any(measure(line, style, size) > room for line in lines):
            break
        best = lines
    return best


def _filled(pieces: list[str], style: Style, size: float, room: float) -> tuple[str, ...]:
    lines, joint = [""], ""
    for piece in pieces:
        words = piece.removesuffix("\u200b")
        longer = f"{lines[-1]}{joint}{words}"
        if not lines[-1] or measure(longer, style, size) <= room:
            lines[-1] = longer
        else:
            lines.append(words)
        joint = " " if words == piece else ""
    return tuple(lines)


def fit(text: str, style: Style, room: tuple[float, float], sizes: tuple[float, float], *, lines: int = 3) -> TextBlock:
    """Set the text as large as room (width, height) and lines allow.

    At the smallest size it may become higher than that; for a word wider than the room it becomes smaller still.
    """
    style = suited(text, style)
    size, smallest = sizes
    while True:
        words = TextBlock(wrap(text, style, size, room[0]), style, size)
        fits = words.width <= room[0] and len(words.lines) <= lines and words.height <= room[1] + size * 0.1
        if fits or size <= smallest:
            break
        size = max(smallest, size - 2)
    if words.width > room[0]:
        size *= 0.999 * room[0] / words.width
        words = TextBlock(wrap(text, style, size, room[0]), style, size)
    return words


def fits(words: TextBlock, room: float, lines: int) -> bool:
    """Tell if no line is wider than the room and there are not more than so many."""
    return words.width <= room and len(words.lines) <= lines


def draw_line(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], line: str, style: Style, size: float, ink: Rgb | int
) -> None:
    """Draw one line from its base line's left end; both in pixels."""
    # To an eighth of a pixel: of a small title each letter would else be wider than it was measured.
    font = open_face(style.face, max(1, round(size * 8) / 8))
    if not style.tracking:
        pen.text(at, line, fill=ink, font=font, anchor="ls", features=FEATURES)
        return
    for index, sign in enumerate(line):
        start = font.getlength(line[: index + 1], features=FEATURES) - font.getlength(sign, features=FEATURES)
        left = at[0] + start + style.tracking * size * index
        pen.text((left, at[1]), sign, fill=ink, font=font, anchor="ls", features=FEATURES)


@lru_cache(maxsize=64)
def baseline(style: Style) -> float:
    """Return how far below the top of a line's box its base line is, in sizes; the face's content is centred in it."""
    ascent, descent = (value / 1000 for value in open_face(style.face, 1000).getmetrics())
    return (style.leading - ascent - descent) / 2 + ascent
