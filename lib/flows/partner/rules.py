"""The rules of the programme: what is earned, how it is spent, how long it lives, what an invitation brings; the tiers.

home -> edit (one of RULES) -> a quick button or typed -> home
home -> tiers -> typed, a line for each -> tiers

What is chosen is checked here for its form and by the table for its bounds; the ledger reads it at the next bill.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib import db, errors, money, text, typed
from lib.flows.partner import workplace
from lib.loyalty import offers, partners
from lib.loyalty.offers import Tier
from lib.loyalty.partners import Partner
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


@dataclass(frozen=True)
class Rule:
    """One setting: how it is answered, its quick choices, its bound.

    The forms are percent, whole, money, sums, shares and words, which are typed, switch, zone and picture. A switch and
    a zone, out of `partners.ZONES`, are chosen only; a picture is sent, and taken away by a word.
    """

    form: str
    choices: tuple[int, ...] = ()
    most: int = 0


RULES = {
    "earn_bp": Rule("percent", (300, 500, 700, 1000), 5000),
    "confirm_spending": Rule("switch", (1, 0)),
    "max_pay_pct": Rule("whole", (20, 30, 50, 100), 100),
    "hold_days": Rule("whole", (0, 1, 7, 14), 90),
    "expire_days": Rule("whole", (0, 90, 180, 365), 3650),
    "remind_days": Rule("whole", (0, 3, 7, 14), 60),
    "welcome_points": Rule("whole", (0, 50, 100, 200), 100_000),
    "birthday_points": Rule("whole", (0, 100, 200, 500), 100_000),
    "referral_levels": Rule("whole", (0, 1, 2, 3), 3),
    "referral_bp": Rule("shares", (), 1000),
    "quick_amounts": Rule("sums", (), 6),
    "max_bill_minor": Rule("money", (1_000_000, 5_000_000, 10_000_000, 100_000_000), 1_000_000_000),
    "photo": Rule("picture"),
    "tz": Rule("zone", tuple(range(len(partners.ZONES)))),
    "contact": Rule("words", (), 80),
    "address": Rule("words", (), 160),
    "about": Rule("words", (), 600),
}


ZONES = list(partners.ZONES)

# How a rule's question ends where it is not answered by a button or by words.
NOW = {**dict.fromkeys(("zone", "switch"), "partner.rules.now_choose"), "picture": "partner.rules.now_send"}


async def handle(turn: Turn) -> None:
    """Show the rules, or one of them, or take a new value."""
    wanted, argument = screen.pressed(turn)
    name, _, rest = argument.partition(":")
    # a digest's button is of its own shop, whichever was chosen last
    place = await workplace.at_work_in(turn, rest if wanted == "edit" else "")
    if place is None:
        return
    step = turn.state.step.partition(":")[2]
    if wanted == "edit" and name in RULES:
        await _edit(turn, place, name)
    elif wanted == "set":
        await _set(turn, place, name, rest)
    elif wanted in ("tiers", "untier"):
        await (_tiers(turn, place) if wanted == "tiers" else _save_tiers(turn, place, []))
    elif turn.came.attachment and step == "photo":
        await _sent(turn, place)
    elif turn.came.kind == "text" and step in RULES:
        await _typed(turn, place, step)
    elif turn.came.kind == "text" and step == "tiers":
        await _typed_tiers(turn, place)
    else:
        await _home(turn, place)


async def _shop(place: Staff) -> Partner:
    return await db.run(lambda conn: partners.get(conn, place.partner_id))


async def _home(turn: Turn, place: Staff, note: str = "") -> None:
    turn.state.step = ""
    shop = await _shop(place)
    tiers = await db.run(lambda conn: offers.tiers(conn, place.partner_id))
    fields = {name: _shown(turn, name, getattr(shop, name)) for name in RULES}
    shown = ", ".join(tier.title for tier in tiers) or turn.text("partner.rules.none")
    shares = shop.referral_bp[: shop.referral_levels]
    fields["referral"] = _shown(turn, "referral_bp", shares) if shares else fields["referral_levels"]
    words = turn.text("partner.rules.home", title=shop.title, tiers=shown, **fields)
    rows = screen.in_rows([screen.button(turn, f"partner.button.{name}", f"rules:edit:{name}") for name in RULES])
    rows.append(
        [
            screen.button(turn, "partner.button.hours", "hours:home"),
            screen.button(turn, "partner.button.tiers", "rules:tiers"),
        ]
    )
    await turn.show(screen.paragraphs(note, words), [*rows, screen.home(turn)])


def _shown(turn: Turn, name: str, value: Any) -> str:
    """Return a setting as people read it."""
    form = RULES[name].form
    if form == "zone":
        zone = value if isinstance(value, str) else list(partners.ZONES)[value]
        return turn.text(f"zone.{zone.partition('/')[2].lower()}") if zone in partners.ZONES else zone
    if form == "picture":
        return turn.text("partner.rules.photo.there" if value else "partner.rules.none")
    value = value or (list(workplace.QUICK) if form == "sums" else value)
    if value in (0, "", []):
        return turn.text(f"partner.rules.{name}.zero" if value == 0 else "partner.rules.none")
    if form == "percent":
        return text.percent(turn.language, value)
    if form == "shares":
        return ", ".join(text.percent(turn.language, share) for share in value)
    if form == "money":
        return text.money(turn.language, value)
    if form == "sums":
        return " · ".join(text.money(turn.language, one) for one in value)
    if form == "whole":
        return turn.text(f"partner.rules.{name}.value", value=value * 100 if name == "max_pay_pct" else value)
    return turn.text(f"partner.rules.{name}.value") if form == "switch" else str(value)


async def _edit(turn: Turn, place: Staff, name: str, note: str = "") -> None:
    turn.state.step = f"rules:{name}"
    shop = await _shop(place)
    value = _shown(turn, name, getattr(shop, name))
    now = NOW.get(RULES[name].form, "partner.rules.now")
    words = f"{turn.text(f'partner.rules.{name}')}\n\n{turn.text(now, value=value)}"
    choices = [Button(_shown(turn, name, one), f"rules:set:{name}:{one}") for one in RULES[name].choices]
    rows = [*screen.in_rows(choices), screen.home(turn, "rules:home")]
    await turn.show(screen.paragraphs(note, words), rows)


async def _sent(turn: Turn, place: Staff) -> None:
    """Keep the logo by Telegram's id of it, which is this bot's."""
    logo = turn.came.attachment
    if logo is None or logo.kind != "photo":
        await _edit(turn, place, "photo", turn.text("partner.rules.photo.as_photo"))
    else:
        await _save(turn, place, "photo", logo.file_id)


async def _set(turn: Turn, place: Staff, name: str, choice: str) -> None:
    value = screen.number(choice)
    if name in RULES and value in RULES[name].choices:
        form = RULES[name].form
        await _save(turn, place, name, ZONES[value] if form == "zone" else bool(value) if form == "switch" else value)
    else:
        await _home(turn, place)


async def _typed(turn: Turn, place: Staff, name: str) -> None:
    rule = RULES[name]
    try:
        said = turn.came.text.strip()
        value = READ[rule.form](said if rule.form == "words" else typed.plain(said), rule.most)
    except errors.Invalid as error:
        await _edit(turn, place, name, workplace.refusal(turn, error))
        return
    await _save(turn, place, name, value)


async def _save(turn: Turn, place: Staff, name: str, value: Any) -> None:
    try:
        await db.run(lambda conn: partners.change(conn, place.partner_id, turn.state.who["id"], **{name: value}))
    except errors.AppError as error:
        await _edit(turn, place, name, workplace.refusal(turn, error))
        return
    await _home(turn, place, turn.text("partner.rules.saved"))


async def _tiers(turn: Turn, place: Staff, note: str = "") -> None:
    turn.state.step = "rules:tiers"
    tiers = await db.run(lambda conn: offers.tiers(conn, place.partner_id))
    lines = [
        turn.text("partner.rules.tier", title=tier.title, spent=tier.min_spent_minor, share=tier.earn_bp)
        for tier in tiers
    ]
    parts = [note, turn.text("partner.rules.tiers"), "\n".join(lines)]
    rows = [[screen.button(turn, "partner.button.no_tiers", "rules:untier")]] if tiers else []
    await turn.show(screen.paragraphs(*parts), [*rows, screen.home(turn, "rules:home")])


async def _typed_tiers(turn: Turn, place: Staff) -> None:
    """Take a line for each tier: its name, from how much spent, and the percent."""
    wanted = []
    for line in map(typed.line, turn.came.text.strip().splitlines()[:11]):
        found = re.fullmatch(
            r"(.{1,40}?)[\s,;:-]+(\d{1,3}(?:[,']\d{3})+|\d[\d ]*)\s*(?:₽|руб\.?|р\.?)?"
            r"[\s,;:-]+(\d{1,2}(?:[.,]\d)?)\s*%?",
            line,
            re.ASCII,
        )
        if not found:
            await _tiers(turn, place, turn.text("partner.rules.tier_unclear", line=line[:60]))
            return
        spent = int(re.sub(r"\D", "", found[2])) * 100
        title, share = typed.unquoted(found[1].strip()), round(float(found[3].replace(",", ".")) * 100)
        wanted.append(Tier(title, min(spent, 10**12), share))
    await _save_tiers(turn, place, wanted)


async def _save_tiers(turn: Turn, place: Staff, wanted: list[Tier]) -> None:
    try:
        await db.run(lambda conn: offers.set_tiers(conn, place.partner_id, turn.state.who["id"], wanted))
    except errors.AppError as error:
        await _tiers(turn, place, workplace.refusal(turn, error))
        return
    await _tiers(turn, place, turn.text("partner.rules.saved"))


# Between the numbers of a list; a comma within a number has no space behind it.
_LISTED = re.compile(r"(?:,(?=\s)|[\s;%/])+")


def _read_percent(words: str, most: int) -> int:
    found = re.fullmatch(r"(\d{1,2})(?:[.,](\d{1,2}))?\s*%?", words, re.ASCII)
    value = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else -1
    if not 0 <= value <= most:
        raise errors.Invalid("bad_percent")
    return value


def _read_whole(words: str, most: int) -> int:
    digits = re.sub(r"\s|дней|дня|день|дн\.?|days?|балл(?:ов|а)?|points?|%", "", words, flags=re.IGNORECASE)
    if not re.fullmatch(r"\d{1,9}", digits, re.ASCII) or int(digits) > most:
        raise errors.Invalid("bad_setting")
    return int(digits)


def _read_money(words: str, most: int) -> int:
    return money.parse(words, limit=most)


def _read_sums(words: str, most: int) -> list[int]:
    sums = [money.parse(one, limit=1_000_000_000) for one in _LISTED.split(words) if one]
    if not 1 <= len(sums) <= most:
        raise errors.Invalid("bad_setting")
    return sums


def _read_shares(words: str, most: int) -> list[int]:
    shares = [_read_percent(one, most) for one in _LISTED.split(words) if one]
    if not 1 <= len(shares) <= 3:
        raise errors.Invalid("bad_setting")
    return [*shares, 0, 0][:3]


def _read_picture(words: str, _: int) -> str:
    if not typed.is_nothing(words):
        raise errors.Invalid("send_picture")
    return ""


def _read_zone(words: str, _: int) -> str:
    raise errors.Invalid("use_buttons", words[:40])


def _read_words(words: str, most: int) -> str:
    if len(words) > most:
        raise errors.Invalid("too_long", str(most))
    return "" if typed.is_nothing(words) else words


def _read_switch(words: str, most: int) -> bool:
    raise errors.Invalid("bad_setting")  # by a button only


READ: dict[str, Callable[[str, int], Any]] = {
    "percent": _read_percent,
    "whole": _read_whole,
    "money": _read_money,
    "sums": _read_sums,
    "shares": _read_shares,
    "words": _read_words,
    "zone": _read_zone,
    "switch": _read_switch,
    "picture": _read_picture,
}
