"""Parts that several designs share: the product with its shadow, benefits in a row or a list, a number and its unit."""

from dataclasses import dataclass, replace
from functools import lru_cache

from lib.drawing.cover import branding, letters, signs
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cover.facts import CoverFacts
from lib.drawing.cover.letters import Pair, Style, TextBlock
from lib.drawing.cover.paper import WIDTH, CoverSheet, Drop, Spot
from lib.drawing.cover.places import Subject
from lib.drawing.cover.tones import Tones
from lib.drawing.ground.colour import Rgb

DOT = 22  # units: what stands before benefits without signs
SMALLEST = 34  # units: 12 pixels on a picture of 300


@dataclass(frozen=True)
class Cover:
    """All that a design needs."""

    paper: CoverSheet
    product: Subject
    facts: CoverFacts
    tones: Tones
    others: dict[str, Tones]  # tones of moods that a design borrows a colour from
    top: float  # words stand from here
    bottom: float  # to here
    own: Branding = UNBRANDED

    @property
    def height(self) -> float:
        """Units of the sheet's height."""
        return self.paper.height

    @property
    def room(self) -> float:
        """Units above the words that are kept for the seller's logo."""
        return branding.ROOM if self.own.logo else 0

    def pair(self, usual: Pair) -> Pair:
        """Return the seller's own type, or else the design's usual one."""
        return letters.PAIRS.get(self.own.pair, usual)

    @property
    def is_high(self) -> bool:
        """Whether it is no square."""
        return self.height > 1000

    @property
    def is_story(self) -> bool:
        """Whether it is 9:16."""
        return self.height > 1500


def anchored(cover: Cover, spot: Spot, floor: float | None = None) -> Spot:
    """Move a place to the edges of the card at which the photo cuts the product; `floor` hides a cut foot earlier."""
    sides, low = cover.product.sides, cover.height if floor is None else floor
    x = WIDTH - spot.width if "right" in sides else 0 if "left" in sides else spot.x
    return Spot(x, low - spot.height if "bottom" in sides else spot.y, spot.width, spot.height)


def stand(cover: Cover, spot: Spot, share: float = 0.34, drop: Drop | None = None, turn: float = 0) -> None:
    """Show the product, on the floor with its shadow or on a cord."""
    if cover.product.hangs:
        cord = Spot(spot.middle - 2.5, 0, 5, spot.y + 8)
        cover.paper.band(0, cord.bottom, cover.tones.muted, left=cord.x, right=cord.right)
    elif not turn and "bottom" not in cover.product.sides:
        cover.paper.contact(spot, share)
    cover.paper.picture(cover.product.image, spot, turn=turn, drop=drop)


def set_title(
    cover: Cover, style: Style, room: tuple[float, float], sizes: tuple[float, float], lines: int
) -> TextBlock:
    """Set the title; a title of one short word is larger."""
    largest = sizes[0] * (1.15 if cover.facts.letters < 8 and " " not in cover.facts.title else 1)
    smallest = sizes[1] * (0.7 if cover.own.pair else 1)  # another face may be wider than the design's
    return letters.fit(cover.facts.title, style, room, (largest, smallest), lines=lines)


def set_second(cover: Cover, style: Style, room: float = 800, size: float = 44) -> TextBlock:
    """Set the second line."""
    return letters.fit(cover.facts.second, style, (room, 60), (size, SMALLEST), lines=1)


@lru_cache(maxsize=512)
def _suits(benefit: str, style: Style, room: float, size: float) -> bool:
    words = letters.TextBlock(letters.wrap(benefit, letters.suited(benefit, style), size, room), style, size)
    return letters.fits(words, room, 2)


def picked(benefits: tuple[str, ...], style: Style, room: float, size: float, most: int) -> tuple[str, ...]:
    """Return the first benefits whose words fit the room; a long word is left out and shrinks no neighbour."""
    for tried in range(int(size), SMALLEST - 1, -2):
        fitting = tuple(benefit for benefit in benefits if _suits(benefit, style, room, tried))
        if len(fitting) >= min(most, len(benefits)):
            return fitting[:most]
    fitting = tuple(benefit for benefit in benefits if _suits(benefit, style, room, SMALLEST))
    return (fitting if len(fitting) >= min(2, len(benefits)) else benefits)[:most]


def _one_size(benefits: tuple[str, ...], style: Style, room: float, size: float) -> list[TextBlock]:
    """Set all benefits in one size of type."""
    for tried in range(int(size), SMALLEST - 3, -1):
        blocks = [
            TextBlock(
                letters.wrap(benefit, letters.suited(benefit, style), tried, room),
                letters.suited(benefit, style),
                tried,
            )
            for benefit in benefits
        ]
        if all(letters.fits(block, room, 2) for block in blocks):
            break
    over = max(block.width for block in blocks) / room
    return [replace(block, size=block.size / over * 0.999) for block in blocks] if over > 1 else blocks


@dataclass(frozen=True)
class BenefitRow:
    """Benefits side by side, a sign above the words of each, or larger words alone."""

    blocks: list[TextBlock]
    icons: list[str]
    sign: float
    column: float
    gap: float
    pad: float

    @property
    def lead(self) -> float:
        """Units from the top of a sign to its words."""
        return self.sign + 14 if any(self.icons) else 0

    @property
    def height(self) -> float:
        """Units of the whole row."""
        return max(block.height for block in self.blocks) + self.lead + 2 * self.pad if self.blocks else 0


def row(
    cover: Cover, pair: Pair, width: float, *, size: float = 40, sign: float = 60, gap: float = 24, pad: float = 0
) -> BenefitRow:
    """Set up to three benefits side by side; one alone is larger."""
    benefits = cover.facts.benefits
    chosen = _sharing(benefits, pair.strong, width, gap, pad)
    if not chosen:
        return BenefitRow([], [], sign, width, gap, pad)
    column = (width - gap * (len(chosen) - 1)) / len(chosen)
    if len(chosen) == 1:
        size, sign = size * 1.35, sign * 1.3
    icons = icons_of(cover, chosen)
    blocks = _one_size(chosen, pair.strong, column - 2 * pad, size if any(icons) else size * 1.2)
    return BenefitRow(blocks, icons, sign, column, gap, pad)


def icons_of(cover: Cover, benefits: tuple[str, ...], lacking: int = 0) -> list[str]:
    """Return the sign of each benefit, or "" for all where more than `lacking` have none: gaps look like mistakes."""
    icons = signs.chosen(benefits, cover.facts.name)
    return icons if icons.count("") <= lacking else [""] * len(icons)


@dataclass(frozen=True)
class Inks:
    """The colours of a row: words, signs, and the tiles or the rules between them."""

    words: Rgb
    signs: Rgb
    tile: Rgb | None = None
    rule: Rgb | None = None
    radius: float = 40


def draw_row(cover: Cover, made: BenefitRow, at: tuple[float, float], inks: Inks, *, centred: bool = False) -> None:
    """Draw the row from its top left corner."""
    paper = cover.paper
    for index, (block, icon) in enumerate(zip(made.blocks, made.icons, strict=True)):
        left = at[0] + index * (made.column + made.gap)
        if inks.tile:
            paper.tile(Spot(left, at[1], made.column, made.height), inks.radius, inks.tile)
        if inks.rule and index:
            x = left - made.gap / 2
            paper.band(at[1] + 8, at[1] + made.height - 8, inks.rule, left=x, right=x + 3)
        top = at[1] + made.pad + made.lead
        if icon:
            middle = (made.column - made.sign) / 2 if centred else made.pad
            show_sign(paper, icon, (left + middle, at[1] + made.pad), made.sign, inks.signs)
        elif inks.tile:
            top = at[1] + (made.height - block.height) / 2
        paper.write(block, (left + made.pad, top), inks.words, centre=made.column - 2 * made.pad if centred else 0)


def show_sign(paper: CoverSheet, icon: str, at: tuple[float, float], side: float, ink: Rgb) -> None:
    """Draw a sign."""
    paper.lay(ink, signs.mask(icon, max(1, paper.px(side))), (paper.px(at[0]), paper.px(at[1])))


def _sharing(benefits: tuple[str, ...], style: Style, width: float, gap: float, pad: float) -> tuple[str, ...]:
    """Return the benefits that share a row: three, or as many as leave each of them room for its longest word."""
    chosen: tuple[str, ...] = ()
    for count in range(min(3, len(benefits)), 0, -1):
        room = (width - gap * (count - 1)) / count - 2 * pad
        chosen = tuple(one for one in benefits if _suits(one, style, room, SMALLEST))[:count]
        if len(chosen) == count:
            break
    return chosen or benefits[:1]


@dataclass(frozen=True)
class BenefitColumn:
    """Benefits below each other, a sign in a disc beside the words."""

    blocks: list[TextBlock]
    icons: list[str]
    disc: float
    gap: float

    @property
    def height(self) -> float:
        """Units of the whole list."""
        return sum(self.heights) + self.gap * max(0, len(self.blocks) - 1)

    @property
    def heights(self) -> list[float]:
        """Units of each line of the list."""
        return [max(block.height, self.disc) for block in self.blocks]


def column(
    cover: Cover, pair: Pair, width: float, *, size: float = 42, disc: float = 84, gap: float = 40, most: int = 4
) -> BenefitColumn:
    """Set up to four benefits below each other; without signs, or room beside them, dots stand there."""
    room = width - disc - 22
    chosen = picked(cover.facts.benefits, pair.strong, room, 38, most)
    icons = icons_of(cover, chosen, lacking=1 if len(chosen) > 2 else 0)
    if not any(icons) or not all(_suits(one, pair.strong, room, SMALLEST) for one in chosen):
        disc, room = DOT, width - DOT - 22
        chosen = picked(cover.facts.benefits, pair.strong, room, 38, most)
        icons = [""] * len(chosen)  # whatever signs those have that came in by the room of the discs
    blocks = _one_size(chosen, pair.strong, room, size) if chosen else []
    return BenefitColumn(blocks, icons, disc, gap)


def draw_column(
    cover: Cover, made: BenefitColumn, at: tuple[float, float], words: Rgb, disc: Rgb | None, sign: Rgb
) -> None:
    """Draw the list, a dot where there is no sign; without a disc colour they stand in rings."""
    y, is_signed = at[1], any(made.icons)
    for block, icon, high in zip(made.blocks, made.icons, made.heights, strict=True):
        radius, middle = made.disc / 2, y + high / 2
        if disc and is_signed:
            cover.paper.disc(at[0] + radius, middle, radius, disc)
        elif is_signed:
            cover.paper.ring(at[0] + radius, middle, radius, 4, sign)
        side = made.disc * 0.6
        if icon:
            show_sign(cover.paper, icon, (at[0] + radius - side / 2, middle - side / 2), side, sign)
        else:
            cover.paper.disc(at[0] + radius, middle, DOT / 2, sign if is_signed else disc or sign)
        cover.paper.write(block, (at[0] + made.disc + 22, y + (high - block.height) / 2), words)
        y += high + made.gap


def figure_width(cover: Cover, style: Style, size: float) -> float:
    """Return the units that the number takes with its unit."""
    number = cover.facts.number
    if number is None:
        return 0
    unit = 0.42 * size
    return letters.measure(number.value, style, size) + 0.08 * size + letters.measure(number.unit, style, unit)


def figure_size(cover: Cover, style: Style, room: float, largest: float) -> float:
    """Return the largest size at which the number fits the room."""
    return min(largest, room / max(figure_width(cover, style, 1), 0.1))


def draw_figure(cover: Cover, style: Style, at: tuple[float, float], size: float, ink: Rgb) -> None:
    """Draw the number from the top of its figures, its unit on the same base line."""
    number = cover.facts.number
    if number is None:
        return
    line = Style(style.face, style.tracking, 1.0)
    cover.paper.write(TextBlock((number.value,), line, size), at, ink)
    left = at[0] + letters.measure(number.value, line, size) + 0.08 * size
    drop = (letters.baseline(line)) * (size - size * 0.42)
    cover.paper.write(TextBlock((number.unit,), line, size * 0.42), (left, at[1] + drop), ink)


def seal(
    cover: Cover, style: Style, at: tuple[float, float], radius: float, inks: tuple[Rgb, Rgb], under: Style
) -> None:
    """Draw the number on a round seal, the unit below it."""
    number = cover.facts.number
    if number is None:
        return
    fill, ink = inks
    cover.paper.disc(at[0], at[1], radius, fill)
    line, small = Style(style.face, style.tracking, 1.0), Style(under.face, 0, 1.0)
    size = min(radius * 0.9, 1.45 * radius / letters.measure(number.value, line, 1))
    label = min(radius * 0.36, 1.4 * radius / max(letters.measure(number.unit, small, 1), 0.1))
    top = at[1] - (size + label) / 2
    cover.paper.write(TextBlock((number.value,), line, size), (at[0] - radius, top), ink, centre=2 * radius)
    cover.paper.write(TextBlock((number.unit,), small, label), (at[0] - radius, top + size), ink, centre=2 * radius)


def across(cover: Cover) -> float:
    """Return the width between the margins."""
    return WIDTH - 96
