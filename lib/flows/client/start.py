"""The first meeting: consent with two links, once for all of Lotok's bots. A link that brought a stranger is kept.

stranger: anything -> consent, with the link's shop and its gift -> [accept] -> the shop, or the menu
known:    /start   -> what the club is, once, or the menu
"""

from lib import config, db, errors
from lib.flows import client
from lib.people import users
from lib.telegram import dispatch
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Ask a stranger for consent, welcome whoever has given it."""
    if turn.came.kind == "press" and turn.came.text == "start:accept":
        await _accept(turn)
    elif turn.state.who.get("consent"):
        await _again(turn)
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
    await turn.show(await _consent(turn), [links, [accept], [language]])


async def _consent(turn: Turn) -> str:
    """Return what is consented to; who came by a shop's link reads first whose card it is and what it brings."""
    name = turn.came.person.first_name
    try:
        shop = await client.inviting(str(turn.state.data.get(dispatch.LINK, "")))
    except (errors.Denied, errors.Invalid, errors.Missing):
        return turn.text("client.start.consent", name=name)
    return turn.text("client.start.consent_for", name=name, title=shop.title, gift=client.welcome_gift(turn, shop))


async def _accept(turn: Turn) -> None:
    """Record the consent; whoever came by a link goes on there at once."""
    who = turn.state.who
    await db.run(lambda conn: users.accept_consent(conn, who["id"], turn.chat.id))
    who["consent"] = True
    await db.run(lambda conn: users.introduce(conn, who["id"], turn.chat.bot))
    if dispatch.LINK not in turn.state.data:
        await _welcome(turn, "client.start.welcome")


async def _again(turn: Turn) -> None:
    """Greet somebody who is known; who has consented in another bot reads here what this one is for."""
    user_id = turn.state.who["id"]
    is_new = not await client.is_client(turn)
    first = is_new and await db.run(lambda conn: users.introduce(conn, user_id, turn.chat.bot))
    await _welcome(turn, "client.start.first" if first else "client.start.again")


async def _welcome(turn: Turn, key: str) -> None:
    first = "client.button.open" if await client.is_client(turn) else "client.button.join"
    data = "menu:home" if turn.state.who["client"] else "join:new"
    rows = [
        [client.button(turn, first, data, style="primary")],
        [client.button(turn, "client.button.promos", "find:promos"), client.button(turn, "button.menu", "menu:home")],
    ]
    await turn.show(turn.text(key, name=turn.came.person.first_name), rows)
