"""Answers a person whom an administrator has shut out: one sentence, and the way to their own data."""

from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Say so, whatever came; nothing of a conversation is kept."""
    turn.state.step, turn.state.data = "", {"screen": turn.state.data.get("screen", 0)}
    rows = [[screen.button(turn, "button.profile", "profile:home")]]
    if turn.chat.bot == "studio":  # where there are payments to ask about, and a way to write
        rows[0].append(screen.button(turn, "studio.support.write", "support:write"))
    await turn.show(turn.text("error.closed"), rows)
