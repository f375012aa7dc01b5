"""Releasing a number: its new holder has a code, the owner of the shop gives a reason, the old account has a day.

clients -> [release] -> code, typed -> reason, typed -> sure -> [in 24 hours]
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from lib import db, errors, limits, typed
from lib.flows import when
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import members, releases
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

GUESSES = limits.Limit("release_code", 6, timedelta(hours=1))
REASON = 200


@dataclass(frozen=True)
class PhoneRelease:
    """A number that is to be released: by which code, how it ends, whose it is at this shop, and why."""

    code: str
    tail: str = ""
    name: str = ""
    reason: str = ""


RELEASE = DraftKey("release", PhoneRelease)


async def handle(turn: Turn) -> None:
    """Ask for the code and the reason, or do it; by the owner only."""
    place = await workplace.at_work(turn, manages=True, serves=True)
    if place is None:
        return
    wanted = turn.came.text.partition(":")[2] if turn.came.kind == "press" else ""
    if place.role != "owner":
        turn.state.step = ""
        await turn.show(turn.text("partner.error.owner_only"), [screen.home(turn, "clients:list")])
    elif wanted == "go":
        await _go(turn, place)
    elif turn.came.kind == "text" and turn.state.step == "release:code":
        await _typed_code(turn, place)
    elif turn.came.kind == "text" and turn.state.step == "release:why":
        await _typed_reason(turn, place)
    else:
        await _ask(turn)


async def _ask(turn: Turn, note: str = "") -> None:
    turn.state.step = "release:code"
    RELEASE.drop(turn.state)
    words = turn.text("partner.release.ask")
    await turn.show(screen.paragraphs(note, words), [screen.home(turn, "clients:list")])


async def _typed_code(turn: Turn, place: Staff) -> None:
    """Say whose number a code is about; guesses are counted, and there are few."""
    if await limits.wait(turn.chat.id, GUESSES):
        turn.state.step = ""
        await turn.show(turn.text("partner.release.too_many"), [screen.home(turn, "clients:list")])
        return
    code = typed.digits(turn.came.text)
    try:
        await releases.claim(code)
    except (errors.Missing, errors.Conflict) as error:
        await _ask(turn, _refusal(turn, error))
        return
    RELEASE.keep(turn.state, PhoneRelease(code))
    await _why(turn, place)


async def _why(turn: Turn, place: Staff, note: str = "") -> None:
    """Show the number's end, and the client's name if they are this shop's; ask why."""
    draft = RELEASE.of(turn.state) or PhoneRelease("")
    try:
        claim = await releases.claim(draft.code)
        phone = await db.run(lambda conn: releases.phone_of(conn, claim.holder_id, claim.mark))
    except (errors.Missing, errors.Conflict) as error:
        await _ask(turn, _refusal(turn, error))
        return
    here = await db.run(lambda conn: members.find_by_phone(conn, place.partner_id, [phone]))
    draft = replace(draft, tail=phone[-4:], name=here[0].name if here else "")
    RELEASE.keep(turn.state, draft)
    turn.state.step = "release:why"
    words = turn.text("partner.release.why", whose=_whose(turn, draft))
    await turn.show(screen.paragraphs(note, words), [screen.home(turn, "release:ask")])


def _whose(turn: Turn, draft: PhoneRelease) -> str:
    return f"··{draft.tail} ({draft.name})" if draft.name else f"··{draft.tail}"


async def _typed_reason(turn: Turn, place: Staff) -> None:
    draft, reason = RELEASE.of(turn.state), " ".join(turn.came.text.split())
    if draft is None or not draft.tail:
        await _ask(turn)
    elif not 2 <= len(reason) <= REASON:
        await _why(turn, place, turn.text("partner.release.odd_reason", limit=REASON))
    else:
        RELEASE.keep(turn.state, replace(draft, reason=reason))
        turn.state.step = "release:sure"
        words = turn.text("partner.release.sure", whose=_whose(turn, draft), reason=reason)
        go = screen.button(turn, "partner.button.release_go", "release:go", style="danger")
        await turn.show(words, [[go], screen.home(turn, "release:ask")])


async def _go(turn: Turn, place: Staff) -> None:
    draft, actor = RELEASE.of(turn.state), turn.state.who["id"]
    if draft is None or not draft.reason or not turn.on_screen or turn.state.step != "release:sure":
        await screen.refuse_old_button(turn)
        await _ask(turn)
        return
    work = {"actor_id": actor, "reason": draft.reason, "title": place.title, "partner_id": place.partner_id}
    try:
        claim = await releases.claim(draft.code)
        asked = await db.run(lambda conn: releases.ask(conn, claim.holder_id, by=claim, **work))
    except errors.AppError as error:
        await _ask(turn, _refusal(turn, error))
        return
    turn.after.append(kick.drain)
    turn.state.step = ""
    RELEASE.drop(turn.state)
    turn.settled = True
    words = turn.text("partner.release.asked", whose=_whose(turn, draft), at=when.moment(turn, asked.due_at))
    await turn.show(words, [screen.home(turn, "clients:list")])


def _refusal(turn: Turn, error: errors.AppError) -> str:
    return turn.text("partner.release.wrong") if error.code == "no_code" else workplace.refusal(turn, error)
