"""Looks a person up by anything known of them, and shows on one screen all that an administrator may see.

typed words -> the person, or a list of who fits -> card -> orders, operations, payments; what changes them is `act`
"""

from collections.abc import Awaitable, Callable, Mapping

from lib import db, errors
from lib.credits import ledger
from lib.flows import when
from lib.flows.admin import lists
from lib.loyalty import members, staff
from lib.office import acts, people
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Look up what was typed, or show what a button asks for."""
    turn.state.step = "people:find"
    if turn.came.kind == "press":
        action, argument = screen.pressed(turn)
        await lists.found(turn, SCREENS.get(action, _home)(turn, argument))
    elif turn.came.kind == "text" or (turn.came.command == "find" and turn.came.text):
        await _find(turn, turn.came.text)
    else:
        await _home(turn, "")


async def _home(turn: Turn, _: str) -> None:
    await turn.show(turn.text("admin.find"), [screen.home(turn, "menu:home")])


async def _find(turn: Turn, words: str) -> None:
    hits = await db.run(lambda conn: people.find(conn, words))
    if len(hits) == 1:
        await _card(turn, str(hits[0].id))
    elif hits:
        lines = [
            turn.text(
                "admin.find.line", place=place, name=acts.full_name(hit), by=lists.named(turn, "found", hit.found_by)
            )
            for place, hit in enumerate(hits, 1)
        ]
        head = turn.text("admin.find.several")
        rows = [*screen.picks("people:card", [hit.id for hit in hits]), screen.home(turn, "people:home")]
        await turn.show("\n".join([head, "", *lines]), rows)
    else:
        await turn.show(turn.text("admin.find.none", words=screen.short(words, 60)), [screen.home(turn, "menu:home")])


async def _card(turn: Turn, argument: str) -> None:
    person = await db.run(lambda conn: people.get(conn, screen.number(argument)))
    lines = [
        turn.text("admin.person", name=acts.full_name(person), tg_id=person.tg_id, id=person.id),
        *([f"@{person.username}"] if person.username else []),
        *_marks(turn, person),
        "",
        turn.text("admin.person.balance", balance=person.balance),
        turn.text("admin.person.orders", orders=person.orders, payments=person.payments),
        *([turn.text("admin.person.owed", owed=person.owed)] if person.owed else []),
        "",
        turn.text(
            "admin.person.since",
            since=when.short_moment(turn, person.created_at),
            seen=when.short_moment(turn, person.seen_at),
        ),
    ]
    await turn.show("\n".join([*lines, *await _clubs(turn, person.id)]), _keyboard(turn, person))


async def _clubs(turn: Turn, user_id: int) -> list[str]:
    """Return the lines about a person's shops: where they work, and their points as a client."""
    cards = await db.run(lambda conn: members.cards(conn, user_id))
    places = await db.run(lambda conn: staff.places(conn, user_id))
    lines = [
        turn.text("admin.person.works", title=place.title, role=lists.named(turn, "role", place.role))
        for place in places[:5]
    ]
    lines += [
        turn.text("admin.person.card", title=card.title, points=card.available, pending=card.pending)
        for card in cards[:5]
    ]
    lines += [turn.text("admin.person.more_cards", n=len(cards) - 5)] if len(cards) > 5 else []
    return ["", *lines] if lines else []


def _marks(turn: Turn, person: people.Dossier) -> list[str]:
    """Return the lines that say what is out of the ordinary with somebody."""
    marks = []
    if person.erased_at:
        marks.append(turn.text("admin.person.erased", at=when.short_moment(turn, person.erased_at)))
    elif person.banned_at:
        facts = {"at": when.short_moment(turn, person.banned_at), "reason": person.ban_reason}
        marks.append(turn.text("admin.person.banned", **facts))
    if not person.consent_at and not person.erased_at:
        marks.append(turn.text("admin.person.no_consent"))
    if person.blocked_at and not person.erased_at:
        marks.append(turn.text("admin.person.blocked_us"))
    return marks


def _keyboard(turn: Turn, person: people.Dossier) -> Keyboard:
    ways = [
        screen.button(turn, "admin.button.orders", f"people:orders:{person.id}"),
        screen.button(turn, "admin.button.entries", f"people:entries:{person.id}"),
    ]
    more = [
        screen.button(turn, "admin.button.payments", f"people:payments:{person.id}"),
        screen.button(turn, "admin.button.trail", f"trail:of:user.{person.id}"),
        screen.button(turn, "admin.button.trace", f"trace:of:person.{person.id}"),
    ]
    deeds: list[Button] = []
    if not person.erased_at:
        verb, style = ("unban", "") if person.banned_at else ("ban", "danger")
        deeds = [
            screen.button(turn, "admin.button.grant", f"act:begin:grant:{person.id}"),
            screen.button(turn, f"admin.button.{verb}", f"act:begin:{verb}:{person.id}", style),
        ]
    release = [screen.button(turn, "admin.button.release", f"act:begin:release:{person.id}")]
    return [ways, more, *([deeds, release] if deeds else []), screen.home(turn, "people:home")]


async def _orders(turn: Turn, argument: str) -> None:
    user_id, before = _place(argument)
    page = await db.run(lambda conn: people.orders(conn, user_id, before=before, limit=lists.PAGE + 1))
    lines = [
        turn.text(
            "admin.order.line",
            place=place,
            id=order.id,
            task=lists.named(turn, "task", order.task),
            state=lists.named(turn, "state", order.state),
            price=order.price,
            at=when.short_moment(turn, order.created_at),
        )
        for place, order in enumerate(page[: lists.PAGE], 1)
    ]
    rows = screen.picks("queue:job", [order.id for order in page[: lists.PAGE]])
    await _list(turn, "orders", user_id, before, lines, rows, [order.id for order in page])


async def _entries(turn: Turn, argument: str) -> None:
    user_id, before = _place(argument)
    page = await db.run(lambda conn: ledger.list_entries(conn, user_id, before=before, limit=lists.PAGE + 1))
    lines = [
        turn.text(
            "admin.entry.line",
            at=when.short_moment(turn, entry.created_at),
            kind=lists.named(turn, "entry", entry.kind),
            amount=f"{entry.amount:+d}".replace("-", "\u2212"),
            balance=entry.balance_after,
        )
        for entry in page[: lists.PAGE]
    ]
    await _list(turn, "entries", user_id, before, lines, [], [entry.id for entry in page])


async def _payments(turn: Turn, argument: str) -> None:
    user_id, before = _place(argument)
    page = await db.run(lambda conn: people.payments(conn, user_id, before=before, limit=lists.PAGE + 1))
    lines = [_payment_line(turn, place, payment) for place, payment in enumerate(page[: lists.PAGE], 1)]
    rows = screen.picks("people:payment", [payment.id for payment in page[: lists.PAGE]])
    await _list(turn, "payments", user_id, before, lines, rows, [payment.id for payment in page])


async def _payment(turn: Turn, argument: str) -> None:
    payment = await db.run(lambda conn: ledger.get_payment(conn, screen.number(argument)))
    if payment is None:
        raise errors.Missing("no_payment", argument[:40])
    words = turn.text(
        "admin.payment",
        id=payment.id,
        stars=payment.stars,
        credits=payment.credits,
        state=lists.named(turn, "paid", payment.state),
        at=when.short_moment(turn, payment.paid_at),
        bot=payment.bot,
    )
    deeds = [screen.button(turn, "admin.button.person", f"people:card:{payment.user_id}")]
    if payment.state in ("paid", "refunding"):
        deeds.append(screen.button(turn, "admin.button.refund", f"act:begin:refund:{payment.id}", "danger"))
    own = f"people:payments:{payment.user_id}"
    await turn.show(words, [deeds, screen.home(turn, screen.last_page(turn, own, own, "people:unsettled"))])


async def _unsettled(turn: Turn, argument: str) -> None:
    before = screen.number(argument) or None
    page = await db.run(lambda conn: people.unsettled(conn, before=before, limit=lists.PAGE + 1))
    shown = page[: lists.PAGE]
    lines = [_payment_line(turn, place, payment) for place, payment in enumerate(shown, 1)]
    turned = screen.pages(
        turn, "people:unsettled", before, shown[-1].id if len(page) > lists.PAGE else None, lists.LABELS
    )
    rows = [*screen.picks("people:payment", [one.id for one in shown]), *turned, screen.home(turn, "health:home")]
    words = "\n".join(lines) or turn.text("admin.unsettled.none")
    await turn.show(f"{turn.text('admin.unsettled')}\n\n{words}", rows)


def _payment_line(turn: Turn, place: int, payment: people.PaymentLine | people.UnsettledPayment) -> str:
    return turn.text(
        "admin.payment.line",
        place=place,
        id=payment.id,
        stars=payment.stars,
        credits=payment.credits,
        state=lists.named(turn, "paid", payment.state),
        at=when.short_moment(turn, payment.paid_at),
    )


async def _list(
    turn: Turn, name: str, user_id: int, before: int | None, lines: list[str], rows: Keyboard, ids: list[int]
) -> None:
    """Show a page of a person's list; an id more than a page holds says that there is another page."""
    turned = screen.pages(
        turn, f"people:{name}:{user_id}", before, ids[lists.PAGE - 1] if len(ids) > lists.PAGE else None, lists.LABELS
    )
    words = "\n".join(lines) if lines else turn.text(f"admin.{name}.none")
    head = turn.text(f"admin.{name}")
    await turn.show(f"{head}\n\n{words}", [*rows, *turned, screen.home(turn, f"people:card:{user_id}")])


def _place(argument: str) -> tuple[int, int | None]:
    """Return whose list and from where: "5" or "5:120"."""
    whose, _, before = argument.partition(":")
    return screen.number(whose), screen.number(before) or None


SCREENS: Mapping[str, Callable[[Turn, str], Awaitable[None]]] = {
    "home": _home,
    "card": _card,
    "orders": _orders,
    "entries": _entries,
    "payments": _payments,
    "payment": _payment,
    "unsettled": _unsettled,
}
