"""The first meeting: consent with two links, once for all of Lotok's bots. A link that brought a stranger is kept.

stranger: anything -> consent -> [accept] -> the link's shop, or the menu
known:    /start   -> the menu
"""

from lib import config, db, users
from lib.flows import client
from lib.telegram import dispatch
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Ask a stranger for consent, welcome whoever has given it."""
    if turn.came.kind == "press" and turn.came.text == "start:accept":
        await _accept(turn)
    elif turn.state.who.get("consent"):
        await _welcome(turn, "client.start.again")
    else:
        await _ask(turn)


async def _ask(turn: Turn) -> None:
    site = config.get().public_url
    links = [
        Button(turn.text("start.terms"), url=f"{site}/terms.html"),
        Button(turn.text("start.privacy"), url=f"{site}/privacy.html"),
    ]
    accept = client.button(turn, "start.accept", "start:accept", style="success")
    language = Button(turn.text("button.language"), "language:other")
    await turn.show(turn.text("client.start.consent", name=turn.came.person.first_name), [links, [accept], [language]])


async def _accept(turn: Turn) -> None:
    """Record the consent; whoever came by a link goes on there at once."""
    who = turn.state.who
    await db.run(lambda conn: users.accept_consent(conn, who["id"], turn.chat.id))
    who["consent"] = True
    if dispatch.LINK not in turn.state.data:
        await _welcome(turn, "client.start.welcome")


async def _welcome(turn: Turn, key: str) -> None:
    first = "client.button.open" if await client.is_client(turn) else "client.button.join"
    data = "menu:home" if turn.state.who["client"] else "join:new"
    rows = [
        [client.button(turn, first, data, style="primary")],
        [client.button(turn, "client.button.promos", "find:promos"), client.button(turn, "button.menu", "menu:home")],
    ]
    await turn.show(turn.text(key, name=turn.came.person.first_name), rows)
