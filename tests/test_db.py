import asyncio
from dataclasses import dataclass
from datetime import UTC

import psycopg
import pytest

from lib import config, db, errors, log
from tests import factories


@dataclass(frozen=True)
class Row:
    n: int
    word: str


def query(text):
    return db.Query("test", text)


async def kill_others(database):
    async with database.connect() as conn:
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid()"
        )


async def test_one_returns_a_row_of_the_type_asked_for_or_none(conn):
    numbers = query("select n, 'x' as word from generate_series(1, %(top)s) as n")
    assert await numbers.one(conn, Row, top=2) == Row(1, "x")
    assert await numbers.one(conn, dict, top=2) == {"n": 1, "word": "x"}
    assert await numbers.one(conn, int, top=2) == 1
    assert await numbers.one(conn, Row, top=0) is None


async def test_all_returns_every_row(conn):
    assert await query("select n, 'x' as word from generate_series(1, 2) as n").all(conn, Row) == [
        Row(1, "x"),
        Row(2, "x"),
    ]


async def test_run_returns_how_many_rows_it_touched(conn, make_user):
    await make_user()
    await make_user()
    assert await query("update users set first_name = 'X'").run(conn) == 2


async def test_each_statement_counts_as_one_round_trip(conn):
    with log.scope("test") as record:
        await query("select 1").one(conn, int)
        await query("select 2").run(conn)
    assert record["sql"] == 2


async def test_a_dict_is_stored_as_jsonb(conn):
    assert await query("select %(it)s -> 'слово' ->> 0").one(conn, str, it={"слово": ["да"]}) == "да"


def test_load_reads_the_statements_of_a_file_without_their_comments(tmp_path, monkeypatch):
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "fruit.sql").write_text(
        "-- name: apple\n-- why, 100%\nselect 1;\n\n-- name: pear\nselect 2;\n"
    )
    monkeypatch.setattr(db, "SQL_FOLDER", tmp_path)
    fruit = db.Queries("fruit")
    assert [entry.name for entry in fruit] == ["apple", "pear"]
    assert fruit.apple._text == b"select 1;"
    with pytest.raises(AttributeError):
        _ = fruit.plum


def test_every_entry_of_the_query_files_is_a_single_statement():
    for file in sorted((db.SQL_FOLDER / "queries").glob("*.sql")):
        for entry in db.load(file.stem):
            assert entry._text.count(b";") == 1, f"{file.name}: {entry.name} is not one statement"


async def test_run_repeats_the_work_once_when_connections_have_died(database):
    async def ask(conn):
        return await query("select 1").one(conn, int)

    assert await asyncio.gather(*(db.run(ask) for _ in range(4))) == [1] * 4
    await kill_others(database)
    assert await asyncio.gather(*(db.run(ask) for _ in range(4))) == [1] * 4


async def test_run_does_not_repeat_what_failed_for_another_reason(database):
    tries = 0

    async def fail(conn):
        nonlocal tries
        tries += 1
        raise errors.Unavailable("telegram")

    with pytest.raises(errors.Unavailable, match="telegram"):
        await db.run(fail)
    assert tries == 1


async def test_run_gives_up_after_the_second_try(database):
    tries = 0

    async def die(conn):
        nonlocal tries
        tries += 1
        await query("select pg_terminate_backend(pg_backend_pid())").run(conn)

    with pytest.raises(errors.Unavailable, match="database"):
        await db.run(die)
    assert tries == 2


async def test_a_dead_connection_is_unavailable_to_whoever_holds_it(database):
    async with db.connection() as conn:
        await kill_others(database)
        with pytest.raises(errors.Unavailable):
            await query("select 1").run(conn)


async def test_a_database_that_is_away_is_unavailable(monkeypatch):
    monkeypatch.setattr(db, "CHECKOUT_SECONDS", 0.2)
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")
    config.get.cache_clear()
    try:
        with pytest.raises(errors.Unavailable, match="database"):
            async with db.connection():
                pass
    finally:
        await db.close()
        config.get.cache_clear()
    with pytest.raises(errors.Unavailable, match="database"):
        async with db.connect("postgresql://127.0.0.1:1/none"):
            pass


async def test_connections_are_autocommit_and_prepare_nothing(database):
    async with db.connection() as conn:
        assert conn.autocommit
        assert conn.prepare_threshold is None
        for _ in range(10):
            await query("select 1").run(conn)
        assert await query("select count(*) from pg_prepared_statements").one(conn, int) == 0


async def test_a_pool_lends_at_most_four_connections(database):
    async def hold(conn):
        await query("select pg_sleep(0.05)").run(conn)
        return conn.pgconn.backend_pid

    assert len(set(await asyncio.gather(*(db.run(hold) for _ in range(12))))) <= 4


async def test_each_loop_has_a_pool_of_its_own(database):
    async def ask():
        answer = await db.run(lambda conn: query("select 1").one(conn, int))
        await db.close()
        return answer

    assert await db.run(lambda conn: query("select 1").one(conn, int)) == 1
    assert await asyncio.to_thread(asyncio.run, ask()) == 1
    assert await asyncio.to_thread(asyncio.run, ask()) == 1


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("postgresql://u@ep-x.neon.tech/d?sslmode=require&channel_binding=require", True),
        ("postgresql://u@127.0.0.1:6432/d?channel_binding=require", False),
        ("postgresql://u:@/d?host=/tmp&channel_binding=require", False),
    ],
)
def test_channel_binding_is_dropped_on_loopback_alone(url, kept):
    assert ("channel_binding" in db._conninfo(url)) is kept


async def test_an_address_that_cannot_be_read_is_misconfigured_and_not_shown():
    with pytest.raises(errors.Misconfigured) as error:
        async with db.connect("postgresql://u:geheim@h/d?no_such=1"):
            pass
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    ("raise_", "expected"),
    [
        (
            "using errcode = 'LK402', message = 'short', detail = '{\"balance\": 1, \"price\": 2}'",
            errors.ShortOfCredits,
        ),
        ("using errcode = 'LK404', message = 'no_job', detail = 'x'", errors.Missing),
        ("using errcode = 'LK409', message = 'key_reused'", errors.Conflict),
        ("using errcode = '57P03', message = 'starting up'", errors.Unavailable),
        ("using errcode = '23505', message = 'a bug'", psycopg.errors.UniqueViolation),
    ],
)
async def test_errors_of_postgres_become_ours_by_their_code(conn, raise_, expected):
    with pytest.raises(expected):
        await query(f"do $$ begin raise exception {raise_}; end $$").run(conn)


async def test_times_come_with_a_zone(conn, make_user):
    alice = await make_user()
    assert alice.created_at.astimezone(UTC).utcoffset() is not None
    await factories.books_are_right(conn)


@pytest.fixture
def copied(database, monkeypatch):
    """Say where the copy of the database is."""

    def at(url):
        monkeypatch.setenv("DATABASE_READ_URL", url)
        config.get.cache_clear()

    yield at
    config.get.cache_clear()


async def where(conn):
    return await query("select current_database()").one(conn, str)


async def test_without_a_copy_reports_are_of_now(database):
    name, as_of = await db.read(where)
    assert (name, as_of) == (await db.run(where), None)


async def test_a_report_reads_the_copy_and_knows_as_of_when_it_is(database, copied):
    copied(database.url.replace(await db.run(where), "postgres"))
    name, as_of = await db.read(where)
    assert name == "postgres" != await db.run(where)
    assert as_of.tzinfo is not None
    await db.close()


async def test_a_copy_that_is_away_costs_no_report(database, copied, monkeypatch):
    monkeypatch.setattr(db, "CHECKOUT_SECONDS", 0.2)
    copied("postgresql://u@127.0.0.1:1/none")
    assert await db.read(where) == (await db.run(where), None)
    await db.close()


async def test_what_fails_on_the_copy_fails_and_is_not_read_twice(database, copied):
    copied(database.url)
    reads = []

    async def fail(conn):
        reads.append(conn)
        await query("select 1 / 0").run(conn)

    with pytest.raises(psycopg.errors.DivisionByZero):
        await db.read(fail)
    assert len(reads) == 1
    await db.close()
