"""The first meeting with the studio: consent, then the trial credits and what to do. A draft is kept.

stranger: anything -> consent -> [accept] -> welcome, 2 credits
known:    /start   -> what the studio is, once, or welcome back
"""

from lib import db
from lib.credits import ledger
from lib.flows.meeting import Meeting, is_new
from lib.flows.studio import ordering
from lib.people.users import User
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def _consent(turn: Turn) -> str:
    return turn.text("start.consent", name=turn.came.person.first_name)


async def _welcome(turn: Turn, user: User) -> None:
    turn.state.step = "order:photo"
    key = "start.welcome" if user.balance else "start.no_trial"
    await turn.show(turn.text(key, balance=user.balance), [_menu(turn)])


async def _greet(turn: Turn) -> None:
    """Greet somebody who is known; who has consented in another bot reads here what this one does and gives."""
    turn.state.step = turn.state.step or "order:photo"
    words = [turn.text("start.again", name=turn.came.person.first_name)]
    if await is_new(turn):
        balance = await db.run(lambda conn: ledger.safe_get_balance(conn, turn.state.who["id"]))
        gift = [turn.text("start.gift", balance=balance)] if balance else []
        words = [turn.text("start.first", name=turn.came.person.first_name), *gift, turn.text("start.photo")]
    resume = [screen.button(turn, "menu.resume", "order:resume")] if ordering.DRAFT.of(turn.state) else []
    await turn.show(screen.paragraphs(*words), [row for row in (resume, _menu(turn)) if row])


def _menu(turn: Turn) -> list[Button]:
    return [screen.button(turn, "button.help", "menu:help"), *screen.home(turn)]


handle = Meeting(_consent, _welcome, _greet).handle
