"""A database that tests use one after the other: each finds what the migrations left, whatever the one before did."""

import psycopg
import pytest

from lib import db
from tests import factories
from tests.reused import Reused

TABLES = """
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_' order by 1"""
SEQUENCES = "select sequencename, last_value from pg_sequences order by 1"


@pytest.fixture
def own(reused):
    """Databases like those of `reused`, but of this test alone."""
    return Reused(reused.clone, reused.drop, reused.administrator)


async def held(own, url):
    """All rows of all tables, and the place of each sequence."""
    async with db.connect(own.administrator(url)) as conn:

        async def asked(query):
            return await (await conn.execute(query)).fetchall()

        rows = {name: await asked(f"select t::text from {name} t order by 1") for [name] in await asked(TABLES)}
        return rows, await asked(SEQUENCES)


async def test_the_next_test_finds_the_rows_and_the_sequences_of_the_migrations(own):
    url = await own.take()
    fresh = await held(own, url)
    async with db.connect(url) as conn:
        anna = await factories.make_user(conn, credits=5)
        await factories.make_job(conn, anna, price=1)
        await conn.execute("delete from provider_budgets")
        await conn.execute("update products set price = price + 1")
    used, _ = await held(own, url)
    assert used["users"]
    assert used["credit_ledger"], "which refuses to lose a row"
    assert not used["provider_budgets"]
    await own.give_back(url)
    assert await own.take() == url
    assert await held(own, url) == fresh
    await own.drop(url)


@pytest.mark.parametrize(
    "change",
    [
        "create table more (id int)",
        "alter table credit_ledger disable trigger append_only",
        "create or replace function person() returns bigint language sql stable as 'select 1::bigint'",
        "alter table point_lots disable row level security",
        "drop policy tenant on members",
        "alter table users alter column created_at drop default",
        "alter table users drop constraint users_pkey cascade",
        "alter database {name} set timezone = 'Asia/Tokyo'",
    ],
)
async def test_a_database_with_another_schema_is_not_used_again(own, change):
    url = await own.take()
    async with db.connect(own.administrator(url)) as conn:
        [name] = await (await conn.execute("select current_database()")).fetchone()
        await conn.execute(change.format(name=name))
    await own.give_back(url)
    assert not own.spare


async def test_what_a_test_left_open_is_ended(own):
    url = await own.take()
    async with db.connect(url) as conn:
        await conn.execute("begin")
        await factories.make_user(conn)
        await own.give_back(url)
        with pytest.raises(psycopg.OperationalError):
            await conn.execute("commit")
    async with db.connect(url) as conn:
        assert await (await conn.execute("select count(*) from users")).fetchone() == (0,)
    await own.drop(url)


async def test_the_connection_of_conn_is_kept_until_a_test_loses_it(kept_connection):
    kept = await kept_connection()
    assert await kept_connection() is kept
    await kept.close()
    assert not (await kept_connection()).closed
