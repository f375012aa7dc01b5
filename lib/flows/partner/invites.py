"""Rewards for invitations that look arranged: the shop looks at each and pays it or refuses.

list -> one -> [pay] / [refuse] -> list

A reward is named by its receipt and level; the ledger decides once, by the first press.
"""

from lib import db, errors, text
from lib.flows import when
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import counter, partners, referrals
from lib.loyalty.partners import PAGE
from lib.loyalty.referrals import Reward
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the list or one of them, or decide."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    turn.state.step = ""
    wanted, argument = screen.pressed(turn)
    if wanted in ("pay", "refuse") and turn.on_screen:
        await _decide(turn, place, argument, pays=wanted == "pay")
    elif wanted in ("one", "pay", "refuse"):
        await _one(turn, place, argument)
    else:
        await _list(turn, place, argument)


def _ids(argument: str) -> tuple[int, int]:
    receipt, _, level = argument.partition(".")
    return screen.number(receipt), screen.number(level)


async def _list(turn: Turn, place: Staff, argument: str = "", note: str = "") -> None:
    after = _ids(argument)
    found = await db.run(lambda conn: referrals.held(conn, place.partner_id, after=after, limit=PAGE + 1))
    rows = [[Button(_label(turn, one), f"invites:one:{one.receipt_id}.{one.level}")] for one in found[:PAGE]]
    if len(found) > PAGE:
        last = found[PAGE - 1]
        rows.append([screen.button(turn, "partner.button.more", f"invites:list:{last.receipt_id}.{last.level}")])
    words = turn.text("partner.invites.list" if found else "partner.invites.none", title=place.title)
    await turn.show(screen.paragraphs(note, words), [*rows, screen.home(turn, "figures:home")])


def _label(turn: Turn, one: Reward) -> str:
    names = f"{screen.short(one.referrer or '…', 9)} ← {screen.short(one.invited or '…', 9)}"
    return f"{names} · {text.number(turn.language, one.points)}"


async def _one(turn: Turn, place: Staff, argument: str) -> None:
    receipt, level = _ids(argument)
    after = (receipt, level - 1)
    found = await db.run(lambda conn: referrals.held(conn, place.partner_id, after=after, limit=1))
    if not found or (found[0].receipt_id, found[0].level) != (receipt, level):
        await _list(turn, place, note=turn.text("partner.error.already_decided"))
        return
    one = found[0]
    words = turn.text(
        "partner.invites.one",
        referrer=one.referrer or "…",
        invited=one.invited or "…",
        bill=one.bill_minor,
        at=when.moment(turn, one.created_at),
        points=one.points,
        why=turn.text(f"partner.invites.why.{one.reason}"),
    )
    pay = screen.button(turn, "partner.button.accrue", f"invites:pay:{argument}", style="success", points=one.points)
    refuse = screen.button(turn, "partner.button.refuse", f"invites:refuse:{argument}", style="danger")
    ways = [
        screen.button(turn, "partner.button.referrer", f"clients:one:{one.referrer_id}"),
        screen.button(turn, "partner.button.invited", f"clients:one:{one.member_id}"),
    ]
    await turn.show(words, [[pay], [refuse], ways, screen.home(turn, "invites:list")])


async def _decide(turn: Turn, place: Staff, argument: str, *, pays: bool) -> None:
    actor, (receipt, level) = turn.state.who["id"], _ids(argument)
    try:
        done = await db.run(lambda conn: decide(conn, place.partner_id, receipt, level, actor, pays=pays))
    except errors.AppError as error:
        note = workplace.refusal(turn, error)
    else:
        note = turn.text(f"partner.invites.{done}")
        if done == "paid":
            turn.after.append(kick.drain)
    await _list(turn, place, note=note)


async def decide(conn: db.Connection, partner_id: int, receipt: int, level: int, actor_id: int, *, pays: bool) -> str:
    """Decide about a reward and have its referrer told of it, both or neither; return what was done."""
    async with conn.transaction():
        done = await referrals.review(conn, partner_id, receipt, level, actor_id, pays=pays)
        if done == "paid":
            await counter.tell_referrers(conn, await partners.get(conn, partner_id), receipt, level=level)
    return done
