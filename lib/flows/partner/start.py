"""The first meeting with the partner bot: consent, then the way to a shop of one's own. A link waits for the consent.

stranger: anything -> consent -> [accept] -> the menu, or where the link leads
known:    /start   -> the menu; what was begun, such as an open bill, is left
"""

from lib.flows.meeting import Meeting, is_new
from lib.flows.partner import workplace
from lib.people.users import User
from lib.telegram import screen
from lib.telegram.dispatch import LINK, Turn


async def _consent(turn: Turn) -> str:
    return turn.text("partner.start.consent", name=turn.came.person.first_name)


async def _welcome(turn: Turn, _: User) -> None:
    if LINK not in turn.state.data:
        await _greet(turn)


async def _greet(turn: Turn) -> None:
    turn.state.step = ""
    workplace.leave(turn)
    where = await workplace.places(turn)
    key = "partner.start.again" if where else "partner.start.welcome"
    if not where and await is_new(turn):
        key = "partner.start.first"  # they consented in another bot
    first = ("partner.button.open", "menu:home") if where else ("partner.button.apply", "apply:new")
    rows = [[screen.button(turn, *first, style="primary")], [screen.button(turn, "button.help", "menu:help")]]
    await turn.show(turn.text(key, name=turn.came.person.first_name), rows)


handle = Meeting(_consent, _welcome, _greet).handle
