"""Sends the digests of shops: each hour it queues those that are due, and each of these goes to its readers.

the hour's run (args "due") -> a job a shop and period -> its readers, one after the other (checkpoint "told")

The readers are looked up when it is sent: a person who was let go meanwhile gets nothing, nor does a blocked shop.
"""

from datetime import datetime, timedelta

from lib import clock, db, errors, log, retry
from lib.jobs import kick
from lib.jobs.run import Run
from lib.loyalty import night, partners
from lib.reach import digests, periods, wording
from lib.reach.digests import Digest, DigestReader
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(hours=1))
LEASE = timedelta(minutes=2)


async def run(run: Run) -> None:
    """Queue what is due, or send one."""
    if "due" in run.job.args:
        await _queue(datetime.fromisoformat(run.job.args["due"]))
    else:
        await _send(run)


async def _queue(now: datetime) -> None:
    after, queued = 0, 0
    while True:
        after, made = await db.run(lambda conn, start=after: digests.queue(conn, now, after=start))  # type: ignore[misc]
        queued += made
        if not after:
            break
    log.count("digests", queued)
    if queued:
        await kick.drain()


async def _send(run: Run) -> None:
    asked = run.job.args
    shop = await db.run(lambda conn: partners.get(conn, asked["partner_id"]))
    period = periods.read(asked["period"], clock.now(), shop.tz)
    if shop.status != "approved" or (shop.decided_at or shop.created_at) >= period.until:
        log.note(no_digest=shop.status)
        return
    found = await _read(shop, period)
    if found is None:
        log.note(quiet=True)
        return
    kind, told = digests.kind_of(period), list(run.checkpoint.get("told", []))
    refused: errors.Rejected | None = None
    for reader in await db.run(lambda conn: digests.readers(conn, shop.id, kind)):
        if reader.user_id in told:
            continue
        try:
            await _tell(reader, found)
        except errors.Rejected as refusal:  # a fault of ours, which keeps nobody else from theirs
            refused = refusal
            continue
        told.append(reader.user_id)
        await run.save(told=told)
    if refused:
        raise refused


async def _read(shop: partners.Partner, period: periods.Period) -> Digest | None:
    """Return what there is to say; None after several empty periods."""

    async def work(conn: db.Connection) -> tuple[Digest, bool]:
        found = await digests.read(conn, shop, period, clock.now())
        return found, await digests.is_quiet(conn, found)

    await night.catch_up(shop.id)
    (found, quiet), as_of = await db.read(work)
    return None if quiet else Digest(**vars(found) | {"as_of": as_of})


async def _tell(reader: DigestReader, found: Digest) -> None:
    words, rows = wording.digest(found, reader.language)
    try:
        await Chat("partner", reader.tg_id, paced=True).say(words, rows)
    except (errors.Blocked, errors.Missing) as refusal:  # they stopped the bot, or it is off
        log.note(not_told=str(refusal))
