"""Updates that failed at every try: kept, looked at, brought once more, or dropped."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lib import cache, config, db, errors, fetch
from lib.office.people import MOST, Count

SQL = db.load("admin")
PAGE = 10
_PATIENCE = timedelta(seconds=15)


@dataclass(frozen=True)
class Letter:
    """An update that failed for good, with what it failed of the last time."""

    id: int
    bot: str
    update_id: int
    payload: dict[str, Any]
    error: str
    tries: int
    created_at: datetime

    @property
    def sender(self) -> int:
        """The Telegram id of the sender; 0 when the update does not say it."""
        for part in self.payload.values():
            sender = part.get("from") if isinstance(part, dict) else None
            if isinstance(sender, dict) and type(sender.get("id")) is int:
                return int(sender["id"])
        return 0

    @property
    def kind(self) -> str:
        """The kind of update, in Telegram's word."""
        return next((name for name in self.payload if name != "update_id"), "")


async def bury_update(conn: db.Connection, bot: str, update_id: int, payload: bytes, error: str, tries: int) -> None:
    """Keep an update that failed at every try, so that it can be looked at and replayed; once per update."""
    await SQL.bury_update.run(
        conn,
        bot=bot,
        update_id=update_id,
        payload=_readable(payload),
        error=error.replace("\0", "")[:2000],
        tries=tries,
    )


async def list_letters(
    conn: db.Connection, *, bot: str = "", reason: str = "", before: int | None = None, limit: int = PAGE
) -> list[Letter]:
    """Return a page of them, newest first: of all, of one bot, of one kind of error, or of both."""
    chosen = {"bot": bot or None, "reason": reason or None}
    return await SQL.list_letters.all(conn, Letter, **chosen, before=before, limit=limit)


async def by_bot(conn: db.Connection, *, reason: str = "") -> list[Count]:
    """Return how many there are of each bot, the most first: of all kinds of errors, or of one."""
    return await SQL.letters_by_bot.all(conn, Count, reason=reason or None, limit=MOST)


async def by_reason(conn: db.Connection, *, bot: str = "") -> list[Count]:
    """Return how many there are of each kind of error, the most first: of all bots, or of one."""
    return await SQL.letters_by_reason.all(conn, Count, bot=bot or None, limit=MOST)


async def get_letter(conn: db.Connection, letter_id: int) -> Letter:
    """Return one; Missing("no_letter")."""
    found = await SQL.get_letter.one(conn, Letter, letter_id=letter_id)
    if found is None:
        raise errors.Missing("no_letter", str(letter_id))
    return found


async def drop(conn: db.Connection, letter: Letter, *, actor: str, reason: str, action: str = "letter.drop") -> bool:
    """Forget one as it was when it was looked at; False when it is gone, or has failed once more."""
    facts = {"letter_id": letter.id, "tries": letter.tries, "actor": actor, "action": action, "reason": reason}
    return await SQL.drop_letter.one(conn, int, **facts) is not None


async def replay(letter: Letter) -> bool:
    """Bring an update to its bot once more, as Telegram would; return whether it was taken this time.

    It goes through the webhook, so it waits for the sender's turn like any other. Its failures so far still count:
    one more buries it again. Its effects are there once, whatever the first tries had done already.
    """
    await cache.delete(f"update:{letter.bot}:{letter.update_id}")
    settings = config.get()
    url = f"{settings.public_url}/api/telegram/{letter.bot}"
    headers = {"X-Telegram-Bot-Api-Secret-Token": settings.webhook_secret, **settings.pass_headers}
    try:
        await fetch.post(url, json=letter.payload, headers=headers, timeout=_PATIENCE)
    except errors.Unavailable as fault:
        if fault.retry_after is not None:
            raise errors.Conflict("sender_busy", str(fault)) from fault
        return False
    again = await db.run(lambda conn: SQL.get_letter.one(conn, Letter, letter_id=letter.id))
    return again is None or again.tries == letter.tries


def _readable(payload: bytes) -> dict[str, Any]:
    """Return the update, or its text when it is no JSON object that Postgres can store.

    It stores no NUL, no half of a surrogate pair, and no NaN or infinity.
    """
    text = payload.decode(errors="replace").replace("\\u0000", "").replace("\0", "")
    try:
        update = json.loads(text)
        json.dumps(update, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        update = None
    return update if isinstance(update, dict) else {"unreadable": text}
