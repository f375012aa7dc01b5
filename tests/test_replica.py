"""A real streaming copy of Postgres: reports and files are read there, balances and jobs never, and it may go away."""

import asyncio
import contextlib
import os
import signal
from datetime import UTC, datetime

import psutil
import psycopg
import pytest
from psycopg import sql

from dev import postgres, servers
from lib import config, db, errors
from lib.jobs import table
from lib.loyalty import partners, points
from lib.reach import wording
from lib.tasks import digest
from lib.tasks.sheet import SOURCES
from tests import clusters, factories
from tests.loyalty_lab import make_member, new_key
from tests.report_lab import MONDAY, ZONE, at, busy_week, week

VERSION = 17
BILL = 100_000

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(servers.lacking(VERSION) is not None, reason="no Postgres 17 here"),
]


@pytest.fixture(scope="module")
async def primary():
    """Run the server that is written to."""
    with servers.run(VERSION, synchronous_commit="on") as data:  # so that what was written is on its way
        await clusters.with_a_template(data)
        yield data


@pytest.fixture(scope="module")
def copy(primary):
    """Run its copy."""
    with servers.replica(VERSION, primary) as data:
        yield data


class Town:
    """A database of a test's own on both servers, and the switch of the copy's replay."""

    def __init__(self, primary, copy, name):
        self.primary, self.copy, self.name = primary, copy, name
        self.owner = postgres.url(primary, name, "owner")

    async def replay(self, verb):
        async with db.connect(postgres.url(self.copy)) as conn:
            await conn.execute(f"select pg_wal_replay_{verb}()")

    async def caught_up(self, what="replay"):
        """Wait until the copy has replayed, or at least received, what was written until now."""
        async with db.connect(postgres.url(self.primary)) as conn:
            [until] = await (await conn.execute("select pg_current_wal_flush_lsn()::text")).fetchone()
        async with db.connect(postgres.url(self.copy)) as conn, asyncio.timeout(30):
            # Postgres 18 is the first that can be told to wait.
            while not (await (await conn.execute(f"select pg_last_wal_{what}_lsn() >= %s", (until,))).fetchone())[0]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def town(primary, copy, monkeypatch, request):
    """Let the product's settings name both."""
    made = Town(primary, copy, f"town_{abs(hash(request.node.name))}")
    async with db.connect(postgres.url(primary)) as conn:
        await conn.execute(f"create database {made.name} owner owner template template_lotok strategy file_copy")
    await made.caught_up()
    monkeypatch.setenv("DATABASE_URL", postgres.url(primary, made.name, "lotok_app"))
    monkeypatch.setenv("DATABASE_READ_URL", postgres.url(copy, made.name, "lotok_app"))
    config.get.cache_clear()
    yield made
    await db.close()
    config.get.cache_clear()
    with contextlib.suppress(Exception):  # it may be away
        await made.replay("resume")


@pytest.fixture
def monday(monkeypatch):
    monkeypatch.setattr("lib.tasks.digest.clock", type("Clock", (), {"now": staticmethod(lambda: MONDAY)}))


async def one_more_bill(conn, shop):
    """Serve one more client within the week."""
    member = await make_member(conn, shop)
    return await points.accrue(conn, shop.id, member.id, shop.owner.id, bill_minor=BILL, key=new_key(), now=at(12))


async def test_a_digest_is_read_from_the_copy_and_says_how_late_that_is(town, monday):
    async with db.connect(town.owner) as conn:
        shop = await busy_week(conn)
        mine = await partners.get(conn, shop.id)
        await town.caught_up()
        await town.replay("pause")
        paused_at = datetime.now(UTC)
        await one_more_bill(conn, shop)
    await town.caught_up("receive")
    late = await digest._read(mine, week())
    assert late.now.turnover_minor == 300_000
    assert late.as_of <= paused_at
    words, _ = wording.digest(late, "ru")
    assert f"Данные на {wording.as_of(late.as_of, ZONE, 'ru').split()[-1].strip('.')}" in words
    await town.replay("resume")
    await town.caught_up()
    assert (await digest._read(mine, week())).now.turnover_minor == 300_000 + BILL


async def in_recovery(conn):
    [found] = await (await conn.execute("select pg_is_in_recovery()")).fetchone()
    return found


async def operations(conn, shop):
    return await SOURCES["operations"].number(conn, shop.id, at(1), at(20))


async def test_a_file_is_read_from_the_copy_and_a_second_try_from_the_primary(town):
    async with db.connect(town.owner) as conn:
        shop = await busy_week(conn)
        await town.caught_up()
        await town.replay("pause")
        async with db.snapshot() as (reader, _):
            before = await operations(reader, shop)
        await one_more_bill(conn, shop)
    async with db.snapshot() as (reader, as_of):
        assert (await in_recovery(reader), await operations(reader, shop)) == (True, before)
        assert as_of < datetime.now(UTC)
    async with db.snapshot(copy=False) as (reader, as_of):
        assert (await in_recovery(reader), as_of) == (False, None)
        assert await operations(reader, shop) > before


async def test_a_balance_is_right_while_the_copy_stands_still(town):
    async with db.connect(town.owner) as conn:
        shop = await busy_week(conn)
        member = await make_member(conn, shop)
    await town.caught_up()
    await town.replay("pause")
    given = await db.run(
        lambda conn: points.accrue(conn, shop.id, member.id, shop.owner.id, bill_minor=BILL, key=new_key())
    )
    has = await db.run(lambda conn: points.balance(conn, shop.id, member.id))
    assert has.available == given.points > 0
    taken = await db.run(
        lambda conn: points.reverse(conn, shop.id, given.txn_id, shop.owner.id, reason="ошибка", key=new_key())
    )
    assert taken.available == 0
    late, _ = await db.read(lambda conn: points.member_history(conn, shop.id, member.id))
    assert late == []  # so it is the copy that stood still


async def test_an_order_is_queued_and_done_while_the_copy_stands_still(town):
    async with db.connect(town.owner) as conn:
        alice = await factories.make_user(conn, credits=3)
    await town.caught_up()
    await town.replay("pause")
    await db.run(
        lambda conn: table.create_job_and_consume_credit(conn, alice.id, task="card", key="once", args={}, price=2)
    )
    async with db.connection() as conn:
        [job] = await factories.claim(conn)
        assert job.key == "once"
        await table.update_job_status(conn, job, "done")
        assert await (await conn.execute("select state from every_job")).fetchall() == [("done",)]
        await factories.books_are_right(conn)
    async with db.connect(postgres.url(town.copy, town.name, "lotok_app")) as conn:
        assert await (await conn.execute("select * from every_job")).fetchall() == []


async def test_a_copy_of_a_quiet_night_is_not_called_late(town):
    """Nothing has been written for an hour: the last transaction is old, what is read is of now."""
    async with db.connect(town.owner) as conn:
        await conn.execute("create table quiet (id int)")
    await town.caught_up()
    async with db.connect(postgres.url(town.copy)) as conn:
        [written_at] = await (await conn.execute("select pg_last_xact_replay_timestamp()")).fetchone()
    asked_at = datetime.now(UTC)
    assert asked_at > written_at
    async with asyncio.timeout(30):  # the server writes a few words of its own at times, which have to arrive
        while (await db.read(in_recovery))[1] < asked_at:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_copy_that_no_longer_hears_the_primary_is_of_its_last_word(town):
    async with db.connect(postgres.url(town.copy)) as conn:
        [line] = await (await conn.execute("show primary_conninfo")).fetchone()
        await conn.execute("alter system set primary_conninfo = 'host=/nowhere'")
        await conn.execute("select pg_reload_conf()")
        try:
            async with asyncio.timeout(30):
                while (await (await conn.execute("select count(*) from pg_stat_wal_receiver")).fetchone())[0]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            cut_at = datetime.now(UTC)
            assert (await db.read(in_recovery))[1] < cut_at
        finally:
            await conn.execute(sql.SQL("alter system set primary_conninfo = {}").format(sql.Literal(line)))
            await conn.execute("select pg_reload_conf()")
    await town.caught_up()


@contextlib.contextmanager
def frozen(data):
    """Let a server fall silent with its connections open, as a machine does that has lost its disk."""
    one = psutil.Process(postgres.pid(data))
    all_of_it = [one, *one.children(recursive=True)]
    for process in all_of_it:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in all_of_it:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)


async def test_a_copy_that_falls_silent_hangs_no_report(town, monkeypatch):
    """The connection is open and kept in the pool, so nothing refuses it: only the time says that nobody is there."""
    monkeypatch.setattr(db, "CHECKOUT_SECONDS", 0.5)
    assert (await db.read(in_recovery))[0] is True
    with frozen(town.copy):
        async with asyncio.timeout(60):
            assert await db.read(in_recovery) == (False, None)
    assert (await db.read(in_recovery))[0] is True


async def test_a_copy_that_falls_silent_in_the_middle_of_a_file_ends_that_try(town, monkeypatch):
    """The next try reads the primary, as any second try of a file does."""
    monkeypatch.setattr(db, "SILENCE_SECONDS", 0.5)
    async with db.connect(town.owner) as conn:
        shop = await busy_week(conn)
    await town.caught_up()
    async with asyncio.timeout(60):
        with pytest.raises(errors.Unavailable):  # noqa: PT012 - it is the end of the block that is asked
            async with db.snapshot() as (conn, as_of):
                pages = SOURCES["operations"].pages(conn, shop.id, at(1), at(20))
                assert as_of
                with frozen(town.copy):
                    [page async for page in pages]
        async with db.snapshot(copy=False) as (conn, _):
            assert await operations(conn, shop)


async def test_a_copy_that_falls_silent_in_the_middle_of_a_report_ends_that_try(town, monkeypatch):
    monkeypatch.setattr(db, "SILENCE_SECONDS", 0.5)
    async with asyncio.timeout(60):
        with pytest.raises((errors.Unavailable, psycopg.OperationalError)):  # noqa: PT012 - as above
            async with db.reading() as (conn, as_of):
                assert as_of
                with frozen(town.copy):
                    await in_recovery(conn)
        assert (await db.read(in_recovery))[0] is True


async def test_reports_go_to_the_primary_once_the_copy_has_died(town, monkeypatch):
    monkeypatch.setattr(db, "CHECKOUT_SECONDS", 0.5)
    assert (await db.read(in_recovery))[0] is True
    servers.stop(VERSION, town.copy)
    async with asyncio.timeout(60):
        assert await db.read(in_recovery) == (False, None)
        async with db.snapshot() as (conn, as_of):
            assert (await in_recovery(conn), as_of) == (False, None)
