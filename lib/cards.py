"""What a card may be: its presets and price, and which words may stand on it.

A seller's message is data: its first line is the title, the next ones are benefits. It is cleaned and measured here,
before anything is paid; the renderer sees nothing else of it. Marketplace rules: facts quoted in `_FORBIDDEN`.
"""

import re
import unicodedata
from dataclasses import dataclass

from lib import errors

MARKETPLACES = ("wb", "ozon")

TITLE_LIMIT = 60
BENEFIT_LIMIT = 40
BENEFITS = 3

_BULLET = re.compile(r"^\s*(?:[-–—•·*✓✔✅▪●]+|\d{1,2}[.)])\s+")
_INLINE = re.compile(r"\s*(?:;|\||•)\s*")

# Wildberries and Ozon hide cards with prices, contacts, promotions or superlatives in the picture.
_FORBIDDEN = {
    kind: re.compile("|".join(patterns), re.IGNORECASE)
    for kind, patterns in {
        "contact": (
            r"https?://\S+",
            r"\b(?:www\.|t\.me/)\S+",
            r"\S+@\S+\.\w+",
            r"(?:^|(?<=\s))@[A-Za-z]\w{2,}",
            r"\b[\w-]+\.(?:ru|рф|com|su|shop|store|kz|by|net|org)\b",
            r"(?:\+7|\b8)[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}\b",
            r"\b(?:whats?app|ватсап\w*|telegram|телеграмм?|instagram|инстаграмм?)\b",
        ),
        "price": (
            r"\d[\d\s.,]*\s?(?:₽|€|\$|₸|руб(?:\.|\b|ля\b|лей\b)|р\.(?=\s|$))",
            r"[-–−]\s?\d+\s?%",
            r"\b(?:скидк\w*|sale|кэшб[еэ]к\w*|cashback)(?:\s+(?:до\s+)?\d+\s?%)?",
        ),
        "promotion": (
            r"\b(?:акци[яию]\w*|распродаж\w*|бестселлер\w*|best\s?seller)\b",
            r"\b(?:супер)?хит(?:\s+продаж)?\b",
            r"\bтоп[\s-](?:продаж|\d+)",
        ),
        "superlative": (r"\b(?:самый\s+)?лучш(?:ий|ая|ее|ие|его|ей)\b", r"(?:№|\#|\bno\.?)\s?1\b", r"\bnumber one\b"),
    }.items()
}
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|\*\*|__|`+|~~|\|\|")


@dataclass(frozen=True)
class Words:
    """The words of a card: a title and up to three benefits, clean and short enough to be drawn."""

    title: str
    benefits: tuple[str, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Finding:
    """Words that a marketplace would refuse: the kind of rule and the words themselves."""

    kind: str
    words: str


def read_words(message: str) -> Words:
    """Return the words of a seller's message; raise Invalid with `title_empty`, `title_long` or `benefit_long`.

    The error's detail is the length of a title, or the words of a benefit, that are too long.
    """
    lines = [line for line in map(_clean, message.splitlines()) if line]
    if len(lines) == 1:
        lines = [part for part in _INLINE.split(lines[0]) if part]
    if not lines:
        raise errors.Invalid("title_empty")
    title, *benefits = lines
    if len(title) > TITLE_LIMIT:
        raise errors.Invalid("title_long", str(len(title)))
    for benefit in benefits[:BENEFITS]:
        if len(benefit) > BENEFIT_LIMIT:
            raise errors.Invalid("benefit_long", benefit[: BENEFIT_LIMIT + 20])
    return Words(title, tuple(benefits[:BENEFITS]), max(0, len(benefits) - BENEFITS))


def check_words(preset: str, title: str, benefits: tuple[str, ...]) -> list[Finding]:
    """Return all that the preset's marketplace would refuse in these words, each thing once."""
    if preset not in MARKETPLACES:
        return []
    found = (
        Finding(kind, match.group().strip())
        for line in (title, *benefits)
        for kind, pattern in _FORBIDDEN.items()
        for match in pattern.finditer(line)
    )
    return list(dict.fromkeys(found))


def _clean(line: str) -> str:
    """Return the line without markup, bullets, emoji, control and joining characters, its spaces single."""
    kept = "".join(map(_drawable, unicodedata.normalize("NFC", _MARKUP.sub("", line))))
    return " ".join(_BULLET.sub("", kept).split())


def _drawable(character: str) -> str:
    if character.isspace():
        return " "
    return character if unicodedata.category(character)[0] in "LNPSM" and not _picture(character) else ""


def _picture(character: str) -> bool:
    """Tell whether no font on a card has the character: emoji, dingbats, private use, modifiers."""
    code = ord(character)
    return code >= 0x1F000 or 0x2190 <= code <= 0x2BFF or code in (0x200D, 0xFE0F, 0x20E3)
