"""The renderer behind the contract of the providers: finished at once, costs nothing, needs no key."""

import asyncio
from collections.abc import Sequence

from lib import errors
from lib.providers import Ask, Offer, Output, Report, Request, Ticket
from lib.providers.local.card import CardOrder, render_card

INSTANT = True


async def prepare(offer: Offer, ask: Ask) -> Request:
    """There is nothing to prepare."""
    return {}


async def create(offer: Offer, ask: Ask, request: Request, callback: str) -> Ticket | Output:
    """Draw it in a thread. The caller sees to it that one core draws one thing at a time."""
    if offer.model != "card":
        raise errors.Rejected("not_made_here", offer.model)
    wanted = CardOrder(ask.preset, ask.title, ask.benefits, ask.variant)
    card = await asyncio.to_thread(render_card, ask.picture, wanted)
    return Output(card.png, card.jpeg, card.width, card.height, card.layout, cost=0)


async def poll(tickets: Sequence[Ticket]) -> list[Report]:
    """There are no tickets."""
    return [Report("failed", error="never begun") for _ in tickets]


async def collect(ticket: Ticket, report: Report) -> Output:
    """There are no tickets."""
    raise errors.Rejected("no_ticket", ticket.id)


async def find(offer: Offer, request: Request, task_id: str) -> Ticket | None:
    """There are no tasks."""
    return None
