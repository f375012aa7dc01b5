"""The small questions to a model beside an order's pictures: noted, counted and halted like any call of a provider."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from lib import db, errors
from lib.jobs.run import Run
from lib.providers import makers
from lib.providers.contract import Offer, answers
from lib.studio import spending
from lib.studio.spending import CallEnd

# How a question ends that brought an error; else it failed, and cost nothing. An answer has its price, useful or not.
ENDS: Mapping[str, tuple[CallEnd, int | None]] = {
    "rules": ("refused", None),
    "odd_answer": ("failed", None),
    "maybe_made": ("lost", None),
}


@contextlib.asynccontextmanager
async def counted(run: Run, step: str, offer: Offer) -> AsyncIterator[None]:
    """Note a question of this job and how it ended; raise Unavailable, unasked, when nobody may ask the provider now.

    A question lets no key and no provider rest: the next picture does, and tells the administrators.
    """
    account = makers.account(offer.provider, run.job.id)
    intent = spending.Intent(run.job.id, run.token, 0, step, offer.provider, offer.model, offer.cost, account)
    begun = await db.run(lambda conn: spending.begin_call(conn, intent))
    if begun.id is None:
        raise errors.Unavailable(begun.halt or "busy", f"{offer.provider} is not asked now")
    try:
        with answers("odd_answer"):
            yield
    except errors.Upstream as error:
        await _end(begun.id, *ENDS.get(error.code, ("failed", 0)))
        raise
    await _end(begun.id, "done")


async def _end(call_id: int, state: CallEnd, cost: int | None = None) -> None:
    await db.run(lambda conn: spending.end_call(conn, call_id, state, cost))
