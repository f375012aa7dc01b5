"""What a shop sends by itself: each kind is switched on or off, in our words or the shop's own.

list -> one of them -> [on or off] · [own words] -> words -> one of them
"""

from datetime import timedelta
from typing import Any

from lib import db, errors
from lib.flows import when
from lib.flows.partner import workplace
from lib.loyalty import partners
from lib.loyalty.partners import Partner
from lib.loyalty.staff import Staff
from lib.reach import reminders
from lib.reach.reminders import ShopReminder
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.text import HtmlSentence

# What is said in our words, and around the shop's.
SAMPLES = {
    "expiry": ("loyalty.expires_soon", "loyalty.expires_own"),
    "birthday": ("loyalty.birthday", "loyalty.birthday_own"),
    "cart": ("news.cart", "news.cart_own"),
}


async def handle(turn: Turn) -> None:
    """Show the list or one of them, switch it, or take words for it."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    action, argument = screen.pressed(turn)
    kind, _, wish = argument.partition(":")
    if turn.came.kind == "text" and turn.state.step.startswith("auto:words:"):
        await _take(turn, place, turn.state.step.rpartition(":")[2])
    elif kind not in reminders.KINDS:
        await _list(turn, place)
    elif action == "words":
        turn.state.step = f"auto:words:{kind}"
        await turn.show(turn.text("news.auto.ask"), [screen.home(turn, f"auto:one:{kind}")])
    else:
        known: dict[str, dict[str, Any]] = {"switch": {"is_on": wish == "on"}, "ours": {"words": ""}}
        await _one(turn, place, kind, **known.get(action, {}))


async def _list(turn: Turn, place: Staff) -> None:
    turn.state.step = ""
    found = await db.run(lambda conn: reminders.of_shop(conn, place.partner_id))
    rows = [
        [Button(f"{'✅' if one.is_on else '⬜️'} {turn.text(f'news.auto.{kind}')}", f"auto:one:{kind}")]
        for kind, one in found.items()
    ]
    await turn.show(turn.text("news.auto", title=place.title), [*rows, screen.home(turn, "cast:list")])


async def _one(turn: Turn, place: Staff, kind: str, **changes: Any) -> None:
    """Show a kind, after changing it if that was asked for."""
    turn.state.step = ""
    one = await db.run(lambda conn: _changed(conn, place.partner_id, kind, **changes))
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    state = turn.text("news.auto.on" if one.is_on else "news.auto.off")
    words = turn.text("news.auto.one", name=turn.text(f"news.auto.{kind}"), state=state, words=_sample(turn, shop, one))
    idle = turn.text(f"news.auto.idle.{kind}") if one.is_on and _is_idle(shop, kind) else ""
    wish = "off" if one.is_on else "on"
    rows = [[screen.button(turn, f"news.button.auto_{wish}", f"auto:switch:{kind}:{wish}")]]
    if kind != "rating":  # its question has numbers to press, and the words of the talk that follows
        rows.append([screen.button(turn, "news.button.auto_words", f"auto:words:{kind}")])
    rows += [[screen.button(turn, "news.button.auto_ours", f"auto:ours:{kind}")]] if one.words else []
    await turn.show(screen.paragraphs(words, idle), [*rows, screen.home(turn, "auto:list")])


def _is_idle(shop: Partner, kind: str) -> bool:
    """Whether the shop's rules leave nothing to be told of this kind, however it is switched."""
    if kind == "expiry":
        return not (shop.expire_days and shop.remind_days)
    return kind == "birthday" and not shop.birthday_points


def _sample(turn: Turn, shop: Partner, one: ShopReminder) -> str:
    """Return the message as a client would read it: with the shop's gift, and figures that are made up."""
    if one.kind == "away":
        return one.words or turn.text("news.auto.away_words")
    if one.kind == "rating":
        return HtmlSentence(turn.text("partner.push.rate", title=shop.title))
    points = shop.birthday_points if one.kind == "birthday" and shop.birthday_points else 120
    fields = {"shop": shop.title, "points": points, "items": 2, "day": when.today(turn) + timedelta(days=7)}
    fields |= {"words": one.words} if one.words else {}
    return HtmlSentence(turn.text(SAMPLES[one.kind][bool(one.words)], **fields))


async def _changed(conn: db.Connection, partner_id: int, kind: str, **changes: Any) -> ShopReminder:
    if changes:
        return await reminders.change(conn, partner_id, kind, **changes)
    return (await reminders.of_shop(conn, partner_id))[kind]


async def _take(turn: Turn, place: Staff, kind: str) -> None:
    try:
        await _one(turn, place, kind, words=turn.came.text.strip())
    except errors.Invalid as error:
        turn.state.step = f"auto:words:{kind}"
        note = turn.text(f"news.error.{error.code}", detail=error.detail)
        await turn.show(screen.paragraphs(note, turn.text("news.auto.ask")), [screen.home(turn, f"auto:one:{kind}")])
    except errors.Missing:
        await _list(turn, place)
