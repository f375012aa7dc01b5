"""The text for a finished card's page on a marketplace: free, by rules at once, by a model where there is a key."""

from datetime import timedelta

from lib import config, limits
from lib.flows.studio import ordering
from lib.jobs.table import Job
from lib.studio import listing
from lib.telegram import screen
from lib.telegram.dispatch import Turn

WRITTEN = limits.Limit("listing", 20, timedelta(hours=1))


async def show(turn: Turn, job: Job, _: str) -> None:
    """Show the text, or have it written into a message that says so."""
    title, benefits = str(job.args.get("title") or ""), [str(one) for one in job.args.get("benefits") or ()]
    found = listing.by_rules(title, benefits) if title else []
    if not found:
        await turn.answer(turn.text("studio.listing.none"), alert=True)
    elif config.get().openai_api_key and not await limits.wait(turn.chat.id, WRITTEN):
        await turn.answer()
        await ordering.promise(turn, listing.TASK, turn.text("studio.listing.writing"), order=job.id)
    else:
        await turn.answer()
        await turn.chat.say(listing.said(turn.language, found), [screen.home(turn, f"history:open:{job.id}")])
