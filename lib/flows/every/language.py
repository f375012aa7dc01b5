"""The language: there are two, so one press or /language changes it, and another changes it back.

A screen of something that was begun would stand there in the other language: it goes, and a button shows it again.
"""

from lib import db
from lib.people import profiles, users
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn

# What a person may have begun with a bot, as its state keeps it, and the button that shows where it stands.
BEGUN = {"studio": ("draft", "menu.resume", "order:resume")}


async def handle(turn: Turn) -> None:
    """Change to the other language, for good, whatever Telegram's own is; a stranger reads the consent in it."""
    language = "en" if turn.language == "ru" else "ru"
    user_id = turn.state.who["id"]
    await db.run(lambda conn: users.set_language(conn, user_id, language))
    turn.after.append(lambda: profiles.forget(user_id, turn.chat.id))
    turn.state.who["language"] = language
    if turn.stranger:
        turn.meets = True
        return
    back = screen.button(turn, "button.language", "language:other")
    await turn.show(turn.text("language.set"), [*await _begun(turn), [back, *screen.home(turn)]])


async def _begun(turn: Turn) -> Keyboard:
    """Take the screen of what was begun away; return the way back to it."""
    draft, key, data = BEGUN.get(turn.chat.bot, ("", "", ""))
    if not turn.state.data.get(draft):
        return []
    before = int(turn.state.data.get("screen") or 0)
    if before and not turn.on_screen:
        await turn.chat.delete(before)
    return [[screen.button(turn, key, data, style="success")]]
