"""A file of a shop as the rows that a spreadsheet shows."""

from datetime import datetime
from zoneinfo import ZoneInfo

from lib import db
from lib.loyalty.partners import Partner
from lib.tables import cells
from lib.tables.cells import SheetStyle
from lib.tables.source import Source


async def table(
    conn: db.Connection, source: Source, shop: Partner, since: datetime, until: datetime, language: str = "ru"
) -> list[list[str]]:
    """Return the head and the rows of a CSV file, each cell as it is written."""
    style = SheetStyle(language, ZoneInfo(shop.tz))
    writers = [cells.csv_writer(column, style) for column in source.columns]
    async with conn.transaction():
        pages = [page async for page in source.pages(conn, shop.id, since, until)]
    rows = [[*row] for page in pages for row in cells.transposed(writers, page)]
    return [[style.title(column) for column in source.columns], *rows]
