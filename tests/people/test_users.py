import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from lib import config, errors, log
from lib.jobs import table
from lib.people import users
from lib.studio import files
from tests import factories
from tests.conftest import SETTINGS


async def test_get_or_create_user_makes_a_person_with_an_empty_account(conn):
    alice = await users.get_or_create_user(conn, 7, first_name="Алиса", username="alice", language="en")
    assert (alice.tg_id, alice.first_name, alice.username, alice.language) == (7, "Алиса", "alice", "en")
    assert alice.balance == 0
    assert alice.consent_at is None
    assert await users.get_user(conn, alice.id) == alice


async def test_get_or_create_user_returns_the_same_person_and_writes_nothing(conn):
    first = await users.get_or_create_user(conn, 7, first_name="Алиса")
    with log.scope("test") as record:
        again = await users.get_or_create_user(conn, 7, first_name="Алиса")
    assert again == first
    assert record["sql"] == 1


async def test_get_or_create_user_follows_a_new_name(conn):
    first = await users.get_or_create_user(conn, 7, first_name="Алиса")
    renamed = await users.get_or_create_user(conn, 7, first_name="Алиса", last_name="Лидделл")
    assert (renamed.id, renamed.last_name) == (first.id, "Лидделл")
    assert renamed.seen_at > first.seen_at


async def test_get_or_create_user_notes_once_an_hour_that_somebody_was_seen(conn):
    alice = await users.get_or_create_user(conn, 7)
    await conn.execute("update users set seen_at = seen_at - interval '61 minutes'")
    again = await users.get_or_create_user(conn, 7)
    assert timedelta(0) < again.seen_at - alice.seen_at < timedelta(minutes=1)


async def test_get_or_create_user_brings_the_balance_in_the_same_round_trip(conn, make_user):
    await make_user(tg_id=7, credits=5)
    with log.scope("test") as record:
        assert (await users.get_or_create_user(conn, 7, first_name="Алиса")).balance == 5
    assert record["sql"] == 1


async def test_a_guess_of_the_language_is_followed_until_a_person_chooses(conn):
    alice = await users.get_or_create_user(conn, 7, language="ru")
    assert (await users.get_or_create_user(conn, 7, language="en")).language == "en"
    await users.set_language(conn, alice.id, "ru")
    assert (await users.get_or_create_user(conn, 7, language="en")).language == "ru"


async def test_set_language_refuses_one_we_do_not_speak(conn, make_user):
    alice = await make_user()
    with pytest.raises(errors.Invalid):
        await users.set_language(conn, alice.id, "fr")


async def test_get_user_by_tg_id_finds_nobody_else(conn, make_user):
    alice = await make_user(tg_id=7)
    assert await users.get_user_by_tg_id(conn, 7) == alice
    assert await users.get_user_by_tg_id(conn, 8) is None


async def test_accept_consent_gives_the_trial_once_in_a_lifetime(conn, make_user):
    alice = await make_user()
    with log.scope("test") as record:
        agreed = await users.accept_consent(conn, alice.id, alice.tg_id)
    again = await users.accept_consent(conn, alice.id, alice.tg_id)
    assert record["sql"] == 1
    assert agreed.balance == again.balance == users.TRIAL_CREDITS
    assert agreed.consent_at == again.consent_at is not None
    await conn.execute("update users set consent_at = null")
    assert (await users.accept_consent(conn, alice.id, alice.tg_id)).balance == users.TRIAL_CREDITS
    assert await factories.kinds(conn, alice) == [("trial", 2, 2)]


async def test_accept_consent_of_nobody_is_missing(conn):
    with pytest.raises(errors.Missing):
        await users.accept_consent(conn, 404, 404)


async def test_who_blocked_us_is_marked_until_they_write_again(conn, make_user):
    alice = await make_user(tg_id=7)
    await users.mark_blocked(conn, 7, "studio", True)
    marked = await users.get_user(conn, alice.id)
    await users.mark_blocked(conn, 7, "studio", True)
    assert marked.blocked_at is not None
    assert (await users.get_user(conn, alice.id)).blocked_at == marked.blocked_at
    assert (await users.get_or_create_user(conn, 7, first_name="Алиса")).blocked_at is None
    await users.mark_blocked(conn, 7, "studio", True)
    await users.mark_blocked(conn, 7, "studio", False)
    assert (await users.get_user(conn, alice.id)).blocked_at is None


async def test_twenty_first_messages_at_once_make_one_person(database):
    async def first_message(_):
        async with database.connect() as conn:
            user = await users.get_or_create_user(conn, 7, first_name="Алиса")
            return (await users.accept_consent(conn, user.id, user.tg_id)).id

    ids = await asyncio.gather(*map(first_message, range(20)))
    assert len(set(ids)) == 1
    async with database.connect() as conn:
        assert (await users.get_user_by_tg_id(conn, 7)).balance == users.TRIAL_CREDITS
        await factories.books_are_right(conn)


async def test_export_holds_all_that_is_kept_of_a_person_and_nothing_of_another(conn, make_user, make_job):
    alice, bob = await make_user(credits=3, username="alice"), await make_user(credits=1)
    order = await make_job(alice, price=1, args={"title": "Кружка"})
    await make_job(bob, args={"title": "Чужое"})
    data = await users.export(conn, alice.id)
    assert (data["profile"]["username"], data["balance"]) == ("alice", 2)
    assert [entry["kind"] for entry in data["credits"]] == ["grant", "charge"]
    assert [(one["id"], one["asked"]) for one in data["orders"]] == [(order.id, {"title": "Кружка"})]
    assert data["files"] == []


async def test_export_links_to_the_files_where_they_lie_on_a_server_of_ours(conn, make_user, make_job, monkeypatch):
    alice, bob = await make_user(), await make_user()
    for who, name in ((alice, "a"), (bob, "b")):
        order = await make_job(who)
        file = {"kind": "card", "content_type": "image/png", "bytes": 1, "width": 1, "height": 1}
        await files.add_files(conn, who.id, order.id, [file | {"pathname": f"production/card/{name}.png"}])
    assert "link" not in (await users.export(conn, alice.id))["files"][0]
    own = {"LOTOK_ENV": "production", "PUBLIC_URL": "https://bots.example.ru"}
    monkeypatch.setattr(config, "get", lambda: config.Config(SETTINGS | own))
    [mine] = (await users.export(conn, alice.id))["files"]
    assert mine["link"].startswith("https://bots.example.ru/files/")
    assert mine["link"].endswith("/production/card/a.png")


async def test_erase_leaves_the_ledger_and_nothing_of_the_person(conn, make_user, make_job):
    alice = await make_user(tg_id=7, username="alice")
    await users.accept_consent(conn, alice.id, 7)
    order = await make_job(alice, price=1, key="card:studio:7:5", args={"title": "Кружка", "chat_id": 7})
    await users.erase(conn, alice.id, 7)
    await users.erase(conn, alice.id, 7)
    gone = await users.get_user(conn, alice.id)
    assert (gone.tg_id, gone.first_name, gone.username, gone.consent_at) == (-alice.id, "", "", None)
    assert await factories.kinds(conn, alice) == [("trial", 2, 2), ("charge", -1, 1), ("refund", 1, 2)]
    left = await (await conn.execute("select state, args, key from every_job where id = %s", (order.id,))).fetchone()
    assert left == ("cancelled", {}, f"erased:{order.id}")
    queued = await conn.execute("select task, state from jobs where user_id = %s and task = 'erase'", (alice.id,))
    assert await queued.fetchall() == [("erase", "queued")]
    await factories.books_are_right(conn)


async def test_who_was_erased_comes_back_as_a_stranger_without_a_second_trial(conn, make_user):
    alice = await make_user(tg_id=7)
    await users.accept_consent(conn, alice.id, 7)
    await users.erase(conn, alice.id, 7)
    stranger = await users.get_or_create_user(conn, 7, first_name="Алиса")
    assert stranger.id != alice.id
    assert (await users.accept_consent(conn, stranger.id, 7)).balance == 0
    bob = await users.get_or_create_user(conn, 8)
    assert (await users.accept_consent(conn, bob.id, 8)).balance == users.TRIAL_CREDITS


async def test_an_order_under_way_is_waited_for_and_then_forgotten(conn, make_user):
    alice = await make_user(tg_id=7)
    job = await factories.make_running(conn, alice, args={"title": "Кружка"})
    await users.erase(conn, alice.id, 7)
    assert await users.forget_orders(conn, alice.id) == 1
    await table.update_job_status(conn, job, "done")
    assert await users.forget_orders(conn, alice.id) == 0
    assert (await table.get_job_by_id(conn, job.id)).args == {}


async def test_a_living_person_has_a_telegram_id_and_an_erased_one_has_none(conn, make_user):
    alice = await make_user()
    async with factories.refused(conn, psycopg.errors.CheckViolation):
        await conn.execute("update users set tg_id = -1 where id = %s", (alice.id,))
    async with factories.refused(conn, psycopg.errors.CheckViolation):
        await conn.execute("update users set erased_at = now() where id = %s", (alice.id,))


def test_the_zones_to_choose_from_are_as_far_from_utc_as_they_say():
    for zone, hours in users.ZONES.items():
        for month in (1, 7):
            assert datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() == timedelta(hours=hours), zone


async def test_a_person_who_stopped_one_bot_is_out_of_reach_of_that_one_alone(conn):
    alice = await factories.make_user(conn)
    stopped = "select stopped from users where id = %s"
    for bot, blocked, left in (
        ("client", True, ["client"]),
        ("client", True, ["client"]),
        ("studio", True, ["client", "studio"]),
        ("client", False, ["studio"]),
    ):
        await users.mark_blocked(conn, alice.tg_id, bot, blocked)
        assert await (await conn.execute(stopped, (alice.id,))).fetchall() == [(left,)]
