"""A seller's own style, used by all their cards with words and by their clips until they remove it.

It is a logo, two colours, one pair of faces.
"""

import re
from dataclasses import dataclass
from typing import Any

from lib import db, errors, log, storage, typed
from lib.providers.contract import OwnStyle

SQL = db.load("brands")

TASK = "brand"
PAIRS = ("onest", "unbounded", "oswald", "cormorant", "rubik", "yeseva", "bitter")
# Ready colours: accent and ground.
PALETTES = {
    "red": ("#d81f2a", "#fff6f0"),
    "green": ("#1f7a4d", "#eef3e6"),
    "blue": ("#1d4ed8", "#e9f0fb"),
    "gold": ("#c79a3b", "#191715"),
    "pink": ("#c2417c", "#fbeaf1"),
    "black": ("#111111", "#ffd400"),
}
# Colours by name, in both languages; the Russian ones take the endings of an adjective.
NAMED = {
    "#d81f2a": ("красн", "red"), "#1d4ed8": ("син", "blue"), "#5aa9e6": ("голуб", "sky"),
    "#1f7a4d": ("зелен", "green"), "#ffd400": ("желт", "yellow"), "#f26b1d": ("оранжев", "orange"),
    "#e86aa6": ("розов", "pink"), "#7a3ea8": ("фиолетов", "purple", "violet"), "#ffffff": ("бел", "white"),
    "#111111": ("черн", "black"), "#8a8d91": ("сер", "grey", "gray"), "#6b4226": ("коричнев", "brown"),
    "#ead9c0": ("бежев", "beige"), "#c79a3b": ("золот", "gold", "golden"), "#7b1e34": ("бордов", "бордо", "burgundy"),
    "#1fa6a0": ("бирюзов", "turquoise"), "#c2417c": ("малинов", "crimson"),
}  # fmt: skip
_BETWEEN = {"и", "на", "с", "фон", "акцент", "цвет", "and", "on", "with", "background", "accent", "colour", "color"}
_HARD = "ы(?:[йехм]|ми)|о(?:[йеюм]|го|му)?|ая|ую"  # красный, красно-…
_SOFT = "и(?:[йехм]|ми)|е(?:[йеюм]|го|му)?|яя|юю"  # синий, сине-…: of голубей, "pigeons", it would make a colour
_WORD = re.compile(r"[^\W\d_]+")
_HEX = re.compile(r"(?<![\w#])#?((?<=#)[0-9a-f]{3}|[0-9a-f]{6})(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Brand:
    """The style: `logo` is a path in storage, `accent` and `ground` are #rrggbb, what is empty is the design's own."""

    logo_id: int | None = None
    logo: str = ""
    accent: str = ""
    ground: str = ""
    pair: str = ""


@dataclass(frozen=True)
class LastProduct:
    """The photo and the words of a person's newest order, to show a style on."""

    pathname: str
    title: str
    benefits: list[str]


async def get(conn: db.Connection, user_id: int) -> Brand | None:
    """Return a person's style; None when there is none."""
    return await SQL.get_brand.one(conn, Brand, user_id=user_id)


async def keep(
    conn: db.Connection,
    user_id: int,
    *,
    logo_id: int | None = None,
    accent: str | None = None,
    ground: str | None = None,
    pair: str | None = None,
) -> None:
    """Change what is given; "" gives a colour or the faces back to the design, and 0 takes the logo away."""
    facts: dict[str, Any] = {"logo_id": logo_id, "accent": accent, "ground": ground, "pair": pair}
    await SQL.keep_brand.run(conn, user_id=user_id, **facts)


async def drop(conn: db.Connection, user_id: int) -> None:
    """Remove a person's style; the file of its logo goes with the next tidying."""
    await SQL.drop_brand.run(conn, user_id=user_id)


async def last_product(conn: db.Connection, user_id: int) -> LastProduct | None:
    """Return the person's newest product of which the photo is still kept."""
    return await SQL.last_product.one(conn, LastProduct, user_id=user_id)


async def own(user_id: int) -> OwnStyle:
    """Return a person's style as it is drawn with; without a logo when that cannot be had now."""
    brand = await db.run(lambda conn: get(conn, user_id))
    if brand is None:
        return OwnStyle()
    try:
        logo = await storage.get(brand.logo) if brand.logo else b""
    except errors.Missing:
        log.event("logo_gone", user_id=user_id)
        logo = b""
    return OwnStyle(logo, brand.accent, brand.ground, brand.pair)


def colours(words: str) -> list[str]:
    """Return the colours that a text names, at most two, as #rrggbb: by their figures, else by words alone."""
    found = [match.lower() for match in _HEX.findall(typed.latin(words))]
    figures = [f"#{one if len(one) == 6 else ''.join(sign * 2 for sign in one)}" for one in found]
    named = [_named(word) for word in _WORD.findall(words.lower().replace("ё", "е")) if word not in _BETWEEN]
    return (figures or (named if all(named) else []))[:2]


def _named(word: str) -> str:
    """Return the colour that a word is the name of; "" for any other word."""
    return next((colour for colour, pattern in _NAMES.items() if pattern.fullmatch(word)), "")


def _name(stem: str) -> str:
    return f"{stem}(?:{_SOFT if stem == 'син' else _HARD if stem > 'z' else 'ish'})?"


_NAMES = {colour: re.compile("|".join(map(_name, stems))) for colour, stems in NAMED.items()}
