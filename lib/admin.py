"""What operators look at and put right."""

from typing import Any

from lib import db

SQL = db.load("admin")


async def bury_update(
    conn: db.Connection, bot: str, update_id: int, payload: dict[str, Any], error: str, tries: int
) -> None:
    """Keep an update that failed at every try, so that it can be looked at and replayed; once per update."""
    await SQL.bury_update.run(
        conn, bot=bot, update_id=update_id, payload=payload, error=error.replace("\0", "")[:2000], tries=tries
    )
