"""The terms, the privacy policy, and whom to ask about a payment."""

from lib import config
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show where each of them is, whichever was asked for."""
    site = config.get().public_url
    links = [
        screen.link(turn, "start.terms", f"{site}/terms.html"),
        screen.link(turn, "start.privacy", f"{site}/privacy.html"),
    ]
    key = "menu.papers" if turn.chat.bot == "studio" else "menu.papers.free"
    await turn.show(turn.text(key), [links, screen.home(turn)])
