"""The slides that follow a cover: one question of a buyer each, in the cover's colours and type.

benefits    why it is good: a list, the product cut by the edge
sizes       lines along the product's sides, each with a size that the words name
near        two places of the photo through lenses, where the words speak of material or make
points      labels with lines to the product
kit         the contents of the box, as the words name them
white       the product alone
one:...     one benefit in large type

A slide without facts is worse than none: each says from which words on it is there, and adds nothing to them.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from lib import text
from lib.drawing.cover import callouts, letters, signs
from lib.drawing.cover import facts as saying
from lib.drawing.cover.draw import signed
from lib.drawing.cover.facts import CoverFacts
from lib.drawing.cover.letters import BITTER, CORMORANT, ONEST, OSWALD, RUBIK, UNBOUNDED, YESEVA, Pair, TextBlock
from lib.drawing.cover.paper import WHITE, WIDTH, Drop, Spot
from lib.drawing.cover.parts import (
    Cover,
    Inks,
    column,
    draw_column,
    draw_figure,
    draw_row,
    figure_size,
    row,
    show_sign,
    stand,
)
from lib.drawing.cover.places import finest, place

PAIRS = {
    "split": OSWALD, "pattern": UNBOUNDED, "dark": UNBOUNDED, "editorial": CORMORANT, "soft": CORMORANT,
    "sticker": RUBIK, "food": YESEVA, "paper": BITTER,
}  # fmt: skip
SEEN = 3  # benefits that a cover shows as a rule
LENS = 0.3  # of that side, seen through a lens
FINE = 500  # pixels of the product's shorter side: less shows no more through a lens

_UP = r"высот\w*|height|рост"
_ALONG = r"ширин\w*|длин\w*|диаметр\w*|глубин\w*|width|length|diameter"
_ITS_OWN = r"(?:^|[;,:.(]\s*|(?<!\w)(?:и|and|общая|overall|total)\s+)"  # else it is that of a cord or a seat
_SIZE = re.compile(
    rf"{_ITS_OWN}(?:({_UP})|({_ALONG}))\W{{1,3}}(\d+(?:[.,]\d+)?)\s?(см|мм|м|cm|mm|m)(?!\w)", re.IGNORECASE
)
_MADE = re.compile(
    r"(?<!\w)(?:ткан|хлоп|л[её]н|шерст|кож|замш|дерев|массив|стал|металл|стекл|керами|бамбук|шов|шв|строч|вышив|плот|вяз"
    r"|матов|глян|покрыт|поверхн|фактур|материал|подклад|молни|фурнитур|cotton|linen|wool|leather|wood|steel|glass|fabric)",
    re.IGNORECASE,
)
ONE = "one:"  # how the name of a slide begins that says the benefit which follows
_WITH = re.compile(r"^(.{3,34}?)\s+(?:в комплекте|в наборе|included)$", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """All words of an order, and which slides they support."""

    facts: CoverFacts

    @property
    def benefits(self) -> tuple[str, ...]:
        """Every benefit, that with the number first."""
        return saying.without_number(self.facts).benefits

    @property
    def sizes(self) -> dict[str, str]:
        """Return the size upwards and the size along, as far as the words name them: "up": "45 см"."""
        found: dict[str, str] = {}
        for match in _SIZE.finditer("; ".join([self.facts.second, *self.benefits])):
            found.setdefault("up" if match[1] else "along", f"{match[3]} {match[4]}")
        return found

    @property
    def made(self) -> tuple[str, ...]:
        """Return what the words say of its material and make."""
        return tuple(benefit for benefit in self.benefits if _MADE.search(benefit))[:2]

    @property
    def contents(self) -> tuple[str, ...]:
        """Return what comes with it."""
        return tuple(match[1] for benefit in self.benefits if (match := _WITH.match(benefit)))

    @property
    def ones(self) -> list[str]:
        """Return a slide for each benefit that has none of its own."""
        return [f"{ONE}{one}" for one in self.benefits if not _SIZE.search(one) and not _WITH.match(one)]

    @property
    def language(self) -> str:
        """Return the language of the words: headings have the same."""
        said = f"{self.facts.title} {' '.join(self.facts.benefits)}"
        return "ru" if re.search("[а-яё]", said, re.IGNORECASE) or not re.search("[a-z]", said, re.IGNORECASE) else "en"


def fitting(facts: CoverFacts, product: Image.Image) -> list[str]:
    """Return the slides that these words and this picture support, in their order."""
    told, aspect = Told(facts), product.width / product.height
    reasons = {
        "benefits": len(told.benefits) >= 3,
        "sizes": bool(told.sizes),
        "near": bool(told.made) and min(product.size) >= FINE and 0.3 < aspect < 2.4,
        "points": len(told.benefits) >= 3 and 0.2 < aspect < 0.6 and facts.kind not in ("food", "beauty", "clothes"),
        "kit": bool(told.contents),
        "white": True,
    }
    found = [name for name, is_told in reasons.items() if is_told]
    place = len(found) if reasons["benefits"] else 0  # few benefits are said one by one in place of a list
    found[place:place] = told.ones
    others = (one for one in told.benefits if f"{ONE}{one}" not in found)  # two sizes share a slide, and may have two
    return [*found, *(f"{ONE}{one}" for one in itertools.islice(others, max(0, 1 + len(told.benefits) - len(found))))]


def in_place(facts: CoverFacts) -> list[str]:
    """Return the slides of a product that cannot stand free: a benefit each, and "" for the photo alone."""
    return [*Told(facts).benefits, ""]


def draw(cover: Cover, slide: str, design: str) -> Image.Image:
    """Draw the slide on the sheet of a cover that has nothing on it yet."""
    pair = cover.pair(PAIRS.get(design, ONEST))
    if slide.startswith(ONE):
        _one(cover, pair, slide.removeprefix(ONE))
    else:
        SLIDES[slide](cover, pair)
    return cover.paper.image if slide == "white" else signed(cover)


def _heading(cover: Cover, pair: Pair, slide: str, width: float = 804) -> float:
    """Write the slide's question; return where its room begins."""
    said = text.say(Told(cover.facts).language, f"slide.{slide}")
    said = said.upper() if pair is OSWALD else said
    title = letters.fit(said, pair.title, (width, 220), (96 if cover.is_high else 76, 52), lines=2)
    cover.paper.write(title, (50, cover.top), cover.tones.ink)
    return cover.top + title.height + 40


def _benefits(cover: Cover, pair: Pair) -> None:
    paper, tones = cover.paper, cover.tones
    top = _heading(cover, pair, "benefits")
    paper.disc(720, cover.height * 0.62, 330, tones.shade, 0.6)
    told = _without(cover, Told(cover.facts).benefits)
    is_long = len(told.facts.benefits) > 4
    is_beside = cover.product.is_tall or (is_long and not cover.is_high)  # a square has no room below a long list
    many = is_long and not is_beside
    disc, gap = (78, 22) if many else (100, 44 if len(told.facts.benefits) < 4 else 24) if cover.is_high else (76, 20)
    made = column(told, pair, 640 if many else 500, size=44, disc=disc, gap=gap, most=6)
    low = max(top, min(top + (0 if many else 60), cover.bottom - made.height))
    if is_beside:
        room = Spot(560, top, 560, cover.height - top + 60)
    else:  # below the list, where it has the width
        start = min(low + made.height - 10, cover.height * 0.78)
        room = Spot(330, start, 760, cover.height - start + 30)
    paper.picture(cover.product.image, place(cover.product, room, 0, 1), drop=Drop())
    draw_column(cover, made, (50, low), tones.ink, tones.accent, tones.on_accent)


def _without(cover: Cover, benefits: tuple[str, ...]) -> Cover:
    return replace(cover, facts=replace(cover.facts, number=None, benefits=benefits))


def _sizes(cover: Cover, pair: Pair) -> None:
    paper, tones, told = cover.paper, cover.tones, Told(cover.facts)
    for step in range(0, round(cover.height), 36):
        paper.band(step, step + 2, tones.shade, right=WIDTH)
    for step in range(0, WIDTH, 36):
        paper.band(0, cover.height, tones.shade, left=step, right=step + 2)
    top = _heading(cover, pair, "sizes")
    others = tuple(one for one in told.benefits if not _SIZE.search(one))
    made = row(_without(cover, others), pair, 804, size=40, sign=54)
    low = cover.bottom - (made.height + 40 if made.blocks else 0)
    spot = place(cover.product, Spot(220, top + 20, 600, low - top - 170))
    stand(cover, spot, 0.25)
    if size := told.sizes.get("up"):
        x = spot.x - max(84, _size(size, pair).width / 2 + 44)
        _measure(cover, (x, spot.y), (x, spot.bottom), size, pair)
    if size := told.sizes.get("along"):
        y = spot.bottom + 66
        _measure(cover, (spot.x, y), (spot.right, y), size, pair)
    if made.blocks:
        draw_row(cover, made, (48, low + 40), Inks(tones.ink, tones.accent))


def _measure(cover: Cover, start: tuple[float, float], end: tuple[float, float], size: str, pair: Pair) -> None:
    """Draw a line with its ends and the size in the middle."""
    paper, ink, cap = cover.paper, cover.tones.accent, 26
    is_up = start[0] == end[0]
    paper.line(start, end, 6, ink)
    for x, y in (start, end):
        paper.line((x - cap, y) if is_up else (x, y - cap), (x + cap, y) if is_up else (x, y + cap), 6, ink)
    words = _size(size, pair)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    width = words.width + 52
    left = max(24, middle[0] - width / 2)
    paper.tile(Spot(left, middle[1] - 43, width, 86), 43, ink)
    paper.write(words, (left + 26, middle[1] - 29), cover.tones.on_accent)


def _size(said: str, pair: Pair) -> TextBlock:
    return TextBlock((said,), letters.Style(pair.strong.face, 0, 1.0), 58)


def _near(cover: Cover, pair: Pair) -> None:
    paper, tones, told = cover.paper, cover.tones, Told(cover.facts)
    paper.slope(tones.ground, tones.shade)
    top = _heading(cover, pair, "near")
    wide = cover.product.is_wide
    room = Spot(40, top, 820, (cover.bottom - top) * 0.5) if wide else Spot(-60, top, 600, cover.height - top)
    spot = place(cover.product, room, 0.3, 1)
    paper.picture(cover.product.image, spot, drop=Drop())
    places = finest(cover.product.image, len(told.made), LENS)
    for index, (said, at) in enumerate(zip(told.made, places, strict=False)):
        radius = 168 if index == 0 else 146
        if wide:
            middle = (230 + index * 440, cover.bottom - radius - 90)
        else:
            middle = (WIDTH - radius - 58, top + radius + 10 + index * (cover.bottom - top - 2 * radius - 110))
        _lens(cover, pair, spot, at, (middle, radius, said))


def _lens(
    cover: Cover, pair: Pair, spot: Spot, at: tuple[float, float], shown: tuple[tuple[float, float], float, str]
) -> None:
    """Show a place of the product through a lens, a line to it, words below."""
    paper, image, (middle, radius, said) = cover.paper, cover.product.image, shown
    side = LENS * min(image.size)
    box = (at[0] * image.width - side / 2, at[1] * image.height - side / 2)
    seen = (spot.x + at[0] * spot.width, spot.y + at[1] * spot.height)
    small = side / image.width * spot.width / 2
    paper.line(seen, middle, 4, WHITE, 0.9)
    paper.ring(*seen, small, 5, WHITE)
    part = image.crop((round(box[0]), round(box[1]), round(box[0] + side), round(box[1] + side)))
    flat = Image.new("RGB", part.size, cover.tones.soft)
    flat.paste(part, (0, 0), part)
    paper.disc(*middle, radius + 14, WHITE)
    pixels = paper.px(2 * radius)
    mask = Image.new("L", (pixels * 2, pixels * 2))
    ImageDraw.Draw(mask).ellipse((0, 0, pixels * 2 - 1, pixels * 2 - 1), fill=255)
    corner = (paper.px(middle[0] - radius), paper.px(middle[1] - radius))
    paper.image.paste(flat.resize((pixels, pixels), Image.Resampling.LANCZOS), corner, mask.reduce(2))
    words = letters.fit(said, pair.strong, (330, 110), (42, 34), lines=2)
    width, high = words.width + 52, words.height + 30
    left = min(max(24, middle[0] - width / 2), WIDTH - 24 - width)
    paper.tile(Spot(left, middle[1] + radius - 24, width, high), 28, cover.tones.deep)
    paper.write(words, (left, middle[1] + radius - 9), cover.tones.on_deep, centre=width)


def _points(cover: Cover, pair: Pair) -> None:
    for x in range(18, WIDTH, 36):
        for y in range(18, round(cover.height), 36):
            cover.paper.disc(x, y, 3, cover.tones.shade)
    top, told = _heading(cover, pair, "points"), Told(cover.facts).benefits
    callouts.draw(cover, pair, (*told[SEEN:], *told[:SEEN]), top)  # those that the cover had no room for come first


def _kit(cover: Cover, pair: Pair) -> None:
    paper, tones, told = cover.paper, cover.tones, Told(cover.facts)
    top = _heading(cover, pair, "kit")
    items = [cover.facts.title, *told.contents][:4]
    low = cover.bottom - 108 * len(items)
    paper.tile(Spot(48, top, 804, low - top - 24), 44, tones.soft)
    stand(cover, place(cover.product, Spot(110, top + 30, 680, low - top - 84)), 0.25)
    for index, item in enumerate(items):
        y = low + index * 108
        paper.tile(Spot(48, y, 804, 92), 28, tones.deep)
        paper.disc(102, y + 46, 32, tones.accent)
        figure = TextBlock((str(index + 1),), letters.Style(pair.strong.face, 0, 1.0), 38)
        paper.write(figure, (70, y + 27), tones.on_accent, centre=64)
        words = letters.fit(item, pair.strong, (660, 60), (42, 34), lines=1)
        paper.write(words, (158, y + 46 - words.height / 2), tones.on_deep)


def _one(cover: Cover, pair: Pair, benefit: str) -> None:
    """One benefit with its sign, the number of it large where it has one; each benefit's product stands otherwise."""
    said = saying.read("", (benefit,))
    one, paper, tones = replace(cover, facts=replace(said, kind=cover.facts.kind)), cover.paper, cover.tones
    is_near = Told(cover.facts).benefits.index(benefit) % 2 == 1 if benefit in Told(cover.facts).benefits else False
    paper.disc(WIDTH * (0.72 if is_near else 0.5), cover.height * 0.72, 400 if cover.is_high else 280, tones.shade, 0.7)
    top = cover.top
    if said.number:
        size = figure_size(one, pair.title, 804, 250 if cover.is_high else 170)
        draw_figure(one, pair.title, (48, top), size, tones.accent)
        words, top = said.number.note, top + size * 1.05
        words = words[:1].upper() + words[1:]
    else:
        [icon] = signs.chosen((benefit,), cover.facts.name)
        if icon:
            paper.disc(104, top + 56, 56, tones.accent)
            show_sign(paper, icon, (72, top + 24), 64, tones.on_accent)
            top += 142
        words = benefit
    block = letters.fit(words, pair.title, (804, 300), (100 if cover.is_high else 76, 48), lines=3)
    paper.write(block, (48, top), tones.ink)
    top += block.height + 36
    if is_near:  # so large that the card's edge cuts it
        room = Spot(120, top, 860, cover.height - top + 90)
        paper.picture(cover.product.image, place(cover.product, room, 0.6, 0, 1.25), drop=Drop())
    else:
        stand(cover, place(cover.product, Spot(70, top, 760, cover.bottom - top - 10)), 0.3)


def _white(cover: Cover, pair: Pair) -> None:
    cover.paper.band(0, cover.height, WHITE)
    spot = place(cover.product, Spot(50, cover.height * 0.06, 800, cover.height * 0.88), 0.5, 0.5)
    if not cover.product.hangs:
        cover.paper.contact(spot, 0.2)
    cover.paper.picture(cover.product.image, spot)


SLIDES: dict[str, Callable[[Cover, Pair], None]] = {
    "benefits": _benefits, "sizes": _sizes, "near": _near, "points": _points, "kit": _kit, "white": _white,
}  # fmt: skip
