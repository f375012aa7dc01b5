"""The first meeting with the partner bot: consent, then the way to a shop of one's own. A link waits for the consent.

stranger: anything -> consent screen -> [accept] -> the menu, or where the link leads
known:    /start   -> the menu
"""

from lib import config, db
from lib.flows.partner import workplace
from lib.people import users
from lib.telegram import screen
from lib.telegram.dispatch import LINK, Turn


async def handle(turn: Turn) -> None:
    """Ask a stranger for consent, greet whoever has given it."""
    if turn.came.kind == "press" and turn.came.text == "start:accept":
        await _accept(turn)
    elif turn.state.who.get("consent"):
        await _greet(turn)
    else:
        await _ask(turn)


async def _ask(turn: Turn) -> None:
    site = config.get().public_url
    links = [
        screen.link(turn, "start.terms", f"{site}/terms.html"),
        screen.link(turn, "start.privacy", f"{site}/privacy.html"),
    ]
    accept = screen.button(turn, "start.accept", "start:accept", style="success")
    language = screen.button(turn, "button.language", "language:other")
    await turn.show(turn.text("partner.start.consent", name=turn.came.person.first_name), [links, [accept], [language]])


async def _accept(turn: Turn) -> None:
    """Record the consent. Who came by a link is led there at once, by dispatch."""
    user_id, tg_id = turn.state.who["id"], turn.chat.id
    await db.run(lambda conn: users.accept_consent(conn, user_id, tg_id))
    turn.state.who["consent"] = True
    await db.run(lambda conn: users.introduce(conn, user_id, turn.chat.bot))
    if LINK not in turn.state.data:
        await _greet(turn)


async def _greet(turn: Turn) -> None:
    where = await workplace.places(turn)
    key = "partner.start.again" if where else "partner.start.welcome"
    if not where and await db.run(lambda conn: users.introduce(conn, turn.state.who["id"], turn.chat.bot)):
        key = "partner.start.first"  # they consented in another bot
    first = ("partner.button.open", "menu:home") if where else ("partner.button.apply", "apply:new")
    rows = [[screen.button(turn, *first, style="primary")], [screen.button(turn, "button.help", "menu:help")]]
    await turn.show(turn.text(key, name=turn.came.person.first_name), rows)
