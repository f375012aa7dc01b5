"""The first meeting: consent with two links, then the trial credits and what to do.

stranger: anything -> consent screen -> [accept] -> welcome, 2 credits
known:    /start   -> what the studio is, once, or welcome back; a draft is kept
"""

from lib import config, db
from lib.credits import ledger
from lib.people import users
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Ask a stranger for consent, welcome whoever has given it."""
    if turn.came.kind == "press" and turn.came.text == "start:accept":
        await _accept(turn)
    elif turn.state.who.get("consent"):
        await _welcome(turn)
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
    await turn.show(turn.text("start.consent", name=turn.came.person.first_name), [links, [accept], [language]])


async def _accept(turn: Turn) -> None:
    """Record the consent; the trial credits come once in a person's life, however often this is pressed."""
    user_id = turn.state.who["id"]
    user = await db.run(lambda conn: users.accept_consent(conn, user_id, turn.chat.id))
    await db.run(lambda conn: users.introduce(conn, user_id, turn.chat.bot))
    turn.state.who["consent"] = True
    turn.state.step = "order:photo"
    key = "start.welcome" if user.balance else "start.no_trial"
    await turn.show(turn.text(key, balance=user.balance), [_menu(turn)])


async def _welcome(turn: Turn) -> None:
    """Greet somebody who is known; who has consented in another bot reads here what this one does and gives."""
    user_id = turn.state.who["id"]
    turn.state.step = turn.state.step or "order:photo"
    words = [turn.text("start.again", name=turn.came.person.first_name)]
    if await db.run(lambda conn: users.introduce(conn, user_id, turn.chat.bot)):
        balance = await db.run(lambda conn: ledger.safe_get_balance(conn, user_id))
        gift = [turn.text("start.gift", balance=balance)] if balance else []
        words = [turn.text("start.first", name=turn.came.person.first_name), *gift, turn.text("start.photo")]
    resume = [screen.button(turn, "menu.resume", "order:resume")] if turn.state.data.get("draft") else []
    await turn.show(screen.paragraphs(*words), [row for row in (resume, _menu(turn)) if row])


def _menu(turn: Turn) -> list[Button]:
    return [screen.button(turn, "button.help", "menu:help"), *screen.home(turn)]
