"""Decides what waits for an administrator: applications of shops, their services and promotions.

home -> list -> one of them -> approve (at once, for the words that were shown), refuse with a reason (act)
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lib import db, errors
from lib.flows import when
from lib.flows.admin import lists
from lib.jobs import kick
from lib.loyalty import offers
from lib.loyalty.partners import Partner
from lib.office import shops
from lib.telegram import client, screen
from lib.telegram.client import Button, Picture
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

WEEKDAYS = 127


@dataclass(frozen=True)
class ShownThing:
    """What an administrator has before their eyes: which thing, as it stood, and the mark of its words."""

    of: str
    was: str
    mark: str


JUDGED = DraftKey("judged", ShownThing)


async def handle(turn: Turn) -> None:
    """Show what a button asks for, or approve what is on the screen."""
    action, argument = screen.pressed(turn)
    await lists.found(turn, SCREENS.get(action, _home)(turn, argument))


async def _home(turn: Turn, _: str) -> None:
    waits = await db.run(shops.to_decide)
    numbers = {"partner": waits.partners, "service": waits.services, "promotion": waits.promotions}
    rows = [[Button(_counted(turn, kind, waiting), f"moderate:list:{kind}")] for kind, waiting in numbers.items()]
    rows.append([Button(_counted(turn, "broadcast", waits.broadcasts), "casts:review")])
    key = "admin.moderate" if any((*numbers.values(), waits.broadcasts)) else "admin.moderate.none"
    await turn.show(turn.text(key), [*rows, screen.home(turn, "menu:home")])


def _counted(turn: Turn, kind: str, waiting: int) -> str:
    return turn.text(f"admin.kinds.{kind}") + (f" · {waiting}" if waiting else "")


async def _list(turn: Turn, argument: str) -> None:
    kind, _, rest = argument.partition(":")
    if kind not in shops.KINDS:
        await _home(turn, "")
        return
    after = screen.number(rest)
    page = await db.run(lambda conn: shops.waiting(conn, kind, after=after, limit=lists.PAGE + 1))
    if after and not page:  # its last one has been decided
        await _list(turn, kind)
        return
    shown = page[: lists.PAGE]
    lines = [
        turn.text(
            "admin.moderate.line",
            place=place,
            title=screen.short(thing.title, 60),
            more=thing.city if isinstance(thing, Partner) else screen.short(thing.partner, 40),
            at=when.short_moment(turn, thing.created_at),
        )
        for place, thing in enumerate(shown, 1)
    ]
    turned = screen.pages(
        turn, f"moderate:list:{kind}", after, shown[-1].id if len(page) > lists.PAGE else None, lists.LABELS
    )
    rows = screen.picks(f"moderate:one:{kind}", [_subject(thing) for thing in shown])
    words = "\n".join(lines) or turn.text(f"admin.moderate.none.{kind}")
    head = turn.text(f"admin.kinds.{kind}")
    await turn.show(f"<b>{head}</b>\n\n{words}", [*rows, *turned, screen.home(turn, "moderate:home")])


async def _one(turn: Turn, argument: str) -> None:
    kind, ids = _ids(argument)
    thing = await db.run(lambda conn: shops.get(conn, kind, *ids))
    JUDGED.keep(turn.state, ShownThing(argument, thing.status, shops.seen(thing)))
    deeds = []
    if thing.status in ("pending", "rejected"):
        deeds.append(screen.button(turn, "admin.button.approve", f"moderate:yes:{argument}", "success"))
    if thing.status == "pending":
        deeds.append(screen.button(turn, "admin.button.refuse", f"act:begin:refuse_{kind}:{_subject(thing)}", "danger"))
    ways = [screen.button(turn, "admin.button.shop", f"shops:card:{ids[0]}")]
    if thing.photo:
        ways.append(screen.button(turn, "admin.button.photo", f"moderate:photo:{argument}"))
    rows = [row for row in (deeds, ways) if row]
    home = f"moderate:list:{kind}"
    await turn.show(_words(turn, kind, thing), [*rows, screen.home(turn, screen.last_page(turn, home, home))])


def _words(turn: Turn, kind: str, thing: shops.Thing) -> str:
    """Return all that is published of it, and where it stands."""
    facts: dict[str, Any] = {"title": thing.title, "about": thing.about or turn.text("admin.thing.no_about")}
    if isinstance(thing, Partner):
        blank = turn.text("admin.thing.blank")
        facts |= {"city": thing.city, "address": thing.address or blank, "contact": thing.contact or blank,
                  "category": lists.named(turn, "category", thing.category), "earn": thing.earn_bp}  # fmt: skip
    elif isinstance(thing, offers.Service):
        facts |= {"partner": thing.partner, "city": thing.city, "price": thing.price_points,
                  "category": lists.named(turn, "category", thing.category)}  # fmt: skip
    else:
        facts |= {"partner": thing.partner, "city": thing.city or thing.partner_city, "gain": _gain(turn, thing),
                  "starts": thing.starts_on, "ends": thing.ends_on}  # fmt: skip
    state = turn.text(
        "admin.thing.state",
        state=lists.named(turn, "status", thing.status),
        at=when.short_moment(turn, thing.created_at),
    )
    reason = [turn.text("admin.sure.reason", reason=thing.reason)] if thing.reason else []
    return "\n".join([turn.text(f"admin.thing.{kind}", **facts), "", state, *reason])


def _gain(turn: Turn, promotion: offers.Promotion) -> str:
    parts = [turn.text("admin.gain.news")] if promotion.kind == "news" else []
    if promotion.kind == "multiplier":
        parts = [turn.text("admin.gain.multiplier", times=promotion.multiplier_bp // 100)]
    elif promotion.kind == "extra":
        parts = [turn.text("admin.gain.extra", points=promotion.extra_points)]
    if promotion.daily_limit:
        parts.append(turn.text("admin.gain.limit", limit=promotion.daily_limit))
    if promotion.min_bill_minor:
        parts.append(turn.text("admin.gain.from", amount=promotion.min_bill_minor))
    if promotion.weekdays != WEEKDAYS:
        days = [turn.text(f"admin.day.{day}") for day in range(7) if promotion.weekdays >> day & 1]
        parts.append(", ".join(days))
    return " · ".join(parts)


async def _yes(turn: Turn, argument: str) -> None:
    """Approve what this screen shows; the owner is told. A second administrator, or a second press, changes nothing."""
    kind, ids = _ids(argument)
    judged = JUDGED.of(turn.state)
    if turn.came.message_id == turn.state.data.get("done"):
        await turn.answer(turn.text("admin.act.done_already"), alert=True)
        return
    if not turn.on_screen or judged is None or judged.of != argument:
        await screen.refuse_old_button(turn)
        await _one(turn, argument)
        return
    key = f"act:{turn.state.who['id']}:{turn.came.message_id}"
    actor = turn.state.who["id"]
    work = {"actor_id": actor, "status": "approved", "was": judged.was, "mark": judged.mark, "key": key}
    try:
        await db.run(lambda conn: shops.decide(conn, kind, *ids, **work))
    except errors.Conflict as refusal:
        await turn.answer(turn.text(f"admin.no.{refusal.code}"), alert=True)
        await _one(turn, argument)
        return
    thing = await db.run(lambda conn: shops.get(conn, kind, *ids))
    turn.state.data = {"done": turn.came.message_id}
    turn.after.append(kick.drain)
    rows = [
        [
            screen.button(turn, "admin.button.more", f"moderate:list:{kind}"),
            *screen.home(turn),
        ]
    ]
    await turn.answer()
    words = turn.text(f"admin.done.approve.{kind}", title=screen.short(thing.title, 80))
    await turn.chat.edit(turn.came.message_id, words, rows)


async def _photo(turn: Turn, argument: str) -> None:
    """Send the picture below the screen; the partner bot has it, and a file id is good for one bot only."""
    kind, ids = _ids(argument)
    thing = await db.run(lambda conn: shops.get(conn, kind, *ids))
    try:
        data = await client.download("partner", thing.photo)
        await turn.chat.send_photo(Picture("photo.jpg", data), screen.short(thing.title, 80))
    except (errors.Missing, errors.Rejected):
        await turn.answer(turn.text("admin.photo.gone"), alert=True)


def _ids(argument: str) -> tuple[str, tuple[int, int]]:
    """Return what "service:5.12" names: the kind, the shop's number and its own. Missing for anything else."""
    kind, _, subject = argument.partition(":")
    partner, _, thing = subject.partition(".")
    if kind not in shops.KINDS or not screen.number(partner) or not screen.number(thing or partner):
        raise errors.Missing("no_thing", argument[:40])
    return kind, (screen.number(partner), screen.number(thing or partner))


def _subject(thing: shops.Thing) -> str:
    return str(thing.id) if isinstance(thing, Partner) else f"{thing.partner_id}.{thing.id}"


SCREENS: Mapping[str, Callable[[Turn, str], Awaitable[None]]] = {
    "home": _home,
    "list": _list,
    "one": _one,
    "yes": _yes,
    "photo": _photo,
}
