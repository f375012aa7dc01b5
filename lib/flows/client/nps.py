"""After a visit: would you recommend us, 0 to 10, and a few words if one likes.

nps:<shop>:<operation>:<score> -> thanks -> words, or [no words]

The question comes as a push from the till; the rows say whether the visit is the person's own.
"""

from dataclasses import dataclass

from lib import db, errors
from lib.jobs import kick
from lib.loyalty import members, partners, staff, talk
from lib.telegram import screen
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class RatedVisit:
    """A visit that was given a mark, and may get words."""

    shop: int
    visit: int
    score: int


NPS = DraftKey("nps", RatedVisit)


async def handle(turn: Turn) -> None:
    """Take a score, or the words that follow it."""
    if turn.came.kind == "press":
        await _score(turn)
    elif turn.came.kind == "text":
        await _words(turn)
    else:
        await turn.show(turn.text("client.words_only"), [screen.home(turn)])


async def _score(turn: Turn) -> None:
    shop, visit, given = screen.parts(turn)
    score = screen.number(given) if given.isdecimal() else -1
    user_id = turn.state.who["id"]
    try:
        await db.run(
            lambda conn: talk.rate(conn, screen.number(shop), user_id, txn_id=screen.number(visit), score=score)
        )
        partner = await db.run(lambda conn: partners.get(conn, screen.number(shop)))
    except (errors.Invalid, errors.Missing):
        await turn.answer(turn.text("error.old_button"), alert=True)
        return
    kind = "good" if score >= talk.GOOD else "fair" if score >= talk.FAIR else "bad"
    words = turn.text(f"client.nps.{kind}", score=score, title=partner.title)
    rows = [[screen.button(turn, "client.button.no_words", "menu:home")]]
    NPS.keep(turn.state, RatedVisit(screen.number(shop), screen.number(visit), score))
    turn.state.data["screen"] = turn.came.message_id
    turn.state.data.pop("pictured", None)
    turn.state.step = "nps:words"
    await turn.show(words, rows)


async def _words(turn: Turn) -> None:
    user_id, words = turn.state.who["id"], turn.came.text.strip()
    if len(words) > talk.WORDS:
        rows = [[screen.button(turn, "client.button.no_words", "menu:home")]]
        await turn.show(turn.text("client.letter.long", limit=talk.WORDS), rows)
        return
    rated = NPS.of(turn.state) or RatedVisit(0, 0, 0)
    NPS.drop(turn.state)
    turn.state.step = ""
    try:
        await db.run(lambda conn: comment(conn, rated, user_id, words))
    except errors.Missing:
        await turn.show(turn.text("client.nps.gone"), [screen.home(turn)])
        return
    turn.after.append(kick.drain)
    await turn.show(turn.text("client.nps.thanks"), [screen.home(turn)])


async def comment(conn: db.Connection, rated: RatedVisit, user_id: int, words: str) -> None:
    """Keep the words and tell the people who run the shop, both or neither; corrected words tell nobody again."""
    async with conn.transaction():
        if not await talk.rate(conn, rated.shop, user_id, txn_id=rated.visit, score=rated.score, words=words):
            return
        member, partner = await members.get_own(conn, rated.shop, user_id), await partners.get(conn, rated.shop)
        fields = {"title": partner.title, "name": member.name, "score": rated.score, "words": words}
        ways = [[("partner.button.answer", f"inbox:talk:{member.id}"), ("partner.button.marks", "marks:list")]]
        once = f"mark:{rated.shop}:{rated.visit}"
        await staff.tell_managers(conn, rated.shop, "partner.push.mark", fields, ways, once=once)
