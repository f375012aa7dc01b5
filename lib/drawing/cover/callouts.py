"""Labels beside the product, each with a line to the point that it names: as large a product as they leave whole."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from lib.drawing.cover import letters, signs
from lib.drawing.cover.letters import Pair, TextBlock
from lib.drawing.cover.paper import WHITE, WIDTH, Spot
from lib.drawing.cover.parts import Cover, show_sign, stand
from lib.drawing.cover.places import smaller
from lib.drawing.ground.colour import Rgb

INK: Rgb = (29, 32, 48)
EDGE = 30  # units beside the labels
AIR = 12  # units between a label and the product
WORDS = 260  # units of a label's words
SIZES = (38, 34)  # of type: all labels of a slide have one
LEAD = 76  # units of its sign
POINTS = ((0.2, False), (0.34, True), (0.58, False), (0.76, True))  # how far down, and whether at the right


@dataclass(frozen=True)
class Callout:
    """A label: its words and its sign, its place, and the point of the product that it names."""

    words: TextBlock
    icon: str
    spot: Spot
    point: tuple[float, float]
    is_clear: bool  # of the product


def draw(cover: Cover, pair: Pair, benefits: tuple[str, ...], top: float) -> None:
    """Draw the product below the heading, and the first four benefits whose words fit a label."""
    short = tuple(one for one in benefits if _words(one, pair, WORDS, SIZES[-1]).size == SIZES[-1])
    chosen = (short if len(short) > 1 else benefits)[: len(POINTS)]
    icons = signs.chosen(chosen, cover.facts.name)
    room = Spot(180, top + 10, 540, cover.bottom - top - 20)
    tried = [
        (spot, [_beside(cover, pair, spot, size, *one) for one in zip(chosen, shown, POINTS, strict=False)])
        for spot in smaller(cover.product, room, 0.5, 0.5)
        for shown in (icons, [""] * len(icons))  # without their signs the labels are narrower
        for size in SIZES
    ]
    spot, made = next((one for one in tried if all(label.is_clear for label in one[1])), tried[-1])
    stand(cover, spot, 0.3)
    for label in made:
        _show(cover, label)


def _words(benefit: str, pair: Pair, width: float, size: float) -> TextBlock:
    return letters.fit(benefit, pair.strong, (width, 100), (size, size), lines=2)


def _beside(
    cover: Cover, pair: Pair, spot: Spot, size: float, benefit: str, icon: str, where: tuple[float, bool]
) -> Callout:
    """Set a label beside the product that stands there, above the point that it names."""
    share, is_right = where
    y = spot.y + share * spot.height
    near = [_ends(cover.product.image, (y + step - spot.y) / spot.height) for step in range(-130, 20, 15)]
    ends = [spot.x + each[is_right] * spot.width for each in near]
    free = (WIDTH - max(ends) if is_right else min(ends)) - EDGE - AIR
    lead = LEAD if icon else 0
    words = _words(benefit, pair, max(80, min(WORDS, free - 48 - lead)), size)
    width, high = words.width + 48 + lead, max(words.height, 60 if icon else 0) + 32
    place = Spot(WIDTH - EDGE - width if is_right else EDGE, y - 56 - high / 2, width, high)
    first, last = _ends(cover.product.image, share)
    inside = 0.14 * (last - first)
    x = spot.x + (last - inside if is_right else first + inside) * spot.width
    is_clear = width <= free and words.size == size and letters.fits(words, WORDS, 2)
    return Callout(words, icon, place, (x, y), is_clear)


def _ends(product: Image.Image, share: float) -> tuple[float, float]:
    """Return how far across the product begins and ends at this share of its height."""
    small = np.asarray(product.getchannel("A").resize((100, 100)))[min(99, max(0, round(share * 100)))] > 128
    line = np.flatnonzero(small)
    return (float(line[0]) / 100, float(line[-1] + 1) / 100) if len(line) else (0.33, 0.67)


def _show(cover: Cover, label: Callout) -> None:
    paper, tones, spot, (x, y) = cover.paper, cover.tones, label.spot, label.point
    middle = spot.y + spot.height / 2
    paper.line((x, y), (spot.right if spot.x < x else spot.x, middle), 4, tones.accent)
    paper.disc(x, y, 17, WHITE)
    paper.disc(x, y, 10, tones.accent)
    paper.tile(replace(spot, y=spot.y + 5), 26, (0, 0, 0), 0.1)
    paper.tile(spot, 26, WHITE)
    left = spot.x + 24
    if label.icon:
        paper.tile(Spot(spot.x + 18, middle - 30, 60, 60), 16, tones.accent)
        show_sign(paper, label.icon, (spot.x + 26, middle - 22), 44, tones.on_accent)
        left += LEAD
    paper.write(label.words, (left, middle - label.words.height / 2), INK)
