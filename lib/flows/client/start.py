"""The first meeting with the client bot: consent, then the shop of the link that brought a stranger, or the menu.

stranger: anything -> consent, with the link's shop and its gift -> [accept] -> the shop, or the menu
known:    /start   -> what the club is, once, or the menu
"""

from lib import errors
from lib.flows.client import visitor
from lib.flows.meeting import Meeting, is_new
from lib.people.users import User
from lib.telegram import screen
from lib.telegram.dispatch import LINK, Turn


async def _consent(turn: Turn) -> str:
    """Return the words of the consent; a shop's link first tells whose card it is and what it brings."""
    name = turn.came.person.first_name
    try:
        shop = await visitor.inviting(str(turn.state.data.get(LINK, "")))
    except (errors.Denied, errors.Invalid, errors.Missing):
        return turn.text("client.start.consent", name=name)
    return turn.text("client.start.consent_for", name=name, title=shop.title, gift=visitor.welcome_gift(turn, shop))


async def _welcome(turn: Turn, _: User) -> None:
    if LINK not in turn.state.data:
        await _show(turn, "client.start.welcome")


async def _greet(turn: Turn) -> None:
    """Greet a known person; one who has consented in another bot reads here what this one is for."""
    first = not await visitor.is_client(turn) and await is_new(turn)
    await _show(turn, "client.start.first" if first else "client.start.again")


async def _show(turn: Turn, key: str) -> None:
    first = "client.button.open" if await visitor.is_client(turn) else "client.button.join"
    data = "menu:home" if turn.state.who["client"] else "join:new"
    rows = [
        [screen.button(turn, first, data, style="primary")],
        [screen.button(turn, "client.button.promos", "find:promos"), *screen.home(turn)],
    ]
    await turn.show(turn.text(key, name=turn.came.person.first_name), rows)


handle = Meeting(_consent, _welcome, _greet).handle
