"""A shop's broadcasts: written, looked at, sent and watched by the owner and the managers (lib/flows/compose.py)."""

from lib.flows import compose
from lib.flows.partner import workplace
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer a button, words or a file, for the shop where the person works."""
    place = await workplace.at_work(turn, manages=True, serves=True)
    if place is not None:
        await compose.handle(turn, compose.Newsroom("cast", place.partner_id, place.title, turn.state.who["id"]))
