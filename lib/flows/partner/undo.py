"""Operations, newest first, and taking one back with a reason: a cashier their own of the last hour, a manager any.

list -> one -> (a reason by button or words) -> sure -> [take it back] -> done

The key is the message with the question, which becomes the result.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import db, errors
from lib.flows import when
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import counter, points
from lib.loyalty.points import Operation
from lib.loyalty.staff import Staff
from lib.people import users
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey
from lib.text import HtmlSentence

REASONS = ("wrong_bill", "wrong_client", "returned")
CASHIERS_HOUR = timedelta(hours=1)
LONGEST = 200


@dataclass(frozen=True)
class Undo:
    """An operation that is to be taken back, and why."""

    txn: int
    reason: str = ""


UNDO = DraftKey("undo", Undo)


async def handle(turn: Turn) -> None:
    """Answer one of the buttons, or take the words of a reason."""
    place = await workplace.at_work(turn)
    if place is None:
        return
    if turn.came.kind == "press":
        wanted, argument = screen.pressed(turn)
        await _pressed(turn, place, wanted, argument)
    elif turn.came.kind == "text" and turn.state.step == "undo:why" and (asked := UNDO.of(turn.state)):
        await _sure(turn, place, asked.txn, screen.short(turn.came.text, LONGEST))
    else:
        await _list(turn, place, "")


async def _pressed(turn: Turn, place: Staff, wanted: str, argument: str) -> None:
    number, _, reason = argument.partition(":")
    if wanted == "do" and turn.came.message_id == turn.state.data.get("undone"):
        await turn.answer(turn.text("partner.undo.already"), alert=True)
    elif wanted == "one":
        await _one(turn, place, screen.number(argument))
    elif wanted == "why" and reason in REASONS:
        await _sure(turn, place, screen.number(number), turn.text(f"partner.undo.{reason}"))
    elif wanted == "do" and turn.on_screen and turn.state.step == "undo:sure":
        await _reverse(turn, place)
    else:
        await _list(turn, place, argument)


async def _list(turn: Turn, place: Staff, page: str, note: str = "") -> None:
    turn.state.step = ""
    UNDO.drop(turn.state)
    if place.manages:
        at, _, number = page.partition(":")
        before = when.cursor(at, number)
        found = await db.run(lambda conn: points.history(conn, place.partner_id, before=before, limit=11))
    else:
        since, actor = datetime.now(UTC) - CASHIERS_HOUR, turn.state.who["id"]
        found = await db.run(lambda conn: points.recent_of(conn, place.partner_id, actor, since))
    rows = [[Button(_label(turn, one), f"undo:one:{one.id}")] for one in found[:10]]
    if len(found) > 10:
        last = found[9]
        rows.append([screen.button(turn, "partner.button.more", f"undo:list:{when.onward(last.created_at, last.id)}")])
    kind = "none" if not found else "managers" if place.manages else "cashiers"
    words = turn.text(f"partner.undo.{kind}", title=place.title)
    await turn.show(screen.paragraphs(note, words), [*rows, screen.home(turn)])


def _label(turn: Turn, one: Operation) -> str:
    sign = turn.text(f"partner.undo.sign.{one.kind}", points=one.points)
    name = screen.short(one.name or "…", 12)
    return f"{'↩ ' if one.reversed_by else ''}{when.clock_or_day(turn, one.created_at)} {name} {sign}"


async def _one(turn: Turn, place: Staff, txn_id: int, note: str = "") -> None:
    """Show an operation with everything about it, and the reasons for which it may be taken back."""
    try:
        one, who = await _seen(place, txn_id)
    except errors.Missing as error:
        await _list(turn, place, "", workplace.refusal(turn, error))
        return
    words = turn.text("partner.undo.one", **_fields(turn, one, who))
    parts = [note, words]
    rows = []
    if one.reversed_by:
        parts.append(turn.text("partner.undo.already"))
    elif one.parent_id or one.kind not in ("accrue", "redeem", "service", "grant", "welcome", "birthday"):
        parts.append(turn.text("partner.error.not_reversible"))
    else:
        turn.state.step = "undo:why"
        UNDO.keep(turn.state, Undo(one.id))
        parts.append(turn.text("partner.undo.why"))
        rows = [[screen.button(turn, f"partner.button.{why}", f"undo:why:{one.id}:{why}")] for why in REASONS]
    await turn.show(screen.paragraphs(*parts), [*rows, screen.home(turn, "undo:list")])


async def _seen(place: Staff, txn_id: int) -> tuple[Operation, str]:
    """Return an operation of this shop and who did it."""

    async def look(conn: db.Connection) -> tuple[Operation, str]:
        one = await points.get(conn, place.partner_id, txn_id)
        actor = await users.get_user(conn, one.actor_id) if one.actor_id else None
        return one, (actor.first_name if actor else "") or "—"

    return await db.run(look)


def _fields(turn: Turn, one: Operation, who: str) -> dict[str, Any]:
    more = one.service or one.promotion or one.reason
    return {
        "kind": turn.text(f"partner.kind.{one.kind}"),
        "at": when.moment(turn, one.created_at),
        "name": one.name or "—",
        "points": one.points,
        "bill": turn.text("partner.undo.bill", bill=one.bill_minor) if one.bill_minor else "—",
        "who": who,
        "more": HtmlSentence(f"\n{turn.text('partner.undo.more', more=more)}") if more else "",
    }


async def _sure(turn: Turn, place: Staff, txn_id: int, reason: str) -> None:
    try:
        one, who = await _seen(place, txn_id)
    except errors.Missing as error:
        await _list(turn, place, "", workplace.refusal(turn, error))
        return
    if not reason:
        await _one(turn, place, txn_id)
        return
    turn.state.step = "undo:sure"
    UNDO.keep(turn.state, Undo(one.id, reason))
    words = turn.text("partner.undo.sure", reason=reason, **_fields(turn, one, who))
    rows = [
        screen.home(turn, f"undo:one:{one.id}"),
        [screen.button(turn, "partner.button.take_back", "undo:do", style="danger")],
    ]
    await turn.show(words, rows)


async def _reverse(turn: Turn, place: Staff) -> None:
    asked = UNDO.of(turn.state)
    if asked is None:
        await _list(turn, place, "")
        return
    key = f"undo:{turn.chat.bot}:{turn.chat.id}:{turn.came.message_id}"
    try:
        done = await db.run(lambda conn: counter.reverse(conn, place, asked.txn, reason=asked.reason, key=key))
    except errors.AppError as error:
        late = error.code == "role_too_low"
        await _list(turn, place, "", turn.text("partner.undo.not_yours") if late else workplace.refusal(turn, error))
        return
    words = turn.text("partner.undo.done", available=done.available, reason=asked.reason)
    missing = turn.text("partner.undo.missing", missing=done.missing) if done.missing else ""
    turn.after.append(kick.drain)
    rows = [[screen.button(turn, "partner.button.next_client", "till:find", style="primary")], screen.home(turn)]
    await turn.show(screen.paragraphs(words, missing), rows)
    turn.state.step = "till:find"
    turn.state.data = {"shop": place.partner_id, "undone": turn.state.data["screen"], "screen": 0}
