"""What falls due by the clock for requests: one that nobody has accepted is told of again; each morning a day's sum.

a request of its own: after 10 minutes the staff (checkpoint "told"), after 20 the owner and the client
every hour: the owners of the shops where it is nine o'clock hear of yesterday's requests
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib import clock, db, errors, log, retry
from lib.assistant import pushes, requests
from lib.jobs import kick
from lib.jobs.run import Run
from lib.loyalty import partners

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(hours=1))
LEASE = timedelta(seconds=60)
MORNING = 9


async def run(run: Run) -> None:
    """Remind of one request, or sum up the shops whose morning it is."""
    if "request" in run.job.args:
        await _remind(run, run.job.args["partner"], run.job.args["request"])
        return
    now, after = datetime.fromisoformat(run.job.args["due"]), 0
    while page := await db.run(lambda conn, start=after: requests.shops(conn, now - timedelta(days=2), after=start)):  # type: ignore[misc]
        for after in page:
            await _sum_up(after, now)


async def _remind(run: Run, partner_id: int, request_id: int) -> None:
    told = bool(run.checkpoint.get("told"))
    try:
        shop = await db.run(lambda conn: partners.get(conn, partner_id))
        waits = await db.run(
            lambda conn: pushes.remind(conn, partner_id, request_id, again=told, owner_id=shop.owner_id)
        )
    except (errors.Missing, errors.Gone) as gone:
        log.note(no_request=str(gone))
        return
    if waits and not told:
        await run.wait(clock.now() + pushes.PATIENCE, told=True)
    if waits:
        await kick.drain()


async def _sum_up(partner_id: int, now: datetime) -> None:
    shop = await db.run(lambda conn: partners.get(conn, partner_id))
    local = now.astimezone(ZoneInfo(shop.tz))
    if local.hour != MORNING or shop.gone:
        return
    until = datetime.combine(local.date(), time(), ZoneInfo(shop.tz))
    since = datetime.combine(local.date() - timedelta(days=1), time(), ZoneInfo(shop.tz))
    told = await db.run(lambda conn: pushes.sum_up(conn, partner_id, shop.owner_id, since, until, shop.title))
    log.count("summed_up", int(told))
