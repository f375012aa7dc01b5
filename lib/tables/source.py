"""Where the rows of a file come from: two statements, of which one counts and one gives the rows, in their order."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lib import db
from lib.tables.cells import Column

PAGE = 2000


@dataclass(frozen=True)
class Source:
    """A kind of file: its columns, and the statements for the rows of a period. Both see one moment of it.

    `whose` is what the statements call the shop, or the person, whose rows they are; 0 is everybody. A row may have
    more values than there are columns: the last ones are for another file of the same rows.
    """

    columns: Sequence[Column]
    count: db.Query
    rows: db.Query
    whose: Literal["partner_id", "user_id"] = "partner_id"

    async def number(self, conn: db.Connection, whose: int, since: datetime, until: datetime) -> int:
        """Return how many rows there are."""
        return await self._of(self.count, whose).one(conn, int, **self._asked(whose, since, until)) or 0

    async def pages(
        self, conn: db.Connection, whose: int, since: datetime, until: datetime
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Yield the rows in pages; within a transaction of the caller's, which must not end before the last."""
        async for page in self._of(self.rows, whose).pages(conn, PAGE, **self._asked(whose, since, until)):
            yield page

    def _of(self, query: db.Query, whose: int) -> db.Query:
        return query.within(db.Scope(tenant=whose)) if self.whose == "partner_id" else query

    def _asked(self, whose: int, since: datetime, until: datetime) -> dict[str, Any]:
        return {self.whose: whose, "since": since, "until": until}
