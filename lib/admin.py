"""What operators look at and put right."""

import json
from typing import Any

from lib import db

SQL = db.load("admin")


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


def _readable(payload: bytes) -> dict[str, Any]:
    """Return the update, or its text when it is no JSON object; Postgres can store anything but a NUL."""
    text = payload.decode(errors="replace").replace("\\u0000", "").replace("\0", "")
    try:
        update = json.loads(text)
    except ValueError:
        update = None
    return update if isinstance(update, dict) else {"unreadable": text}
