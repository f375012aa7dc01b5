"""Where somebody ends whom an administrator has shut out: one sentence, and the way to their own data."""

from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Say so, whatever came; nothing of a conversation is kept."""
    turn.state.step, turn.state.data = "", {"screen": turn.state.data.get("screen", 0)}
    rows = [[Button(turn.text("button.profile"), "profile:home"), Button(turn.text("button.contact"), "papers:home")]]
    await turn.show(turn.text("error.closed"), rows)
