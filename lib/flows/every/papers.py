"""The terms, the privacy policy, and whom to ask about a payment."""

from lib import config
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show where each of them is, whichever was asked for."""
    site = config.get().public_url
    links = [
        Button(turn.text("start.terms"), url=f"{site}/terms.html"),
        Button(turn.text("start.privacy"), url=f"{site}/privacy.html"),
    ]
    key = "menu.papers" if turn.chat.bot == "studio" else "menu.papers.free"
    await turn.show(turn.text(key), [links, [Button(turn.text("button.menu"), "menu:home")]])
