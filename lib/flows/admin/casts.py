"""The platform's broadcasts, and those of shops that wait for an administrator: a look, a yes, or a reason.

list -> (compose)          review -> one of them -> approve (for the version that was shown), or give back with a reason
"""

from lib import clock, db, errors
from lib.flows import compose
from lib.flows.admin import lists
from lib.flows.newsroom import Newsroom
from lib.jobs import kick
from lib.people import notify
from lib.reach import broadcasts, reading
from lib.reach.broadcasts import Broadcast
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn

REASON = 300  # characters


async def handle(turn: Turn) -> None:
    """Show what waits, decide it, or go on with what the platform itself writes."""
    action, argument = screen.pressed(turn)
    if action == "review":
        await _review(turn)
    elif action in ("look", "yes", "no"):
        await lists.found(turn, _judge(turn, action, argument))
    elif turn.came.kind == "text" and turn.state.step.startswith("casts:why:"):
        await lists.found(turn, _give_back(turn))
    else:
        await compose.handle(turn, Newsroom("casts", 0, "", turn.state.who["id"]))


async def _review(turn: Turn, note: str = "") -> None:
    turn.state.step = ""
    found = await db.run(lambda conn: broadcasts.waiting(conn))
    rows = [[Button(screen.short(f"{one.shop}: {one.words}", 40), _data("look", one))] for one in found]
    words = turn.text("news.review.list" if found else "news.review.none")
    await turn.show(screen.paragraphs(note, words), [*rows, screen.home(turn, "casts:list")])


def _data(action: str, one: Broadcast) -> str:
    return f"casts:{action}:{one.partner_id}:{one.id}:{one.version}"


async def _judge(turn: Turn, action: str, argument: str) -> None:
    """Show a broadcast, or decide the version that the button names."""
    shop, number, version, *_ = [*map(screen.number, argument.split(":")), 0, 0, 0]
    one = await db.run(lambda conn: broadcasts.get(conn, shop, number))
    if one.state != "review" or (action != "look" and one.version != version):
        await turn.answer(turn.text("news.error.broadcast_changed"), alert=True)
        await _review(turn)
    elif action == "look":
        await _look(turn, one)
    elif action == "no":
        turn.state.step = f"casts:why:{shop}:{number}:{version}"
        await turn.show(turn.text("news.review.reason"), [screen.home(turn, _data("look", one))])
    else:
        await _decide(turn, one, approves=True)


async def _look(turn: Turn, one: Broadcast) -> None:
    turn.state.step = ""
    if one.file:  # who lets it pass has seen it
        await compose.shown(turn, one, "casts:review")
    count = await db.run(lambda conn: broadcasts.count(conn, one, clock.now()))
    fields = {"shop": one.shop, "number": one.id, "words": reading.whole(one, turn.language), "ready": count.ready}
    deeds = [
        screen.button(turn, "news.button.approve", _data("yes", one), "success"),
        screen.button(turn, "news.button.refuse", _data("no", one), "danger"),
    ]
    await turn.show(turn.text("news.review", **fields), [deeds, screen.home(turn, "casts:review")])


async def _give_back(turn: Turn) -> None:
    *_, shop, number, version = turn.state.step.split(":")
    one = await db.run(lambda conn: broadcasts.get(conn, screen.number(shop), screen.number(number)))
    if one.version != screen.number(version):
        await _review(turn, turn.text("news.error.broadcast_changed"))
        return
    reason = " ".join(turn.came.text.split())
    if len(reason) > REASON:
        note = turn.text("admin.reason.long", most=REASON)
        words = screen.paragraphs(note, turn.text("news.review.reason"))
        await turn.show(words, [screen.home(turn, _data("look", one))])
    else:
        await _decide(turn, one, approves=False, reason=reason)


async def _decide(turn: Turn, one: Broadcast, *, approves: bool, reason: str = "") -> None:
    key = "approved" if approves else "refused"
    told = {"number": one.id} | ({} if approves else {"reason": reason})
    try:
        await db.run(
            lambda conn: broadcasts.decide(conn, one, one.version, clock.now(), approves=approves, reason=reason)
        )
    except errors.Conflict as refusal:
        await _review(turn, turn.text(f"news.error.{refusal.code}"))
        return
    once = f"broadcast:{one.id}:{one.version}:{key}"
    ways = [[("news.button.open", f"cast:one:{one.id}")]]
    to = (one.created_by, "partner", f"news.told.{key}", told, ways)
    await db.run(lambda conn: notify.tell(conn, *to, once=once))
    turn.settled = True
    turn.after.append(kick.drain)
    await _review(turn, turn.text(f"news.told.{key}", **told))
