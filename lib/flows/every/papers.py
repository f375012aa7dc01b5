"""The terms, the privacy policy, and whom to ask about a payment."""

from lib.flows import meeting
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show where each of them is, whichever was asked for."""
    key = "menu.papers" if turn.chat.bot == "studio" else "menu.papers.free"
    await turn.show(turn.text(key), [meeting.papers(turn), screen.home(turn)])
