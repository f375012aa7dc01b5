"""A broadcast of the platform's for Stars, above the free pace: the price and the bot's balance, then a yes or a no.

It is never paid by itself: the yes names the version and the price that were shown, and any change of the draft after
it takes it back. Telegram takes a tenth of a Star a message above thirty a second; so a tenth of all is the most.
"""

from lib import clock, db, errors
from lib.reach import broadcasts
from lib.reach.broadcasts import Broadcast
from lib.telegram import screen
from lib.telegram.client import bot, call
from lib.telegram.dispatch import Turn

LEAST = 10_000  # Stars that Telegram wants on the balance of a bot that pays


async def handle(turn: Turn, one: Broadcast, wish: str, data: str, back: str) -> Broadcast | None:
    """Show the price, or take the answer and return the draft as it is then. The data of its buttons begins `data`."""
    answer, _, rest = wish.partition(":")
    version, _, price = rest.partition(":")
    if answer == "no":
        return await db.run(lambda conn: broadcasts.change(conn, one, paid=False))
    ready = (await db.run(lambda conn: broadcasts.count(conn, one, clock.now()))).ready
    stars, held = broadcasts.most_stars(ready), await balance(one.bot)
    enough = held is not None and held >= max(LEAST, stars)
    if answer == "yes" and enough and screen.number(version) == one.version and stars <= screen.number(price):
        return await db.run(lambda conn: broadcasts.change(conn, one, paid=True))
    turn.state.step = ""
    words = screen.paragraphs(turn.text("news.paid.ask", ready=ready, stars=stars), _held(turn, held, enough=enough))
    yes = [screen.button(turn, "news.paid.yes", f"{data}:yes:{one.version}:{stars}", stars=stars)] if enough else []
    no = [screen.button(turn, "news.paid.no", f"{data}:no")] if one.paid else []
    await turn.show(words, [*filter(None, [yes, no]), screen.home(turn, back)])
    return None


def _held(turn: Turn, held: int | None, *, enough: bool) -> str:
    if held is None:
        return turn.text("news.paid.unknown")
    said = turn.text("news.paid.held", held=held)
    return said if enough else f"{said} {turn.text('news.paid.short', least=LEAST)}"


async def balance(bot_name: str) -> int | None:
    """Return the Stars on a bot's balance; None when Telegram does not say."""
    try:
        found = await call(bot(bot_name).get_my_star_balance())
    except (errors.Missing, errors.Upstream):
        return None
    return int(found.amount)
