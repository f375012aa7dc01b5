"""The examples of docs/ledger.md, run in order on a new database: each prints what the page says it prints.

`RECORD=1 python -m pytest tests/test_ledger_page.py` writes down what they print now.
"""

import os
import re
from pathlib import Path

import psycopg

PAGE = Path(__file__).parent.parent / "docs" / "ledger.md"
EXAMPLE = re.compile(r"```sql\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def table(names, found):
    """Write a result much as psql does."""
    rows = [names, *(["" if value is None else str(value).lower() for value in row] for row in found)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = [" | ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-+-".join("-" * width for width in widths), *lines[1:], ""])


async def answer(conn, sql):
    """Return what the statements of an example print; the last word of one that is refused."""
    try:
        async with conn.transaction():
            cursor = await conn.execute(sql)
            printed = []
            while True:
                if cursor.description is not None:
                    printed.append(table([column.name for column in cursor.description], await cursor.fetchall()))
                if not cursor.nextset():
                    return "\n".join(printed)
    except psycopg.Error as error:
        return f"ERROR: {error.diag.message_primary}\n"


async def test_the_page_of_the_ledgers_shows_what_the_sql_does(database):
    text = PAGE.read_text(encoding="utf-8")
    async with database.connect() as conn:
        await conn.execute("set time zone 'Europe/Moscow'")
        shown = [(sql, said) for sql, said in EXAMPLE.findall(text)]
        found = [(sql, await answer(conn, sql)) for sql, _ in shown]
    if "RECORD" in os.environ:
        answers = iter(found)
        PAGE.write_text(EXAMPLE.sub(lambda _: "```sql\n{}```\n\n```text\n{}```".format(*next(answers)), text))
        return
    assert len(shown) >= 10
    assert found == shown
