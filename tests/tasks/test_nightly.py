"""The two jobs of the night: the audit that alerts, and the tidying of the history."""

from datetime import UTC, datetime, timedelta

import pytest

from lib import config, errors, retry, storage
from lib.jobs import drain, table
from lib.people import users
from lib.studio import files, spending
from lib.tasks import TASKS, audit, tidy
from lib.telegram.client import Chat
from tests import factories
from tests.region_lab import be


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
def admins(database, monkeypatch):
    """Two administrators, and what they are told."""
    monkeypatch.setenv("ADMIN_IDS", "7, 8")
    config.get.cache_clear()
    told = []

    async def say(chat, text, *_, **__):
        told.append((chat.bot, chat.id, text))
        return 1

    monkeypatch.setattr(Chat, "say", say)
    return told


async def run(conn, task):
    await conn.execute("insert into jobs (task, key, turn) values (%s, %s, 1)", (task, f"{task}:night"))
    until = datetime.now(UTC) + timedelta(minutes=5)
    return await drain.work(TASKS, until, only=[task], patience=timedelta(0))


async def test_the_audit_of_a_sound_database_tells_nobody(conn, admins):
    await factories.make_job(conn, await factories.make_user(conn, credits=1), price=1)
    assert (await run(conn, "audit")).done == 1
    assert admins == []


async def test_the_audit_tells_every_administrator_what_it_found(conn, admins):
    await factories.make_job(conn, await factories.make_user(conn))
    await conn.execute("update jobs set attempts = 9")
    assert (await run(conn, "audit")).done == 1
    assert [(bot, person) for bot, person, _ in admins] == [("studio", 7), ("studio", 8)]
    assert admins[0][2].startswith("<b>Ночная сверка</b>\n• у задачи больше попыток, чем можно: 1 (job ")


async def test_the_audit_speaks_the_language_of_who_reads(conn, admins):
    await users.get_or_create_user(conn, 8, language="en")
    await factories.make_job(conn, await factories.make_user(conn))
    await conn.execute("update jobs set attempts = 9")
    assert (await run(conn, "audit")).done == 1
    assert admins[1][2].startswith("<b>Nightly audit</b>\n• a job had more attempts than it may have: 1 (job ")


async def test_without_administrators_the_finding_is_a_log_line(conn, database, capsys):
    await factories.make_job(conn, await factories.make_user(conn))
    await conn.execute("update jobs set attempts = 9")
    assert (await run(conn, "audit")).done == 1
    assert '"event": "audit"' in capsys.readouterr().out


async def test_an_administrator_who_was_told_is_not_told_by_the_retry(conn, admins, monkeypatch):
    await factories.make_job(conn, await factories.make_user(conn))
    await conn.execute("update jobs set attempts = 9")
    say = Chat.say

    async def once_away(chat, text, *_, **__):
        if chat.id == 8 and len(admins) < 2:
            admins.append(("away", 8, ""))
            raise errors.Unavailable("telegram")
        return await say(chat, text)

    monkeypatch.setattr(Chat, "say", once_away)
    monkeypatch.setattr(audit, "BACKOFF", retry.Backoff(base=timedelta(0)))
    assert (await run(conn, "audit")).done == 1
    assert [(bot, person) for bot, person, _ in admins] == [("studio", 7), ("away", 8), ("studio", 8)]


async def test_a_finding_that_nobody_could_be_told_is_told_again(conn, admins, monkeypatch):
    await factories.make_job(conn, await factories.make_user(conn))
    await conn.execute("update jobs set attempts = 9")
    say, tries = Chat.say, []

    async def unknown_at_first(chat, text, *_, **__):
        tries.append(chat.id)
        if len(tries) < 3:
            raise errors.Blocked()
        return await say(chat, text)

    monkeypatch.setattr(Chat, "say", unknown_at_first)
    monkeypatch.setattr(audit, "BACKOFF", retry.Backoff(base=timedelta(0)))
    assert (await run(conn, "audit")).done == 1
    assert tries == [7, 8, 7, 8]
    assert len(admins) == 2


async def test_tidying_removes_what_is_older_than_90_days_in_small_batches(conn, monkeypatch):
    monkeypatch.setattr(tidy, "BATCH", 2)
    alice = await factories.make_user(conn)
    for _ in range(5):
        await table.update_job_status(conn, await factories.make_running(conn, alice), "done")
    await conn.execute("alter table job_history disable trigger user")
    await conn.execute("update job_history set finished_at = now() - interval '91 days'")
    await conn.execute("alter table job_history enable trigger user")
    assert (await run(conn, "tidy")).done == 1
    assert await table.get_user_jobs(conn, alice.id) == []


async def test_what_providers_were_asked_for_a_job_goes_with_it(conn):
    alice = await factories.make_user(conn)
    old, fresh = [await factories.make_running(conn, alice) for _ in range(2)]
    for job in (old, fresh):
        for item in (0, 0, 1):  # the first is lost, the others stay open
            await factories.begin_call(conn, job, item)
        await table.update_job_status(conn, job, "done")
    await conn.execute("alter table job_history disable trigger user")
    await conn.execute("update job_history set finished_at = now() - interval '91 days' where id = %s", (old.id,))
    await conn.execute("alter table job_history enable trigger user")
    assert (await run(conn, "tidy")).done == 1
    assert await spending.costs_of_job(conn, old.id) == []
    assert [call.state for call in await spending.costs_of_job(conn, fresh.id)] == ["lost", "begun", "begun"]


async def test_tidying_reads_no_table_from_end_to_end(conn):
    await conn.execute(
        "insert into job_history (id, task, key, args, checkpoint, price, priority, state, run_at, attempts,"
        " max_attempts, lease_token, created_at, finished_at)"
        " select n, 'card', n, '{}', '{}', 0, 0, 'done', at, 1, 3, gen_random_uuid(), at, at"
        " from generate_series(1, 10000) n,"
        " lateral (select now() - interval '100 days' + n * interval '10 minutes') t (at)"
    )
    await conn.execute(
        "insert into provider_calls (job_id, item, step, provider, model, cost, begun_at)"
        " select id, 0, 'main', 'kie', 'm', 40, created_at from job_history"
    )
    await conn.execute("analyze job_history, provider_calls")

    async def scans():
        await conn.execute("select pg_stat_force_next_flush()")
        cursor = await conn.execute(
            "select relname, seq_scan from pg_stat_user_tables where relname in ('job_history', 'provider_calls')"
        )
        return dict(await cursor.fetchall())

    before = await scans()
    assert [await table.forget_history(conn) for _ in range(3)] == [1000, 440, 0]
    assert await scans() == before


async def test_cuts_are_kept_a_day_source_pictures_thirty_and_results_ninety(conn, database, tmp_path, monkeypatch):
    monkeypatch.setenv("STORAGE_PATH", str(tmp_path))
    config.get.cache_clear()
    alice = await factories.make_user(conn)
    rows = []
    for kind in ("source", "still", "card", "video"):
        path = await storage.put(kind, b"x", job_id=1, ext="jpg", content_type="image/jpeg")
        row = {"kind": kind, "pathname": path, "content_type": "image/jpeg", "bytes": 1, "width": 1, "height": 1}
        rows += await files.add_files(conn, alice.id, 1, [row])
    foreign = {**row, "kind": "source", "pathname": "production/source/2026/01/1-a.jpg"}
    await files.add_files(conn, alice.id, 1, [foreign])
    await conn.execute("update files set created_at = now() - interval '31 days'")
    await conn.execute("update files set created_at = now() - interval '93 days' where kind = 'video'")
    fresh = await storage.put("source", b"x", job_id=2, ext="jpg", content_type="image/jpeg")
    await files.add_files(conn, alice.id, 2, [{**row, "kind": "source", "pathname": fresh}])
    cuts = [{**row, "kind": "cut", "pathname": f"local/cut/2026/01/1-{age}.bin"} for age in (23, 25)]
    for cut, age in zip(await files.add_files(conn, alice.id, 3, cuts), (23, 25), strict=True):
        await conn.execute("update files set created_at = now() - %s where id = %s", (timedelta(hours=age), cut.id))
    assert (await run(conn, "tidy")).done == 1
    left = [file.pathname for file in await files.list_files(conn, alice.id)]
    assert left == [rows[2].pathname, foreign["pathname"], fresh, cuts[0]["pathname"]]
    assert [await storage.get(path) for path in (rows[2].pathname, fresh)] == [b"x", b"x"]
    for gone in (rows[0], rows[3]):
        with pytest.raises(errors.Missing):
            await storage.get(gone.pathname)


async def test_every_administrator_reads_the_week_once_on_monday(conn, admins):
    await conn.execute(
        "insert into jobs (task, key, turn, args)"
        " values ('week', 'week:test', 1, jsonb_build_object('due', '2026-03-16T07:00:00+00:00'))"
    )
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert (await drain.work(TASKS, until, only=["week"], patience=timedelta(0))).done == 1
    assert sorted((bot, person) for bot, person, _ in admins) == [("admin", 7), ("admin", 8)]
    assert "Неделя 9–15 марта" in admins[0][2]


async def test_the_night_leaves_the_days_figures_for_other_regions_if_there_are_any(conn, monkeypatch):
    await run(conn, "tidy")
    query = "select region from region_days"
    assert await (await conn.execute(query)).fetchall() == []
    be(monkeypatch, "ru")
    await conn.execute("insert into jobs (task, key, turn) values ('tidy', 'tidy:next', 1)")
    await drain.work(TASKS, datetime.now(UTC) + timedelta(minutes=5), only=["tidy"], patience=timedelta(0))
    assert await (await conn.execute(query)).fetchall() == [("ru",)]
