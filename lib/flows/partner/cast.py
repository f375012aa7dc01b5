"""A shop's broadcasts: written, looked at, sent and watched by the owner and the managers (lib/flows/compose.py).

cast:away:<shop>:<days>, below a report, opens one that is prepared: to those who have not been seen for so long.
"""

from lib import db
from lib.flows import audiences, compose
from lib.flows.newsroom import Newsroom
from lib.flows.partner import workplace
from lib.reach import reminders
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer a button, words or a file, for the shop where the person works."""
    action, argument = screen.pressed(turn)
    shop, _, days = argument.partition(":")
    if action == "away":
        turn.state.data["shop"] = screen.number(shop)  # the report may be of another shop than the one chosen last
    place = await workplace.at_work(turn, manages=True, serves=True)
    if place is None:
        return
    desk = Newsroom("cast", place.partner_id, place.title, turn.state.who["id"])
    if action == "away" and place.partner_id == screen.number(shop) and audiences.is_away(screen.number(days)):
        await _invite_back(turn, desk, screen.number(days))
    else:
        await compose.handle(turn, desk)


async def _invite_back(turn: Turn, desk: Newsroom, days: int) -> None:
    """Open a draft to those who have not been here for so many days, in the shop's own words where it has any."""
    own = (await db.run(lambda conn: reminders.of_shop(conn, desk.partner_id)))["away"].words
    await compose.prepared(turn, desk, words=own or turn.text("news.auto.away_words"), filter={"away": days})
