"""Sets type: chooses a font that has every letter, breaks lines evenly, and finds the size that fits."""

import itertools
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lib.drawing.ground import words
from lib.drawing.ground.colour import Rgb

FOLDER = Path(__file__).parent.parent / "fonts"
HEAVY = "Manrope-ExtraBold.ttf"
MEDIUM = "Manrope-SemiBold.ttf"
SPARE = "Inter-Bold.ttf"  # has the Kazakh, Tajik and Uzbek letters and the signs that Manrope lacks
RULER = 100  # size at which words are measured; widths grow in proportion
CAP = 0.72  # height of a capital letter, in sizes


@dataclass(frozen=True)
class Block:
    """Lines of one text, set: `height` runs from the top of the capitals to the lowest tail."""

    lines: tuple[str, ...]
    font: str
    size: int
    leading: int
    width: int

    @property
    def height(self) -> int:
        """Pixels from the top of the capitals to the lowest tail."""
        return round(CAP * self.size + (len(self.lines) - 1) * self.leading + 0.2 * self.size)


@lru_cache(maxsize=64)
def face(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Return an open font; the basic layout engine, so that the same bytes come out on every machine."""
    return ImageFont.truetype(FOLDER / name, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def has(name: str, sign: str) -> bool:
    """Check that the font draws this sign, by comparing it with the box drawn for a missing one."""
    font = face(name, 24)
    return sign.isspace() or bytes(font.getmask(sign)) != bytes(font.getmask("\U0010ffff"))


def printable(text: str) -> str:
    """Drop every sign that no font has: emoji, above all."""
    kept = "".join(sign for sign in text if has(HEAVY, sign) or has(SPARE, sign))
    return " ".join(kept.split())


def said(text: str, limit: int) -> str:
    """Return what may be printed of the seller's words."""
    return words.shortened(printable(words.cleaned(text, limit * 3)), limit)


def listed(benefits: tuple[str, ...]) -> tuple[str, ...]:
    """Return what may be printed of the benefits."""
    printed = (said(benefit, words.BENEFIT_LIMIT) for benefit in benefits[: words.BENEFITS])
    return tuple(text for text in printed if text)


def suited(text: str, name: str) -> str:
    """Return the wanted font, or the spare one if it alone has every letter: a word is never set in two."""
    letters = [sign for sign in text if sign.isalpha()]
    return name if all(has(name, sign) for sign in letters) else SPARE


def _runs(text: str, name: str) -> list[tuple[str, str]]:
    """Split into stretches of one font, for a lone sign that the font lacks."""
    other = SPARE if name != SPARE else HEAVY
    chosen = ((name if has(name, sign) or not has(other, sign) else other, sign) for sign in text)
    return [(key, "".join(sign for _, sign in part)) for key, part in itertools.groupby(chosen, lambda c: c[0])]


@lru_cache(maxsize=1024)
def width(text: str, name: str) -> float:
    """Return the width of a line at size RULER."""
    return sum(face(font, RULER).getlength(part) for font, part in _runs(text, name))


def fit(
    text: str, name: str, box: tuple[int, int], sizes: tuple[int, int], *, lines: int = 3, spacing: float = 1.1
) -> Block:
    """Set the text as large as the box allows, in even lines; the last resort is to cut words off."""
    name = suited(text, name)
    largest, smallest = sizes
    pieces = words.unbroken(text)
    options = [_broken(tuple(pieces), name, count) for count in range(1, min(lines, len(pieces)) + 1)]
    best = max((_sized(option, name, box, largest, spacing) for option in options), key=_worth)
    if best.size >= smallest or len(text) < 4:
        return best
    if len(pieces) > 1 and " " in text:
        return fit(_trimmed(text), name, box, sizes, lines=lines, spacing=spacing)
    return _split_word(text, name, box, sizes, lines, spacing)


def _trimmed(text: str) -> str:
    return text.rstrip("…").rsplit(" ", 1)[0].rstrip(" ,.;:-–—") + "…"


def _worth(block: Block) -> float:
    """Prefer large type; one more line must make it a tenth larger."""
    return block.size * 0.92 ** (len(block.lines) - 1)


def _broken(pieces: tuple[str, ...], name: str, count: int) -> tuple[str, ...]:
    """Break into `count` lines with the least difference in length; a longer first line breaks ties."""
    best: tuple[float, tuple[str, ...]] | None = None
    for cuts in itertools.combinations(range(1, len(pieces)), count - 1):
        ends = (0, *cuts, len(pieces))
        lines = tuple(words.joined(pieces[a:b]) for a, b in itertools.pairwise(ends))
        widths = [width(line, name) for line in lines]
        cost = max(widths) + 0.15 * (max(widths) - min(widths)) + 0.05 * (widths[-1] - widths[0])
        if best is None or cost < best[0]:
            best = (cost, lines)
    return best[1] if best else (words.joined(pieces),)


def _sized(lines: tuple[str, ...], name: str, box: tuple[int, int], largest: int, spacing: float) -> Block:
    longest = max(width(line, name) for line in lines) or 1.0
    tall = CAP + 0.2 + (len(lines) - 1) * spacing
    size = int(min(largest, box[0] * RULER / longest * 0.995, box[1] / tall))
    return Block(lines, name, size, round(size * spacing), round(longest * size / RULER))


def _split_word(
    text: str, name: str, box: tuple[int, int], sizes: tuple[int, int], lines: int, spacing: float
) -> Block:
    """Cut one endless word into lines at the smallest size."""
    smallest = sizes[1]
    rows: list[str] = []
    rest = text.strip()
    while rest and len(rows) < lines:
        end = next((n for n in range(len(rest), 1, -1) if width(rest[:n], name) * smallest <= box[0] * RULER), 1)
        rows.append(rest[:end])
        rest = rest[end:]
    if rest and len(rows[-1]) > 1:
        rows[-1] = rows[-1][:-1] + "…"
    return _sized(tuple(rows), name, box, sizes[0], spacing)


def draw(image: Image.Image, corner: tuple[int, int], block: Block, ink: Rgb | int, *, centre_in: int = 0) -> None:
    """Draw the block from its top left corner, or centred in the given width."""
    pen = ImageDraw.Draw(image)
    baseline = corner[1] + round(CAP * block.size)
    for line in block.lines:
        wide = width(line, block.font) * block.size / RULER
        left = corner[0] + ((centre_in - wide) / 2 if centre_in else 0)
        for name, part in _runs(line, block.font):
            font = face(name, block.size)
            pen.text((left, baseline), part, fill=ink, font=font, anchor="ls")
            left += font.getlength(part)
        baseline += block.leading
