"""What a shop takes requests by: whether at all, whether it delivers, from which sum, and a note for clients.

terms:home -> on, off, delivery · terms:least, terms:note -> typed
"""

from dataclasses import replace

from lib import db, errors, money, typed
from lib.assistant import requests
from lib.assistant.requests import RequestTerms
from lib.flows.partner import workplace
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.dispatch import Turn

NOTE = 300
MOST = 100_000_000  # kopecks


async def handle(turn: Turn) -> None:
    """Show the terms, ask for a value, or change one."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    what, value = screen.pressed(turn)
    now = await db.run(lambda conn: requests.terms(conn, place.partner_id))
    question = turn.state.step.partition(":")[2]
    if what == "on":
        await _change(turn, place, replace(now, is_on=value == "1"))
    elif what == "deliver":
        await _change(turn, place, replace(now, delivers=value == "1"))
    elif what in ("least", "note"):
        turn.state.step = f"terms:{what}"
        await turn.show(turn.text(f"request.terms.{what}", most=NOTE), [screen.home(turn, "terms:home")])
    elif turn.came.kind == "text" and question in ("least", "note"):
        await _typed(turn, place, now, question)
    else:
        await _home(turn, place, now)


async def _typed(turn: Turn, place: Staff, now: RequestTerms, question: str) -> None:
    said = " ".join(turn.came.text.split())
    try:
        if question == "least":
            wanted = replace(now, least_minor=_least(said))
        elif typed.is_nothing(said) or said == "0":
            wanted = replace(now, note="")
        elif len(said) > NOTE:
            raise errors.Invalid("too_long", str(NOTE))
        else:
            wanted = replace(now, note=said)
    except errors.Invalid as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn, "terms:home")])
        return
    await _change(turn, place, wanted)


def _least(said: str) -> int:
    """Return the least sum of an order, 0 for none."""
    try:
        return 0 if typed.is_nothing(said) else money.parse(said, limit=MOST)
    except errors.Invalid as error:
        if error.code == "amount_zero":
            return 0
        raise


async def _change(turn: Turn, place: Staff, wanted: RequestTerms) -> None:
    actor = turn.state.who["id"]
    try:
        await db.run(lambda conn: requests.set_terms(conn, place.partner_id, actor, wanted))
    except errors.Denied as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn)])
        return
    await _home(turn, place, wanted)


async def _home(turn: Turn, place: Staff, now: RequestTerms) -> None:
    turn.state.step = ""
    least = turn.text("request.terms.from" if now.least_minor else "request.terms.any", sum=now.least_minor)
    words = turn.text(
        "request.terms",
        title=place.title,
        on=turn.text(f"request.terms.{'on' if now.is_on else 'off'}"),
        ways=turn.text(f"request.terms.{'delivers' if now.delivers else 'pickup'}"),
        least=least,
        note=now.note or "—",
    )
    rows = [
        [screen.button(turn, f"request.button.{'off' if now.is_on else 'on'}", f"terms:on:{int(not now.is_on)}")],
        [
            screen.button(
                turn,
                f"request.button.{'no_delivery' if now.delivers else 'delivery'}",
                f"terms:deliver:{int(not now.delivers)}",
            )
        ],
        [
            screen.button(turn, "request.button.least", "terms:least"),
            screen.button(turn, "request.button.note", "terms:note"),
        ],
        screen.home(turn, "requests:list:new"),
    ]
    await turn.show(words, rows)
