"""Chooses the designs of a cover: a table says what each takes, and which come first for a kind of product."""

import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from lib.drawing.cover import bold, calm, letters, plain
from lib.drawing.cover.facts import CoverFacts
from lib.drawing.cover.parts import SMALLEST, Cover


@dataclass(frozen=True)
class Takes:
    """What a design takes. `number`: True needs one, False has no place for it, None takes both."""

    draw: Callable[[Cover], None]
    mood: str
    turn: int
    weight: str  # lightness: loud, light or dark; the first three shown differ in it
    aspect: tuple[float, float] = (0.1, 9)  # width to height
    benefits: tuple[int, int] = (0, 9)
    letters: int = 60
    word: float = 900  # units that the title's longest word has, at a size that reads
    column: float = 380  # units that a benefit's longest word has, at the smallest size of type: two share a row
    number: bool | None = None
    hangs: bool = True
    note: bool = True  # says beside the number what it is a number of
    bleeds: frozenset[str] = frozenset()  # edges of the card at which it can stand when the photo cuts it there
    whole: float = 9  # aspect up to which it can have the card's whole height, when the photo cuts its top
    low: float = 9  # aspect up to which it is large beside the words, when the photo cuts its foot


DESIGNS = {
    "bleed": Takes(bold.bleed, "vivid", 0, "loud", bleeds=frozenset({"right", "bottom"}), low=1.0),
    "split": Takes(plain.split, "light", 0, "dark", benefits=(1, 9), letters=34, hangs=False, note=False),
    "number": Takes(bold.number, "tint", 0, "light", (0.2, 2.2), (0, 9), 40, True, False),
    "column": Takes(
        calm.column_,
        "light",
        0,
        "dark",
        (0.1, 0.95),
        (2, 9),
        40,
        column=194,
        word=calm.PANEL,
        bleeds=frozenset({"left", "bottom", "top"}),
        whole=0.55,
    ),
    "pattern": Takes(bold.pattern, "vivid", 1, "loud", letters=38, note=False, bleeds=frozenset({"bottom"})),
    "editorial": Takes(calm.editorial, "paper", 0, "light", (0.62, 9), letters=44),
    "sticker": Takes(bold.sticker, "bright", 0, "loud", (0.62, 2.6), letters=30, note=False),
    "dark": Takes(plain.dark, "dark", 0, "dark", benefits=(1, 9), letters=42),
    "bento": Takes(plain.bento, "light", 0, "light", (0.6, 2.6), (1, 9), column=214),
    "food": Takes(plain.food, "tint", 0, "dark", (0.3, 2.6), letters=40, hangs=False, note=False),
    "soft": Takes(calm.soft, "pastel", 0, "light", (0.25, 1.9), letters=34, hangs=False, note=False),
    "paper": Takes(
        calm.paper, "paper", 0, "light", (0.1, 2.4), (1, 9), 40, 230, hangs=False, bleeds=frozenset({"right"})
    ),
}

# In this order for a kind; what a kind does not name follows after.
KINDS = {
    "tech": ("dark", "bento", "bleed", "column", "number", "split"),
    "home": ("number", "editorial", "bento", "column", "bleed", "dark"),
    "tools": ("split", "number", "dark", "bleed", "bento"),
    "sport": ("split", "bleed", "number", "pattern", "dark"),
    "clothes": ("bleed", "split", "editorial", "pattern", "column"),
    "food": ("food", "paper", "pattern", "dark", "editorial"),
    "beauty": ("soft", "editorial", "column", "dark", "bleed"),
    "kids": ("sticker", "pattern", "bleed", "bento", "soft"),
    "plant": ("paper", "number", "column", "bleed", "editorial"),
    "eco": ("paper", "editorial", "number", "column", "bleed"),
    "lamp": ("dark", "column", "editorial", "bleed", "pattern"),
    "other": ("bleed", "number", "bento", "dark", "editorial", "split"),
}
LAST_RESORT = "bleed"
TITLE = 48  # units: a smaller title does not read on a picture of 300 pixels
DARKEST = 0.3  # lightness of a rim that a dark ground swallows


def fitting(facts: CoverFacts, aspect: float, sides: Collection[str] = (), rim: float = 0.6) -> list[str]:
    """Return the designs that take this product and these words, the best for its kind first.

    The first three differ in lightness as far as those that fit do; which of them leads goes by the title, so that a
    shop's products do not all look alike. A product that its photo cuts at `sides` stands in those designs alone that
    bleed there: maybe in none. One with a dark `rim` comes last in what is dark around it.
    """
    order = [*KINDS[facts.kind], *(name for name in DESIGNS if name not in KINDS[facts.kind])]
    wide = 0 if sides else _word(facts.title, TITLE)  # where few designs are to be had, a small title is better
    whole = [name for name in order if _takes(DESIGNS[name], facts, aspect) and wide <= DESIGNS[name].word]
    able = [name for name in whole or [LAST_RESORT] if _bleeds(DESIGNS[name], facts, aspect, sides)]
    able = [name for name in able if "bottom" not in sides or aspect <= DESIGNS[name].low] or able
    able.sort(key=lambda name: DESIGNS[name].mood == "dark" and rim < DARKEST)
    first: list[str] = []
    for name in able:
        if len(first) < 3 and DESIGNS[name].weight not in {DESIGNS[one].weight for one in first}:
            first.append(name)
    lead = zlib.crc32(facts.title.encode()) % max(1, len(first))
    return [*first[lead:], *first[:lead], *(name for name in able if name not in first)]


def holds(aspect: float, sides: Collection[str]) -> bool:
    """Return whether any design takes a product that its photo cuts at these sides, with words that suit it."""
    return any(
        design.bleeds.issuperset(sides)
        and design.aspect[0] <= aspect <= design.aspect[1]
        and ("top" not in sides or aspect <= design.whole)
        for design in DESIGNS.values()
    )


def _bleeds(design: Takes, facts: CoverFacts, aspect: float, sides: Collection[str]) -> bool:
    if not design.bleeds.issuperset(sides):
        return False
    return "top" not in sides or (aspect <= design.whole and _word(facts.title, 40) <= calm.PANEL)


def _word(title: str, size: float) -> float:
    """Return how wide the longest word of a title is."""
    return max((letters.measure(piece, letters.ONEST.title, size) for piece in letters.bound(title)), default=0)


def _takes(design: Takes, facts: CoverFacts, aspect: float) -> bool:
    count = sum(_longest(benefit) <= design.column for benefit in facts.benefits)
    return (
        design.aspect[0] <= aspect <= design.aspect[1]
        and design.benefits[0] <= count <= design.benefits[1]
        and count >= min(2, len(facts.benefits))
        and facts.letters <= design.letters
        and (design.number is not True or facts.number is not None)
        and (design.hangs or not facts.hangs)
    )


def _longest(benefit: str) -> float:
    return max(letters.measure(piece, letters.ONEST.strong, SMALLEST) for piece in letters.bound(benefit))
