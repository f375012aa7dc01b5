"""The main job through a real PgBouncer in transaction mode, as on Neon's pooled address."""

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from dev import postgres
from dev.stack import ROOT, Stack
from lib import config, db, errors
from lib.credits import ledger
from lib.jobs import drain, table
from lib.loyalty import points
from lib.loyalty.partners import of
from lib.people import users
from lib.retry import Backoff
from lib.studio import files
from tests import factories
from tests.flows.chat import Chat
from tests.loyalty_lab import NOW, make_member, make_shop

BINARY = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SERVER_CONNECTIONS = 3  # fewer than clients, so that clients really share them

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no pgbouncer here (Debian: apt install pgbouncer)")


@pytest.fixture(scope="module")
def bouncer(server):
    """Run a PgBouncer before the session's Postgres and return its port."""
    with _running(server, SERVER_CONNECTIONS) as port:
        yield port


@contextlib.contextmanager
def _running(server, connections, mode="transaction"):
    with tempfile.TemporaryDirectory(prefix="lotok-pgbouncer-") as place:
        folder, port = Path(place), _free_port()
        (folder / "users.txt").write_text('"postgres" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={postgres.socket_folder(server)}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"pool_mode = {mode}\ndefault_pool_size = {connections}\nmax_client_conn = 200\n"
            f"auth_type = trust\nauth_file = {folder}/users.txt\nlogfile = {folder}/log\n"
        )
        _hand_over(folder)
        command = [str(BINARY), "-q", str(folder / "pgbouncer.ini")]
        with subprocess.Popen(command, user=postgres.system_user(), stderr=subprocess.DEVNULL) as process:
            try:
                _wait(port, process, folder / "log")
                yield port
            finally:
                process.kill()


@pytest.fixture
def pooled(bouncer, database, monkeypatch):
    """Make DATABASE_URL lead through PgBouncer, with the parameters that Neon's addresses carry."""
    url = _through(bouncer, database)
    monkeypatch.setenv("DATABASE_URL", url)
    config.get.cache_clear()
    return url


@pytest.fixture
def single(server, database):
    """Lead through a PgBouncer that has one connection to the server, which all its clients take turns at."""
    with _running(server, 1) as port:
        yield _through(port, database)


def _through(port, database):
    name = urlsplit(database.url).path
    return f"postgresql://postgres@127.0.0.1:{port}{name}?sslmode=prefer&channel_binding=require"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _hand_over(folder):
    """Give the folder to the user that PgBouncer will run as: like Postgres, it refuses to be root."""
    if user := postgres.system_user():
        for path in (folder, *folder.iterdir()):
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)


def _wait(port, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"pgbouncer did not start: {log.read_text() if log.exists() else 'no log'}")


async def order_a_card(conn, tg_id):
    """Do all that one person's first card needs, one that is drawn and one that fails; return the person."""
    user = await users.get_or_create_user(conn, tg_id, first_name="Алиса")
    user = await users.accept_consent(conn, user.id, user.tg_id)
    for key in ("good", "bad"):
        made = await table.create_job_and_consume_credit(
            conn, user.id, task="card", key=f"{key}:{tg_id}", args={"title": "Чай"}, price=1
        )
        assert made.created
    return user


async def finish(conn, job):
    """Do a worker's part for one job."""
    if job.key.startswith("bad"):
        return await table.update_job_status(conn, job, "failed", error_code="photo_broken", error="x")
    job = await table.save_checkpoint(conn, job, {"drawn": True})
    card = {"kind": "card", "pathname": f"local/card/{job.id}.png", "content_type": "image/png", "bytes": 9}
    [file] = await files.add_files(conn, job.user_id, job.id, [card])
    await files.remember_telegram_ids(conn, "studio", "photo", {file.id: f"AgAC{job.id}"})
    return await table.update_job_status(conn, job, "done")


async def test_the_main_job_goes_through_pgbouncer(pooled):
    async def main(conn):
        user = await order_a_card(conn, 7)
        for job in await factories.claim(conn, limit=2):
            await finish(conn, job)
        states = [(job.key, job.state) for job in await table.get_user_jobs(conn, user.id, tasks=["card"])]
        assert states == [("bad:7", "failed"), ("good:7", "done")]
        assert await ledger.safe_get_balance(conn, user.id) == users.TRIAL_CREDITS - 1
        [notice] = await factories.claim(conn)
        assert notice.task == "notice"
        await factories.books_are_right(conn)

    await db.run(main)


async def test_twenty_clients_share_three_connections_and_nothing_is_mixed_up(pooled):
    async def client(number):
        async with db.connect(pooled) as conn:
            user = await order_a_card(conn, number)
            with pytest.raises(errors.ShortOfCredits):
                await table.create_job_and_consume_credit(
                    conn, user.id, task="card", key=f"third:{number}", args={}, price=1
                )
            for _ in range(4):
                for job in await factories.claim(conn, limit=2):
                    await finish(conn, job)
            return user

    people = await asyncio.gather(*map(client, range(1, 21)))

    async def look(conn):
        left = await factories.claim(conn, limit=100)
        assert [job.task for job in left if job.task == "card"] == []
        for user in people:
            assert await ledger.safe_get_balance(conn, user.id) == 1
        await factories.books_are_right(conn)
        cursor = await conn.execute(
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and backend_type = 'client backend'"
        )
        assert (await cursor.fetchone())[0] <= SERVER_CONNECTIONS

    await db.run(look)


async def test_two_shops_that_share_one_server_connection_never_see_each_other(single):
    """A scope is `set local` of one transaction, so nothing of it may reach the next user of the connection.

    The statement under test names no shop: what it shows is what the policies let through, and nothing else.
    """
    everything = db.Query("everything", "select partner_id, txn_id from point_entries")
    settings = "select current_user, coalesce(current_setting('app.tenant', true), ''), pg_backend_pid()"
    backends = set()

    async def look(conn, shop, seen):
        found = await everything.within(of(shop.id)).all(conn, tuple)
        assert {partner for partner, _ in found} == {shop.id}
        assert len(found) >= seen
        user, tenant, backend = await (await conn.execute(settings)).fetchone()
        assert (user, tenant) == ("postgres", "")
        backends.add(backend)
        return len(found)

    async def trade(shop, member):
        """Accrue, be refused, begin and give up: a scope ends however its transaction does."""
        seen = 0
        async with db.connect(single) as conn:
            for number in range(20):
                key = f"bill:{shop.id}:{number}"
                await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=100_000, key=key, now=NOW)
                seen = await look(conn, shop, seen + 2)
                with pytest.raises(errors.Invalid):
                    await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=0, key="x", now=NOW)
                with pytest.raises(psycopg.errors.DivisionByZero):
                    await db.Query("fails", "select 1 / 0").within(of(shop.id)).all(conn, int)
                with contextlib.suppress(ZeroDivisionError):
                    async with conn.transaction():
                        await everything.within(of(shop.id)).all(conn, tuple)
                        raise ZeroDivisionError
                async with conn.transaction():
                    await conn.execute("set local role lotok_app")
                    assert await (await conn.execute("select partner_id from members")).fetchall() == []
        return seen

    async with db.connect(single) as conn:
        shops = [await make_shop(conn), await make_shop(conn)]
        members = [await make_member(conn, shop) for shop in shops]
    assert await asyncio.gather(*map(trade, shops, members)) == [40, 40]
    assert len(backends) == 1, "both shops were served by one connection of Postgres"


async def test_workers_run_through_pgbouncer(pooled, monkeypatch):
    async def enqueue(conn):
        for number in range(1, 11):
            await order_a_card(conn, number)

    async def run(run):
        if run.job.key.startswith("bad"):
            raise errors.Rejected("photo_broken")
        await run.save(drawn=True)

    monkeypatch.setitem(
        sys.modules,
        "task_behind_pgbouncer",
        SimpleNamespace(BACKOFF=Backoff(), LEASE=timedelta(seconds=30), run=run),
    )
    await db.run(enqueue)
    tasks = dict.fromkeys(("card", "notice"), "task_behind_pgbouncer")
    until = datetime.now(UTC) + timedelta(seconds=60)
    summaries = await asyncio.gather(
        *(drain.work(tasks, until, concurrency=4, patience=timedelta(0)) for _ in range(2))
    )
    assert sum(summary.done for summary in summaries) == 20  # ten cards and ten notices
    assert sum(summary.failed for summary in summaries) == 10
    await db.run(factories.books_are_right)


@pytest.mark.long
async def test_a_photo_becomes_a_card_through_pgbouncer(pooled, database):
    """The whole way: the webhook and the drain under the real runtime, with only the pooled address to the database."""
    folder = Path(tempfile.mkdtemp(prefix="lotok-pooled-"))
    try:
        async with (
            Stack(folder, given={"DATABASE_URL": pooled}) as stack,
            httpx.AsyncClient(base_url=stack.page, timeout=60, trust_env=False, verify=False) as http,
        ):
            person = (await http.post("/sim/users", json={"first_name": "Алиса"})).raise_for_status().json()
            alice = Chat(http, "studio", person)
            await alice.says("/start")
            await alice.presses("Принимаю")
            await alice.sends_photo((ROOT / "dev" / "samples" / "coffee.jpg").read_bytes(), caption="Кофе")
            await alice.presses("Карточка товара")
            await alice.presses("Ozon")
            await alice.presses("Сделать")
            await alice.sees("Карточка готова: Ozon.*Баланс: 1 кредит")
            await alice.sees("Файл в полном качестве")
            await stack.idle()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    async with database.connect() as conn:
        await factories.books_are_right(conn)
