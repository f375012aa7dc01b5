"""Where the rows of a file come from: two statements, of which one counts and one gives the rows, in their order."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import db
from lib.tables.cells import Column

PAGE = 2000


@dataclass(frozen=True)
class Source:
    """A kind of file: its columns, and the statements for a shop's rows of a period. Both see one moment of it."""

    columns: Sequence[Column]
    count: db.Query
    rows: db.Query

    async def number(self, conn: db.Connection, partner_id: int, since: datetime, until: datetime) -> int:
        """Return how many rows there are."""
        period = {"partner_id": partner_id, "since": since, "until": until}
        return await self.count.within(_of(partner_id)).one(conn, int, **period) or 0

    async def pages(
        self, conn: db.Connection, partner_id: int, since: datetime, until: datetime
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Yield the rows in pages; within a transaction of the caller's, which must not end before the last."""
        period = {"partner_id": partner_id, "since": since, "until": until}
        async for page in self.rows.within(_of(partner_id)).pages(conn, PAGE, **period):
            yield page


def _of(partner_id: int) -> db.Scope:
    return db.Scope(tenant=partner_id)
