"""Fills a database with shops, their members and a year of operations."""

from pathlib import Path

from lib import db

SCRIPT = Path(__file__).parent / "fill.sql"


async def fill(conn: db.Connection, *, partners: int, members: int, operations: int = 0) -> None:
    """Write them in bulk; needs a superuser, and tables that the migrations have just made.

    Shops are 1 to `partners`, members 1 to `members`, member n being of shop 1 + n % partners; the owner of shop n is
    user 2,000,000 + n.
    """
    text = SCRIPT.read_text(encoding="utf-8")
    await db.script(conn, text.format(partners=partners, members=members, operations=operations))
    await db.script(conn, "vacuum analyze" if operations else "analyze")
