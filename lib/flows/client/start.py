"""The first meeting: consent with two links, once for all of Lotok's bots. A link that brought a stranger is kept.

stranger: anything -> consent, with the link's shop and its gift -> [accept] -> the shop, or the menu
known:    /start   -> what the club is, once, or the menu
"""

from lib import config, db, errors
from lib.flows.client import visitor
from lib.people import users
from lib.telegram import dispatch, screen
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
        screen.link(turn, "start.terms", f"{site}/terms.html"),
        screen.link(turn, "start.privacy", f"{site}/privacy.html"),
    ]
    accept = screen.button(turn, "start.accept", "start:accept", style="success")
    language = screen.button(turn, "button.language", "language:other")
    await turn.show(await _consent(turn), [links, [accept], [language]])


async def _consent(turn: Turn) -> str:
    """Return what is consented to; who came by a shop's link reads first whose card it is and what it brings."""
    name = turn.came.person.first_name
    try:
        shop = await visitor.inviting(str(turn.state.data.get(dispatch.LINK, "")))
    except (errors.Denied, errors.Invalid, errors.Missing):
        return turn.text("client.start.consent", name=name)
    return turn.text("client.start.consent_for", name=name, title=shop.title, gift=visitor.welcome_gift(turn, shop))


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
    is_new = not await visitor.is_client(turn)
    first = is_new and await db.run(lambda conn: users.introduce(conn, user_id, turn.chat.bot))
    await _welcome(turn, "client.start.first" if first else "client.start.again")


async def _welcome(turn: Turn, key: str) -> None:
    first = "client.button.open" if await visitor.is_client(turn) else "client.button.join"
    data = "menu:home" if turn.state.who["client"] else "join:new"
    rows = [
        [screen.button(turn, first, data, style="primary")],
        [screen.button(turn, "client.button.promos", "find:promos"), *screen.home(turn)],
    ]
    await turn.show(turn.text(key, name=turn.came.person.first_name), rows)
