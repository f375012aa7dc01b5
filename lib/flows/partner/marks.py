"""Clients' ratings after a visit: marks from 0 to 10 and their words, newest first; a press leads to an answer."""

from lib import db, text
from lib.flows import when
from lib.flows.partner import workplace
from lib.loyalty import talk
from lib.loyalty.partners import PAGE
from lib.loyalty.talk import Rating
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn

ROOM = 3600  # of a message's 4096 for what was said: every review is whole, and long ones are fewer a page


async def handle(turn: Turn) -> None:
    """Show a page; marks:list[:<microseconds>:<operation>] names the last one of the page before."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    turn.state.step = ""
    _, argument = screen.pressed(turn)
    at, _, number = argument.partition(":")
    before = when.cursor(at, number)
    found = await db.run(lambda conn: talk.ratings(conn, place.partner_id, before=before, limit=PAGE + 1))
    lines = text.fitting([_line(turn, number, one) for number, one in enumerate(found[:PAGE], 1)], ROOM)
    page = found[: len(lines)]
    answers = [Button(str(number), f"inbox:talk:{one.member_id}") for number, one in enumerate(page, 1)]
    rows = screen.in_rows(answers, 5)
    if len(found) > len(page):
        onward = when.onward(page[-1].created_at, page[-1].txn_id)
        rows.append([screen.button(turn, "partner.button.more", f"marks:list:{onward}")])
    head = turn.text("partner.marks.list" if page else "partner.marks.none", title=place.title)
    await turn.show(screen.paragraphs(head, *lines), [*rows, screen.home(turn, "figures:home")])


def _line(turn: Turn, number: int, one: Rating) -> str:
    mood = "good" if one.score >= talk.GOOD else "fair" if one.score >= talk.FAIR else "bad"
    line = turn.text(
        f"partner.marks.{mood}",
        number=number,
        score=one.score,
        name=one.name or "…",
        at=when.moment(turn, one.created_at),
    )
    return f"{line}\n{turn.text('partner.marks.words', words=one.words)}" if one.words else line
