"""The language: there are two, so one press or /language changes it, and another changes it back."""

from lib import db
from lib.people import users
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Change to the other language, for good, whatever Telegram's own is; a stranger reads the consent in it."""
    language = "en" if turn.language == "ru" else "ru"
    user_id = turn.state.who["id"]
    await db.run(lambda conn: users.set_language(conn, user_id, language))
    turn.state.who["language"] = language
    if turn.stranger:
        turn.meets = True
        return
    back = screen.button(turn, "button.language", "language:other")
    await turn.show(turn.text("language.set"), [[back, *screen.home(turn)]])
