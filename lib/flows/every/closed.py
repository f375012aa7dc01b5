"""Answers a person whom an administrator has shut out: one sentence, the way to their own data, and a way to write."""

from lib import config
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Say so, whatever came; nothing of a conversation is kept."""
    turn.state.step, turn.state.data = "", {"screen": turn.state.data.get("screen", 0)}
    row = [screen.button(turn, "button.profile", "profile:home")]
    if config.get().admin_ids:
        row.append(screen.button(turn, "papers.write", "papers:write"))
    await turn.show(turn.text("error.closed"), [row])
