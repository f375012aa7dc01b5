"""Makes a CSV file of a shop's clients or operations for Excel and sends it to the person who asked, if still allowed.

The rows come a page at a time; nothing is kept on disk. A file that would be too large for Telegram comes in parts,
and no more than one part is in memory.
"""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from lib import db, errors, log, retry, text
from lib.jobs.run import Run
from lib.loyalty import partners, sheets, staff
from lib.telegram.client import Chat, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
LEASE = timedelta(minutes=2)
PART = 40_000_000  # bytes; Telegram takes 50 MB
BACK = timedelta(days=366)


async def run(run: Run) -> None:
    """Send the file; a person who was let go meanwhile gets none."""
    asked = run.job.args
    found = await db.run(lambda conn: staff.manager(conn, asked["partner_id"], run.job.user_id))
    if found is None:
        log.note(no_longer_manages=True)
        return
    _, user = found
    shop = await db.run(lambda conn: partners.get(conn, asked["partner_id"]))
    chat = Chat(asked["bot"], user.tg_id)
    words = text.say(user.language, f"partner.sheet.{asked['what']}", title=shop.title)
    part = 0
    try:
        async for data in _parts(_rows(shop, asked["what"], user.language)):
            part += 1
            if part <= run.checkpoint.get("sent", 0):
                continue
            name = f"{asked['what']}-{datetime.now(UTC):%Y-%m-%d}{f'-{part}' if part > 1 else ''}.csv"
            await chat.send_document(Picture(name, data), words)
            await run.save(sent=part)
            del data  # the next part grows while the loop would still hold this one
    except errors.Blocked:
        log.note(blocked=True)


def _rows(shop: partners.Partner, what: str, language: str) -> AsyncIterator[bytes]:
    if what == "clients":
        return sheets.clients(shop, language)
    now = datetime.now(UTC)
    return sheets.operations(shop, now - BACK, now, language)


async def _parts(rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give out files of at most PART bytes, each with the mark and the heading of the first page."""
    head = b""
    held = io.BytesIO()
    async for page in rows:
        head = head or page
        if held.tell() + len(page) > PART:
            yield held.getvalue()
            held = io.BytesIO()
            held.write(head)
        held.write(page)
    yield held.getvalue()
