"""The rules for a card: its presets, its price, and which words may stand on it.

A seller's message is data: its first line is the title, the next ones are benefits. It is cleaned and measured here,
before anything is paid; the renderer sees nothing else of it. Marketplace rules: facts quoted in `_FORBIDDEN`.
"""

import re
import unicodedata
from dataclasses import dataclass

from lib import errors
from lib.studio import moderation

MARKETPLACES = ("wb", "ozon")

TITLE_LIMIT = 60
BENEFIT_LIMIT = 40
BENEFITS = 6  # a cover shows the first two to four that fit it, the slides of a set all

_BULLET = re.compile(r"^\s*(?:[-–—•·*✓✔✅▪●]+|\d{1,2}[.)])\s+")
_INLINE = re.compile(r"\s*(?:;|\||•)\s*")

# The word stands before or behind its number: 1 and 2 are linen sets, 15 to 48 a shoe's sizes, all else is a sum.
_EURO = r"(?:eur|euro|евро)"
_SUM = r"(?<![\d.,])(?:\d+[.,]\d\d|[3-9]|1[0-4]|49|[5-9]\d|\d{3,})"
_IN_EURO = rf"(?:\d+(?:[.,]\d+)?\s?{_EURO}|\b{_EURO}\s?\d+(?:[.,]\d+)?)\b"

# Wildberries and Ozon hide cards with prices, contacts, promotions, superlatives or promises of delivery in a picture.
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
            r"\d[\d\s.,]*\s?(?:[₽€$₸£₴¥]|(?:руб(?:\.|ль|ля|лей|)|тенге|доллар\w*)(?!\w)|р\.(?=\s|$))",
            r"(?:[₽€$₸£₴¥]|\b(?:руб(?:\.|л[ьяей]+)?|usd|rub))\s?\d(?:[\d\s.,]*\d)?",
            rf"(?:{_SUM}\s?{_EURO}|\b{_EURO}\s?{_SUM})(?=\s*(?:$|[,.;:!)/]))",
            rf"\b(?:only|just|за|всего)\s+{_IN_EURO}|{_IN_EURO}(?=\s+за\b)",
            r"\b(?:[2-9]\d\d|\d{4,})\s?р\b(?!-)",  # and not size 54 р, nor a child's 104 р
            r"(?<!\d)(?<!\d\s)[-–−]\s?\d+\s?%",  # and not 95–100 %
            r"\b\d+\s?%\s+(?:off|discount)\b|\bsave\s(?:up\sto\s)?\d+\s?%$|\d[\d\s.,]*\s?(?:rou?bles?|rub|usd|dollars?|euros)\b",
            r"\b(?:скидк\w*|sale\b|discount\w*|кэшб[еэ]к\w*|cashback)(?:\s+(?:до\s+)?\d+\s?%)?",
            r"\b(?:цен[аыеу]|price)\b[\s:=–—-]*(?:(?:от|до|всего|только|from|only|just)\s+)?\d(?:[\d\s.,]*\d)?",
            r"(?<!\bсам\w\w\s)\b(?:низк|выгодн|доступн|приятн|хорош|отличн|честн|оптов)\w+\s+цен(?:[аыеу]|ой|ам|ами|ах)\b",
            r"\bсупер[\s-]?цен[аыеу]\b|\b(?:low|great|good|fair|special|affordable|cheap|half)[\s-]prices?\b(?!\s+tags?\b)",
        ),
        "promotion": (
            r"\b(?:акци[яию]\w*|распродаж\w*|бестселлер\w*|best[\s-]?sell(?:er|ing)|special offer)\b",
            r"\b(?:супер)?хит(?:\s+продаж)?\b",
            r"\bтоп[\s-](?:продаж|(?:1|3|5|10|20|50|100)\b(?!\s*(?:шт|размер)))",  # and not a top of size 44
        ),
        "superlative": (
            r"\b(?:самый\s+)?лучш(?:ий|ая|ее|ие|его|ей)\b",
            r"\b(?:сам(?:ый|ая|ое|ые|ой|ую|ым|ых)\s+(?:(?:деш[её]в|выгодн)\w+|низк\w+\s+цен\w+)|дешевле\s+(?:всех|не\s+найд\w+))",
            r"(?:№|\#|\bno\.?)\s?1\b",
            r"\b(?:number one|the best|(?:the\s+)?cheapest|(?:the\s+)?(?:best|lowest)\s+price\w*)\b",
        ),
        "delivery": (  # the promise alone: a bag for deliveries is a bag
            r"\b(?:доставим|доставляем|привез[её]м|отправим|отправляем|отгрузим)\b(?:\s+(?:за|в|до)\s+\w+)?",
            r"(?<!для\s)\b(?:бесплатн|быстр|экспресс|срочн|курьерск|скор)\w*(?:\s+|-)доставк\w*",
            r"(?:^\s*|[,.;:!+]\s*)доставк[аиу]\b(?:\s+(?:за|в|до|по)\s+\w+)?",
            r"\bдоставк\w*\s+(?:бесплатн\w*|сегодня|завтра|за\s+\w+|в\s+день\s+заказа|по\s+(?:всей|росси|москв|город)\w*)",
            r"\b(?:отправк|отгрузк)\w*\s+(?:сегодня|завтра|за\s+\w+|в\s+(?:день|течение)\s+\w+)",
            r"\b(?:free|fast|express|quick|same[\s-]day|next[\s-]day)\s+(?:delivery|shipping|dispatch)\b",
            r"\b(?:delivered|ships|shipped|dispatched|we\s+(?:deliver|ship))\s+(?:in|within|today|tomorrow|the\s+same\s+day)\b",
        ),
    }.items()
}
# What reads like one of those, and is a size or a modest word: it is passed over.
_HARMLESS = re.compile(
    r"\b(?:размеры?|рост|size)[\s:]*(?:\d{2,3}\s?[-–/,]\s?)?1?\d{1,2}\s?р\.?(?=\W|$)"
    rf"|\b(?:размеры?|size)[\s:]*(?:\d\d(?:[.,]5)?\s?{_EURO}|{_EURO}\s?\d\d(?:[.,]5)?)\b"
    r"|\b(?:евро|euro)\s?[1-6]\b|\d\s?[x×х*]\s?\d+\s?(?:см\s?)?евро\b"  # the class of a fuel; a bed's cover
    r"|\b(?:кпб|бель[её]|простын|пододеяльник|одеял|плед|покрывал|наматрас)\w*[^,;]*\bевро\b"
    r"|\b(?:not\s+the\s+(?:cheapest|best)|не\s+сам\w+\s+(?:лучш|деш[её]в|выгодн)\w+)\b",
    re.IGNORECASE,
)
# The signs that the fonts of a card have: Latin, Greek, Cyrillic, and what stands between words. A test asks the fonts.
_DRAWN = re.compile(
    "[!-\u0148\u014a-\u017f\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u0259\u0300-\u0304\u0306-\u030a\u030c"
    "\u037e-\u03ce\u0400-\u0479\u048a-\u049d\u04a0-\u04ff\u1e9e\u1ea0-\u1ef9\u2010-\u2027\u2030-\u203a\u2044"
    "\u20a9-\u20af\u20b4\u20b5\u20b8-\u20ba\u20bc-\u20be\u2103\u2109\u2116\u2117\u2122\u2126\u2150-\u217f"
    "\u2212\u221a\u221e\u2248\u2260\u2264\u2265]+"
)
_LOST_LIMIT = 60  # characters of the words that are named to the seller
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|\*\*|__|`+|~~|\|\|")


@dataclass(frozen=True)
class Words:
    """The words of a card: a title and up to six benefits, clean and short enough to be drawn.

    `lost` names the words whose letters no font of ours has.
    """

    title: str
    benefits: tuple[str, ...]
    left_out: int = 0
    lost: str = ""


@dataclass(frozen=True)
class RefusedWords:
    """Words that a marketplace would refuse: the kind of rule and the words themselves."""

    kind: str
    words: str


def read_words(message: str) -> Words:
    """Return the words of a seller's message; raise Invalid: title_empty, title_unprintable, title_long, benefit_long.

    The error's detail is the length of a title, or the words of a benefit, that are too long, or that no font has.
    """
    lost = _lost(message)
    lines = [line for line in map(drawn, message.splitlines()) if line]
    if len(lines) == 1:
        lines = [part for part in _INLINE.split(lines[0]) if part]
    if not lines:
        raise errors.Invalid("title_unprintable", lost) if lost else errors.Invalid("title_empty")
    title, *benefits = lines
    if len(title) > TITLE_LIMIT:
        raise errors.Invalid("title_long", str(len(title)))
    for benefit in benefits[:BENEFITS]:
        if len(benefit) > BENEFIT_LIMIT:
            raise errors.Invalid("benefit_long", benefit[: BENEFIT_LIMIT + 20])
    return Words(title, tuple(benefits[:BENEFITS]), max(0, len(benefits) - BENEFITS), lost)


def check_words(preset: str, title: str, benefits: tuple[str, ...]) -> list[RefusedWords]:
    """Return all that the preset's marketplace would refuse in these words, each thing once."""
    if preset not in MARKETPLACES:
        return []
    found = (
        RefusedWords(kind, match.group().strip())
        for line in (title, *benefits)
        for kind, pattern in _FORBIDDEN.items()
        for match in pattern.finditer(_HARMLESS.sub("·", line))
    )
    return list(dict.fromkeys(found))


def is_allowed(line: str) -> bool:
    """Say whether no marketplace refuses a line, and no rule of ours: only such a line is proposed to a seller."""
    return not moderation.check_words([line]) and not any(check_words(market, line, ()) for market in MARKETPLACES)


def drawn(line: str) -> str:
    """Return a line as a card shows it: without markup, bullets, emoji and what no font has, its spaces single."""
    kept = "".join(map(_drawable, unicodedata.normalize("NFC", _MARKUP.sub("", line))))
    return " ".join(_BULLET.sub("", kept).split())


def _drawable(sign: str) -> str:
    """Return the sign, or the plain one that it is a form of (a full-width digit, say), or nothing."""
    if sign.isspace():
        return " "
    if unicodedata.category(sign)[0] not in "LNPSM":
        return ""
    plain = sign if _DRAWN.fullmatch(sign) else unicodedata.normalize("NFKC", sign)
    return plain if _DRAWN.fullmatch(plain) else ""


def _lost(message: str) -> str:
    """Return the words with a letter or a digit that cannot be drawn; emoji are nobody's words."""
    words = unicodedata.normalize("NFC", message).split()
    found = (word for word in words if any(sign.isalnum() and not _drawable(sign) for sign in word))
    return " ".join(dict.fromkeys(found))[:_LOST_LIMIT]
