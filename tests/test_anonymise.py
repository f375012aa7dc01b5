"""What --anonymise leaves of people in a copy: nothing; and of money and points: everything."""

import json
import re

import pytest

from lib import db, errors
from lib.jobs import table as jobs_table
from tests import factories
from tests.assistant.request_lab import make_bakery
from tests.test_dump import TRACES, dump, live, rows

BLANK = (db.SQL_FOLDER / "anonymise.sql").read_text(encoding="utf-8")
# What a shop shows to everybody stays, and so does the name of a city.
SUMS = """
select
    (select sum(amount) from credit_ledger), (select sum(balance) from credit_accounts),
    (select sum(delta) from point_entries), (select sum(balance) from point_accounts),
    (select sum(bill_minor) from point_txns), (select sum(total_minor) from requests),
    (select sum(kopecks) from request_lines), (select sum(remaining) from point_lots)
"""
# Rows that go as a whole: they hold people, and a copy has no use for them.
EMPTIED = {
    *("conversations", "handled_updates", "dead_letters", "muted_alerts", "file_telegram_ids", "phone_releases"),
    *("chat_regions", "shop_regions", "region_events", "heard_events"),
    "member_tags",
}


async def blank(conn):
    async with conn.transaction():
        await db.script(conn, BLANK)


async def counted(conn):
    return {table: len(lines) for table, lines in (await dump(conn)).items() if table not in EMPTIED}


@pytest.fixture
async def lived(conn):
    """A database in which a person was everything that there is to be."""
    shop = await make_bakery(conn)
    await live(conn, shop)
    return shop


async def test_nobody_is_left_and_all_the_money_is(conn, lived):
    before, sums = await counted(conn), await rows(conn, SUMS)
    await blank(conn)
    after = await dump(conn)
    left = [(table, trace) for table, lines in after.items() for trace in TRACES if trace in "\n".join(lines)]
    assert left == []
    assert await counted(conn) == before, "every row stays"
    assert await rows(conn, SUMS) == sums
    await factories.books_are_right(conn)


async def test_it_may_run_twice(conn, lived):
    await blank(conn)
    first = await dump(conn)
    await blank(conn)
    assert await dump(conn) == first


async def test_nothing_that_waits_in_the_queue_runs_in_the_copy(conn, lived):
    assert await rows(conn, "select 1 from jobs where state = 'queued'")
    await blank(conn)
    assert await jobs_table.fetch_next_queued_job(conn, ["order", "tell", "card"], factories.LEASE, 10) == []


async def test_the_guards_of_the_rows_are_up_again(conn, lived):
    before = await rows(conn, "select tgrelid, tgname, tgenabled from pg_trigger order by 1, 2")
    await blank(conn)
    assert await rows(conn, "select tgrelid, tgname, tgenabled from pg_trigger order by 1, 2") == before


async def test_a_column_that_is_added_later_is_blanked_too(conn, make_user):
    alice = await make_user()
    await conn.execute("alter table users add column motto text")
    await conn.execute("alter table users add column facts jsonb")
    facts = {"name": 'Фрося "Ф"', "in": ["слова", 7_123_456_789, 12], "none": None}
    await conn.execute(
        "update users set motto = %s, facts = %s where id = %s", ["Ем кашу, 2 раза!", json.dumps(facts), alice.id]
    )
    await blank(conn)
    [(motto, told)] = await rows(conn, "select motto, facts from users where id = %s", alice.id)
    assert motto == "xx xxxx, 0 xxxx!"
    assert told == {"name": "x", "in": ["x", 0, 12], "none": None}


async def test_keys_lose_their_numbers_and_stay_apart(conn, make_user):
    alice = await make_user()
    for number in (7_123_456_789, 7_123_456_780):
        await factories.make_job(conn, alice, key=f"order:studio:{number}:17")
    await blank(conn)
    keys = [key for (key,) in await rows(conn, "select key from jobs where user_id = %s", alice.id)]
    assert len(set(keys)) == 2
    assert [key for key in keys if not key.startswith("order:studio:") or "712345678" in key] == []


async def test_what_it_cannot_blank_is_said_and_nothing_is_changed(conn, make_user):
    alice = await make_user(first_name="Фрося")
    await conn.execute("alter table users add column shoe text check (shoe in ('left', 'right'))")
    await conn.execute("update users set shoe = 'left'")
    with pytest.raises(errors.Invalid, match="shoe"):
        await blank(conn)
    assert await rows(conn, "select first_name from users where id = %s", alice.id) == [("Фрося",)]


SPECIAL = {("clients", "phone"), ("clients", "birthday"), ("menu_misses", "key")}
RULES = """
select r.relname, a.attname, pg_get_constraintdef(k.oid)
from pg_constraint k
join pg_class r on r.oid = k.conrelid
join pg_attribute a on a.attrelid = r.oid and a.attnum = any(k.conkey)
join pg_type t on t.oid = a.atttypid
where r.relnamespace = 'public'::regnamespace
and t.typname = 'text'
union
select r.relname, a.attname, pg_get_indexdef(i.indexrelid)
from pg_index i
join pg_class r on r.oid = i.indrelid
join pg_attribute a on a.attrelid = r.oid and a.attnum = any(i.indkey)
join pg_type t on t.oid = a.atttypid
where r.relnamespace = 'public'::regnamespace
and t.typname = 'text'
and i.indisunique
"""


def breaks(column, rule):
    """Tell whether a rule may refuse letters for which an x stands: a list of words, a pattern, a key."""
    checked = rf"\b{column}(\)?::text)? (=|~|<>) (?!''::text)"
    return rule.startswith(("UNIQUE", "PRIMARY", "FOREIGN", "CREATE UNIQUE")) or re.search(checked, rule)


async def test_no_rule_of_a_table_forbids_what_is_put_in_place_of_words(conn):
    """A column with such a rule is named in sql/anonymise.sql: kept, keyed, or in the exceptions at its end."""
    named = {*re.findall(r"'([*\w]+\.[*\w]+)'", BLANK)}
    found = [
        (table, column, rule)
        for table, column, rule in await rows(conn, RULES)
        if breaks(column, rule) and not {f"*.{column}", f"{table}.*", f"{table}.{column}"} & named
    ]
    assert [one for one in found if one[:2] not in SPECIAL and one[0] not in EMPTIED] == []
